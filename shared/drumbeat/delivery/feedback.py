"""What providers tell by themselves of what was sent: evidence, which closes what is unknown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, feedback_sql
from drumbeat.delivery.effects import Closing
from drumbeat.delivery.feedback_sql import MatchedAttempt
from drumbeat.services import Services

NOBODY = 0  # the fence of who holds no claim


@dataclass(frozen=True, slots=True)
class FeedbackEvent:
    """One thing that a provider said. A mail that bounced was accepted before; one that it would not take was not."""

    effect_id: UUID
    generation: int
    kind: Literal["accepted", "refused"]
    said: str  # in the provider's own words
    reference: str | None = None


def apply_feedback(words: Sequence[FeedbackEvent], services: Services) -> set[UUID]:
    """Keep what was said and return the effects that it moved. Harmless to repeat.

    Acceptance is proof wherever an effect stands that is not at its end; only one that is being sent at this moment is
    left to its worker, who finds the proof when it does not hear the answer. A refusal is read when its effect is next
    looked at. Words about nothing of ours are let go: they move nothing.

    Raises psycopg.Error: nothing was kept, or nobody knows; say it again.
    """
    keys = [(word.effect_id, word.generation) for word in words]
    meant = feedback_sql.meant(services.db, keys, [word.kind for word in words])
    if not meant:
        return set()
    closings = [_closing(one, words[one.place - 1]) for one in meant]
    released = [waiting for one in meant if words[one.place - 1].kind == "accepted" for waiting in one.dependents]
    services.notifier.schedule(dict.fromkeys(released, 0.0))
    moved = attempts_sql.close_attempts(services.db, closings, actor="feedback")
    services.notifier.notify([(waiting, 0.0) for one in moved.values() for waiting in one.dependents])
    services.notifier.clear(effects=moved)
    return set(moved)


def _closing(meant: MatchedAttempt, word: FeedbackEvent) -> Closing:
    told = Reason(ReasonCode.FEEDBACK, word.said)
    return Closing(
        id=meant.id,
        fence=NOBODY,
        n=meant.n,
        generation=meant.generation,
        identity=meant.identity,
        origin="feedback",
        kind=word.kind,
        to=Status(word.kind),
        reference=word.reference,
        learned=told,
        reason=told,
    )

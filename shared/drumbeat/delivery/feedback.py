"""What providers report later of what was sent: evidence, which closes what is unknown."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, feedback_sql
from drumbeat.delivery.effects import Closing, Moved
from drumbeat.delivery.feedback_sql import MatchedAttempt
from drumbeat.delivery.work import provider_key
from drumbeat.ledger.batches import write_apart
from drumbeat.providers.ends import reference, sentence
from drumbeat.services import Services

NO_CLAIM = 0  # a fence that no claim has: they begin at 1
HIGHEST_GENERATION = 2**31 - 1  # that the ledger can hold

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FeedbackEvent:
    """One thing that a provider reported. A bounce means "accepted": the provider had taken the mail."""

    effect_id: UUID
    generation: int
    kind: Literal["accepted", "refused"]
    said: str  # in the provider's own words
    reference: str | None = None


def apply_feedback(events: Sequence[FeedbackEvent], services: Services) -> set[UUID]:
    """Keep what was said and return the effects that it moved. Harmless to repeat.

    "accepted" settles every effect that is not final, except one that is being sent now: its worker finds the proof if
    no answer comes. "refused" is used when the effect is next claimed. An event about an attempt that was never made is
    ignored.

    Raises:
        psycopg.Error: whether the events were kept is not known; repeat the call.
    """
    events = [event for event in events if 0 < event.generation <= HIGHEST_GENERATION]
    keys = [(event.effect_id, event.generation) for event in events]
    matched = feedback_sql.match_attempts(services.db, keys, [event.kind for event in events])
    if not matched:
        return set()
    pairs = [(attempt, events[attempt.place - 1]) for attempt in matched]
    closings = [_closing(attempt, event) for attempt, event in pairs]
    released = [waiting for attempt, event in pairs if event.kind == "accepted" for waiting in attempt.dependents]
    services.notifier.schedule(dict.fromkeys(released, 0.0))
    moved: dict[UUID, Moved] = {}
    write_apart(
        lambda some: moved.update(attempts_sql.close_attempts(services.db, some, actor="feedback")), closings, _refused
    )
    services.notifier.notify([(waiting, 0.0) for one in moved.values() for waiting in one.dependents])
    services.notifier.clear(effects=moved)
    return set(moved)


def _refused(closing: Closing, error: Exception) -> None:
    _LOG.error("feedback_not_kept", extra={"effect_id": str(closing.id), "error": type(error).__name__})


def _closing(attempt: MatchedAttempt, event: FeedbackEvent) -> Closing:
    said = Reason(ReasonCode.FEEDBACK, sentence(event.said))
    named = reference(event.reference, key=provider_key(event.effect_id, event.generation))
    return Closing(
        id=attempt.id,
        fence=NO_CLAIM,
        n=attempt.n,
        generation=attempt.generation,
        identity=attempt.identity,
        origin="feedback",
        kind=event.kind,
        to=Status(event.kind),
        reference=named or None,
        learned=said,
        reason=said,
    )

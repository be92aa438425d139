"""Feedback: a provider says later what became of a request, when its answer was lost or before it arrived.

The doors for it are to come: which source may speak for which account is theirs to say. Whoever calls this has a
delivery that is verified and recorded, and one word of ours for what it says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from drumbeat.deliver.work import read_provider_key
from drumbeat.status import Status
from drumbeat.store import feedback
from drumbeat.store.feedback import Lesson
from drumbeat.wiring import Services


@dataclass(frozen=True, slots=True)
class Feedback:
    """What was said. A bounce is no refusal: what bounced had been accepted."""

    key: str  # the provider key that came back: effect id and generation
    said: Literal["accepted", "refused"]
    reference: str | None = None  # the provider's own name for it, as its answer would have given it


@dataclass(frozen=True, slots=True)
class Heard:
    """Where effects were moved to, and the keys that no attempt of ours ever used: they change nothing."""

    moved: dict[UUID, Status]
    strange: frozenset[str]


def hear(told: Sequence[Feedback], services: Services) -> Heard:
    """Keep what providers say about attempts, and move what it settles.

    Acceptance settles all that is not final and not being sent at this moment; a refusal only what is unknown. Against
    a final status it is kept, and shows as attention. Harmless to repeat, to get in any order, and before the answer.

    Raises:
        psycopg.Error: the ledger is away; tell it again.
    """
    lessons, strange = _known(told, services)
    if not lessons:
        return Heard({}, strange)
    # Mark, commit, ring: a crash between any two leaves work that the relay finds.
    services.reminders.remember({waiting: 0.0 for waits in lessons.values() for waiting in waits})
    moved = feedback.learn(services.db, list(lessons))
    services.reminders.ring([(waiting, 0.0) for one in moved for waiting in one.dependents])
    services.reminders.settled(effects=[one.id for one in moved])
    return Heard({one.id: one.status for one in moved}, strange)


def _known(told: Sequence[Feedback], services: Services) -> tuple[dict[Lesson, tuple[UUID, ...]], frozenset[str]]:
    """Return what is about attempts of ours, each with the effects that wait for its end; and the other keys."""
    named = {one: read_provider_key(one.key) for one in told}
    known = feedback.attempted(services.db, [found[0] for found in named.values() if found])
    lessons: dict[Lesson, tuple[UUID, ...]] = {}
    strange: set[str] = set()
    for one, found in named.items():
        effect = known.get(found[0]) if found else None
        if found is None or effect is None or found[1] not in effect.generations:
            strange.add(one.key)
        else:
            lessons[Lesson(*found, one.said, one.reference)] = effect.dependents
    return lessons, frozenset(strange)

"""A person has looked at an event that needs attention and leaves it as it is: it is dismissed, with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from drumbeat.core.errors import Invalid, NotFound, Stale
from drumbeat.operations import dismissals_sql
from drumbeat.services import Services


@dataclass(frozen=True, slots=True)
class Dismissed:
    """What a dismissal covers. Anything that comes later needs attention again."""

    event_id: UUID
    conflicts: int
    flows: Sequence[str]
    refused: int


def dismiss(event_id: UUID, *, reason: str, actor: str, services: Services) -> Dismissed:
    """Dismiss an event from attention. It changes no effect: redriving, and planning by a later `apply`, go on.

    Raises:
        NotFound: no event has this id.
        Stale: nothing of it needs attention, or an effect is held, which only a decision ends; nothing was changed.
        Invalid: the reason is empty.
        psycopg.OperationalError: the ledger is unreachable; whether it was dismissed is not known.
    """
    if not reason.strip():
        raise Invalid("a dismissal needs a reason, for the people who look at the event later; nothing was changed")
    judged = dismissals_sql.dismiss(services.db, event_id, reason=reason, actor=actor)
    if judged is None:
        raise NotFound(f"no event has the id {event_id}; nothing was changed")
    if judged.held:
        raise Stale(
            f"{judged.held} of its effects {'is' if judged.held == 1 else 'are'} held and would wait for ever: "
            f"`drumbeat effects --event {event_id} --status held` lists them, `drumbeat resolve` decides; then dismiss "
            f"what is left; nothing was changed"
        )
    if judged.status != "attention":
        raise Stale(f"the event is {judged.status}: nothing of it needs attention; nothing was changed")
    if not judged.dismissed:
        raise Stale("the event was dismissed this very moment by another; nothing else was changed")
    return Dismissed(event_id, judged.conflicts, judged.flows, judged.refused)

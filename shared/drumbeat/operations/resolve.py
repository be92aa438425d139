"""A person decides about an effect that nothing can prove: send it again, call it accepted, or drop it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from drumbeat.core.errors import Invalid, NotFound, Stale
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.ledger import legacy
from drumbeat.operations import resolve_sql
from drumbeat.operations.resolve_sql import DecidableEffect
from drumbeat.services import Services

# Of one request: few enough for one statement and one notification, enough for 400 in four requests.
EFFECTS_PER_REQUEST = 100


class Decision(StrEnum):
    """What a person may decide about a held effect."""

    RESEND = "resend"
    ACCEPTED = "accepted"
    DROP = "drop"


NEXT_STATUS = {
    Decision.RESEND: Status.WAITING,
    Decision.ACCEPTED: Status.ACCEPTED,
    Decision.DROP: Status.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Resolved:
    """The progress of a decision about many; `left` is True while effects of the same filter are still held."""

    effects: list[UUID]
    left: bool


def resolve(
    effect_id: UUID, decision: Decision, *, reason: str, version: int, actor: str, services: Services
) -> DecidableEffect:
    """Carry out one decision about one held effect, and return its new state.

    Raises:
        NotFound: no effect has this id.
        Stale: it changed since `version`, or it is not held; nothing was changed.
        Invalid: the reason is empty.
    """
    _require(reason)
    effect = resolve_sql.decidable(services.db, effect_id)
    if effect is None:
        raise NotFound(f"no effect has the id {effect_id}; nothing was changed")
    if effect.status is not Status.HELD:
        raise Stale(f"the effect is {effect.status}, only a held one waits for a decision; nothing was changed")
    if effect.version != version:
        raise Stale(f"the effect is at version {effect.version}, not {version}; look again; nothing was changed")
    moved = _carry_out([effect], decision, reason, actor, services)
    if not moved:
        raise Stale("the effect changed this very moment; look again; nothing was changed")
    return moved[0]


def resolve_held(
    decision: Decision,
    *,
    reason: str,
    seen_at: datetime,
    account: str | None = None,
    cause: str | None = None,
    actor: str,
    services: Services,
) -> Resolved:
    """Carry out one decision about the next chunk of held effects; call again while some are left.

    Only effects that are unchanged since `seen_at` are touched: what came later was not part of the decision.
    `cause` narrows them to one reason: its code or, until the next release, the sentence of a reason to hold.

    Raises:
        Invalid: the reason is empty, or the cause does not exist; nothing was changed.
    """
    _require(reason)
    selected = legacy.cause(cause) if cause is not None else None
    seen = resolve_sql.held(
        services.db, account=account, cause=selected, seen_at=seen_at, limit=EFFECTS_PER_REQUEST + 1
    )
    moved = _carry_out(seen[:EFFECTS_PER_REQUEST], decision, reason, actor, services)
    return Resolved([effect.id for effect in moved], left=len(seen) > EFFECTS_PER_REQUEST)


def _carry_out(
    effects: list[DecidableEffect], decision: Decision, reason: str, actor: str, services: Services
) -> list[DecidableEffect]:
    """Schedule, commit, notify: a crash between any two leaves work that the relay finds."""
    if not effects:
        return []
    to = NEXT_STATUS[decision]
    woken = _woken(effects, to)
    services.notifier.schedule(dict.fromkeys(woken, 0.0))
    moved = resolve_sql.decide(services.db, effects, to=to, reason=Reason(ReasonCode.DECIDED, reason), actor=actor)
    services.notifier.notify([(id, 0.0) for id in woken])
    return moved


def _woken(effects: Iterable[DecidableEffect], to: Status) -> list[UUID]:
    """Name the effects that are due afterwards: these themselves, or those that waited for their end."""
    if to is Status.WAITING:
        return [effect.id for effect in effects]
    return [dependent for effect in effects for dependent in effect.dependents]


def _require(reason: str) -> None:
    if not reason.strip():
        raise Invalid("a decision needs a reason, for the people who read the journal later; nothing was changed")

"""A person decides about an effect: settle one that is held, send an ended one again, cancel one that waits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from drumbeat.core.errors import Invalid, NotFound, Stale
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import FINAL, Status
from drumbeat.operations import decisions_sql
from drumbeat.operations.decisions_sql import DecidableEffect, Selection
from drumbeat.services import Services

# Of one request: few enough for one statement and one notification, enough for 400 in four requests.
EFFECTS_PER_REQUEST = 100


class Decision(StrEnum):
    """What a person may decide. Each is possible for some statuses only."""

    # About one that is held: nothing can prove whether it was carried out.
    RESEND = "resend"
    ACCEPTED = "accepted"
    DROP = "drop"
    # About one that ended without being carried out.
    REDRIVE = "redrive"
    # About one that is not under way.
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Move:
    """From which statuses a decision takes an effect, and to which."""

    takes: tuple[Status, ...]
    to: Status


MOVES: Mapping[Decision, Move] = {
    Decision.RESEND: Move((Status.HELD,), Status.WAITING),
    Decision.ACCEPTED: Move((Status.HELD,), Status.ACCEPTED),
    Decision.DROP: Move((Status.HELD,), Status.CANCELLED),
    Decision.REDRIVE: Move((Status.REFUSED, Status.CANCELLED), Status.WAITING),
    Decision.CANCEL: Move((Status.WAITING, Status.HELD), Status.CANCELLED),
}

# What a person can do about an effect whose status a decision does not take.
_INSTEAD: Mapping[Status, str] = {
    Status.WAITING: "it will be sent; `drumbeat cancel` prevents that",
    Status.CLAIMED: "a worker has it and may be sending it now; look again in a minute",
    Status.SENDING: "it is on its way; look again in a minute",
    Status.UNKNOWN: "it may have been carried out, and this is being found out; it ends by itself or is held",
    Status.HELD: "it waits for a decision by `drumbeat resolve`",
    Status.ACCEPTED: "it was carried out, and that is final",
    Status.REFUSED: "it has ended; `drumbeat redrive` sends it again",
    Status.CANCELLED: "it has ended; `drumbeat redrive` sends it again",
}


@dataclass(frozen=True, slots=True)
class DecidedEffect:
    """Where an effect stands since the decision, and what else a person should know.

    `suppressed`: why it will be cancelled again, unless the suppression is lifted before. `cancelled_dependents`: what
    ended because this one had not been carried out; each has to be redriven by itself.
    """

    effect_id: UUID
    status: Status
    version: int
    suppressed: str | None = None
    cancelled_dependents: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a decision about many; `left` is True while effects of the same selection are left to decide."""

    effects: list[UUID]
    left: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """What a person may decide about an effect as it stands, and what to know before.

    `maybe_sent`: an attempt may have been carried out, so sending it again may do it twice. `suppressed`: why it would
    be cancelled again. `refusal`: why an ended one cannot be sent again.
    """

    decisions: tuple[Decision, ...]
    maybe_sent: bool
    suppressed: str | None
    refusal: str | None


def offered(effect_id: UUID, services: Services) -> Offer | None:
    """Return what may be decided about an effect now; None: there is no such effect."""
    effect = decisions_sql.decidable(services.db, effect_id)
    if effect is None:
        return None
    why_not = {each: _why_not(effect, each, effect.version, even_if_sent=True) for each in Decision}
    possible = tuple(each for each, why in why_not.items() if why is None)
    ended = effect.status in MOVES[Decision.REDRIVE].takes
    refusal = why_not[Decision.REDRIVE] if ended else None
    return Offer(possible, effect.maybe_sent, effect.suppressed, refusal)


def decide(
    effect_id: UUID,
    decision: Decision,
    *,
    reason: str,
    version: int,
    actor: str,
    services: Services,
    even_if_sent: bool = False,
) -> DecidedEffect:
    """Carry out one decision about one effect, and return its new state.

    `even_if_sent`: redrive it although it may have been carried out already, and then is done twice.

    Raises:
        NotFound: no effect has this id.
        Stale: it changed since `version`, or the decision is not possible where it stands; nothing was changed.
        Invalid: the reason is empty.
        psycopg.OperationalError: the ledger is unreachable; whether it was decided is not known.
    """
    _require(reason)
    effect = decisions_sql.decidable(services.db, effect_id)
    if effect is None:
        raise NotFound(f"no effect has the id {effect_id}; nothing was changed")
    if why_not := _why_not(effect, decision, version, even_if_sent=even_if_sent):
        raise Stale(f"{why_not}; nothing was changed")
    moved = _carry_out([effect], decision, reason, actor, services, even_if_sent=even_if_sent)
    if not moved:
        raise Stale("the effect changed this very moment; look again; nothing was changed")
    again = moved[0].status is Status.WAITING
    return DecidedEffect(
        effect_id,
        moved[0].status,
        moved[0].version,
        suppressed=effect.suppressed if again else None,
        cancelled_dependents=effect.cancelled_dependents if again else (),
    )


def decide_all(
    decision: Decision,
    selection: Selection,
    *,
    reason: str,
    actor: str,
    services: Services,
    even_if_sent: bool = False,
) -> Progress:
    """Carry out one decision about the next chunk of a selection; call again while some are left.

    Only effects that are unchanged since they were seen are touched: what came later was not part of the decision.
    A redrive leaves out what `decide` would refuse. The reason is kept with each, without addresses.

    Raises:
        Invalid: the reason is empty, or the decision is not possible for one of the statuses; nothing was changed.
        psycopg.OperationalError: the ledger is unreachable; whether the chunk was decided is not known.
    """
    _require(reason)
    if not set(selection.statuses) <= set(MOVES[decision].takes):
        raise Invalid(f"{decision} is possible for {' and '.join(MOVES[decision].takes)} only; nothing was changed")
    redrive = decision is Decision.REDRIVE
    seen = decisions_sql.selected(
        services.db, selection, limit=EFFECTS_PER_REQUEST, redrive=redrive, even_if_sent=even_if_sent
    )
    kept = decisions_sql.for_many(services.db, reason)
    moved = _carry_out(seen, decision, kept, actor, services, even_if_sent=even_if_sent)
    # Asked afterwards: what was sent again may allow the next step to be sent again.
    left = decisions_sql.selected(services.db, selection, limit=1, redrive=redrive, even_if_sent=even_if_sent)
    return Progress([effect.id for effect in moved], left=bool(moved and left))


def _why_not(effect: DecidableEffect, decision: Decision, version: int, *, even_if_sent: bool) -> str | None:
    """Return why a decision about an effect is not possible; None: it is."""
    if effect.status not in MOVES[decision].takes:
        return f"the effect is {effect.status}: {_INSTEAD[effect.status]}"
    if effect.version != version:
        return f"the effect is at version {effect.version}, not {version}; look again"
    if decision is not Decision.REDRIVE:
        return None
    if effect.erased:
        return "its event was erased, so there is nothing left to send"
    if effect.predecessor in FINAL - {Status.ACCEPTED}:
        return f"it comes after effect {effect.after}, which is {effect.predecessor}; redrive that one first"
    if effect.maybe_sent and not even_if_sent:
        return (
            "it may have been carried out already, and would be done twice; look at the provider, and if you accept"
            " that, say so: `--even-if-sent` (`evenIfSent`)"
        )
    return None


def _carry_out(
    effects: list[DecidableEffect],
    decision: Decision,
    reason: str,
    actor: str,
    services: Services,
    *,
    even_if_sent: bool,
) -> list[decisions_sql.Decided]:
    """Schedule, commit, notify: a crash between any two leaves work that the relay finds."""
    if not effects:
        return []
    move = MOVES[decision]
    due_in = _due_in(effects, move.to)
    services.notifier.schedule(due_in)
    moved = decisions_sql.decide(
        services.db,
        effects,
        takes=move.takes,
        to=move.to,
        reason=Reason(ReasonCode.DECIDED, reason),
        actor=actor,
        redrive=decision is Decision.REDRIVE,
        even_if_sent=even_if_sent,
    )
    services.notifier.notify(due_in.items())
    return moved


def _due_in(effects: Iterable[DecidableEffect], to: Status) -> dict[UUID, float]:
    """Return what is due afterwards, and in how many seconds: these themselves, or those that waited for their end.

    One that still waits for another step is among them: that step may end before the commit.
    """
    if to is Status.WAITING:
        return {effect.id: effect.due_in for effect in effects}
    return {dependent: 0.0 for effect in effects for dependent in effect.dependents}


def _require(reason: str) -> None:
    if not reason.strip():
        raise Invalid("a decision needs a reason, for the people who read the journal later; nothing was changed")

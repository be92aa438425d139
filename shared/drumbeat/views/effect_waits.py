"""Why an effect waits now: from how things stand at this moment, not from what was written when it was put back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from drumbeat.core.reasons import ReasonCode
from drumbeat.core.status import FINAL, Status
from drumbeat.ledger import stops
from drumbeat.ledger.database import Database, Row
from drumbeat.ledger.effects_of_runs import FREE, RUN, WAITS
from drumbeat.ledger.stops import Stop

COUNTED = 1_000  # of those that come before it; more are said to be more


class WaitCode(StrEnum):
    """What an effect may wait for."""

    LEASED = "leased"
    SENDING = "sending"
    LOOKED_UP = "looked_up"
    HELD = "held"
    AFTER_STEP = "after_step"
    STOPPED = "stopped"
    ALL_STOPPED = "all_stopped"
    ACCOUNT_PAUSED = "account_paused"
    PROBING = "probing"
    RUN_PAUSED = "run_paused"
    PLANNED = "planned"
    RATE_LIMITED = "rate_limited"
    LIMITER_AWAY = "limiter_away"
    QUIET_HOURS = "quiet_hours"
    PUT_BACK = "put_back"
    DUE = "due"


# Each goes on with the instant of `until`, where there is one.
SAYS: Mapping[WaitCode, str] = {
    WaitCode.LEASED: "A worker has it and works on it, until at the latest",
    WaitCode.SENDING: "Its request is on its way, and the answer is awaited until",
    WaitCode.LOOKED_UP: "Whether it was carried out is not known yet; it is found out, or safely repeated, from",
    WaitCode.HELD: "It waits for your decision, for no program can make it: {detail}",
    WaitCode.AFTER_STEP: "It comes after step {detail}, which has not ended",
    WaitCode.STOPPED: "Its account was stopped by {detail}",
    WaitCode.ALL_STOPPED: "Everything was stopped by {detail}",
    WaitCode.ACCOUNT_PAUSED: "Its account does not answer ({detail}) and is paused until",
    WaitCode.PROBING: "The pause of its account is over, and one effect tries first whether it answers again: {detail}",
    WaitCode.RUN_PAUSED: "Its run is paused{detail}",
    WaitCode.PLANNED: "It is planned for",
    WaitCode.RATE_LIMITED: "It has its place in the rate limit of its account, behind {detail}, and is sent about",
    WaitCode.LIMITER_AWAY: "Redis does not answer, so each process sends at a part of the rate; it is tried again",
    WaitCode.QUIET_HOURS: "Its person is not mailed at this hour; it is sent from",
    WaitCode.PUT_BACK: "It was put back ({detail}) and is tried again",
    WaitCode.DUE: "It is due, behind {detail}; a worker takes it next",
}


@dataclass(frozen=True, slots=True)
class Wait:
    """One thing that an effect waits for. `effect`: the one it comes after. `run`: the run that is paused."""

    code: WaitCode
    says: str
    until: datetime | None = None
    effect: UUID | None = None
    run: UUID | None = None


STATE = """
    SELECT drumbeat_now() AS now, e.status, e.account, e.event_id, e.reason_code, e.reason, e.of_run, e.campaign,
           e.base_due_at AS planned_for, nullif(e.due_at, 'infinity') AS due_at, e.lease_until,
           e.after, earlier.status AS earlier, earlier.step AS earlier_step,
           states.paused_until, states.reason_detail AS pause_detail,
           runs.state AS run_state, runs.reason_code AS run_code, runs.reason_detail AS run_detail, runs.resumes_at
      FROM effects e
      LEFT JOIN effects earlier ON earlier.id = e.after
      LEFT JOIN account_states states ON states.account = e.account
      LEFT JOIN runs ON runs.id = e.event_id AND e.of_run
     WHERE e.id = %(id)s
"""

# By the index of what is due at an account, and that of what is free of a run: each in the order of its entries.
BEFORE = """
    SELECT count(*) AS n
      FROM (SELECT
              FROM effects
             WHERE account = %(account)s AND campaign = %(campaign)s
               AND lease_until IS NULL AND status IN ('waiting', 'unknown') AND NOT of_run
               AND due_at < %(due_at)s
             LIMIT %(limit)s) AS before
"""
BEFORE_OF_RUN = f"""
    SELECT count(*) AS n
      FROM (SELECT
              FROM effects
             WHERE {RUN} = %(run)s AND {FREE} AND {WAITS} AND due_at < %(due_at)s
             LIMIT %(limit)s) AS before
"""  # noqa: S608 - put together from constants


def waits(db: Database, id: UUID) -> list[Wait]:
    """Return what an effect waits for, what decides first; none when it has ended, or does not exist."""
    rows = db.run(STATE, {"id": id})
    if not rows or rows[0]["status"] in FINAL:
        return []
    return list(_waits(db, rows[0], stops.holding(stops.in_force(db), rows[0]["account"])))


def _waits(db: Database, effect: Row, stopped: list[Stop]) -> Iterator[Wait]:
    if effect["status"] == Status.HELD:
        yield _wait(WaitCode.HELD, effect["reason"] or "")
    elif effect["status"] == Status.SENDING:
        yield _wait(WaitCode.SENDING, until=effect["lease_until"])
    elif effect["lease_until"] is not None:
        yield _wait(WaitCode.LEASED, until=effect["lease_until"])
    elif effect["status"] == Status.UNKNOWN:
        yield _wait(WaitCode.LOOKED_UP, until=effect["due_at"])
        yield from _account(effect, [])
    elif effect["after"] is not None and effect["earlier"] not in FINAL:
        yield Wait(WaitCode.AFTER_STEP, _says(WaitCode.AFTER_STEP, effect["earlier_step"] or ""), None, effect["after"])
    else:
        yield from _of_waiting(db, effect, stopped)


def _of_waiting(db: Database, effect: Row, stopped: list[Stop]) -> Iterator[Wait]:
    """Give what holds it back: a time that is yet to come before what else would hold it then."""
    held_back = [*_account(effect, stopped), *_run(effect)]
    comes = effect["due_at"] is not None and effect["due_at"] > effect["now"]
    if comes and not (held_back and effect["reason_code"] in _FOLLOWS):
        yield _later(db, effect)
    yield from held_back
    if not comes and not held_back:
        yield _wait(WaitCode.DUE, _before(db, effect))


# It was put back for what still holds it back: that says it better.
_FOLLOWS = (
    ReasonCode.PAUSED,
    ReasonCode.CREDENTIALS_REFUSED,
    ReasonCode.BREAKER_OPEN,
    ReasonCode.RUN_PAUSED,
    ReasonCode.STOPPED,
)


def _later(db: Database, effect: Row) -> Wait:
    due_at = effect["due_at"]
    match effect["reason_code"]:
        case ReasonCode.RATE_LIMITED:
            return _wait(WaitCode.RATE_LIMITED, _before(db, effect), until=due_at)
        case ReasonCode.LIMITER_AWAY:
            return _wait(WaitCode.LIMITER_AWAY, until=due_at)
        case ReasonCode.QUIET_HOURS:
            return _wait(WaitCode.QUIET_HOURS, until=due_at)
        case _ if effect["reason"] is None or due_at == effect["planned_for"]:
            return _wait(WaitCode.PLANNED, until=due_at)
        case _:
            return _wait(WaitCode.PUT_BACK, effect["reason"], until=due_at)


def _account(effect: Row, stopped: list[Stop]) -> Iterator[Wait]:
    for stop in stopped:
        code = WaitCode.ALL_STOPPED if stop.account is None else WaitCode.STOPPED
        yield _wait(code, f"{stop.actor}: {stop.reason}")
    if effect["paused_until"] is None:
        return
    why = effect["pause_detail"] or "its calls failed"
    if effect["paused_until"] > effect["now"]:
        yield _wait(WaitCode.ACCOUNT_PAUSED, why, until=effect["paused_until"])
    else:
        yield _wait(WaitCode.PROBING, why)


def _run(effect: Row) -> Iterator[Wait]:
    if effect["run_state"] != "paused":
        return
    why = effect["run_detail"] or (effect["run_code"] or "").replace("_", " ")
    says = _says(WaitCode.RUN_PAUSED, (f": {why}" if why else "") + (", until" if effect["resumes_at"] else ""))
    yield Wait(WaitCode.RUN_PAUSED, says, effect["resumes_at"], run=effect["event_id"])


def _before(db: Database, effect: Row) -> str:
    scope: dict[str, Any] = {"due_at": effect["due_at"], "limit": COUNTED}
    if effect["of_run"]:
        (row,) = db.run(BEFORE_OF_RUN, scope | {"run": effect["event_id"]})
        whose = "of its run"
    else:
        (row,) = db.run(BEFORE, scope | {"account": effect["account"], "campaign": effect["campaign"]})
        whose = "of its account"
    return f"{row['n']:,}{' or more' if row['n'] == COUNTED else ''} {whose}"


def _wait(code: WaitCode, detail: str = "", *, until: datetime | None = None) -> Wait:
    return Wait(code, _says(code, detail), until)


def _says(code: WaitCode, detail: str) -> str:
    return SAYS[code].replace("{detail}", detail)

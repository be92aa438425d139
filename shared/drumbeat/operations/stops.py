"""Stop an account, or everything, and let it go on: no attempt is opened once a stop is answered.

What was opened before is on its way and cannot be called back; what became of it is still looked into. Events come in,
are planned and recorded all the while.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from drumbeat.core.errors import NotFound, Stale
from drumbeat.core.invariants import Invariant
from drumbeat.ledger import account_states, stops
from drumbeat.ledger.stops import Stop
from drumbeat.operations import resume_sql, violations
from drumbeat.runs.turns import wake
from drumbeat.services import Services
from drumbeat.wakeups.due_index import account_entry

EFFECTS_PER_REQUEST = 500  # the caller repeats the request while some are left
SOON_SECONDS = 5.0  # the relay looks again, should this process die between its commit and what follows


@dataclass(frozen=True, slots=True)
class Resumed:
    """How many effects go on now; `left` is True while others still wait. `account` None: everything.

    `stopped` are the stops that still hold what was resumed. `violations` of an invariant stop nothing any more, and
    so many `runs` go on that they had stopped.
    """

    account: str | None
    effects: int
    left: bool
    stopped: Collection[Stop] = ()
    violations: int = 0
    runs: int = 0
    at: datetime | None = None  # until when stops were ended: who repeats this says it, so that a newer one stays


def stop(
    account: str | None, *, reason: str, actor: str, services: Services, invariant: str | None = None
) -> list[Stop]:
    """Stop an account, or everything (None), until a person lets it go on; return all stops in force.

    Harmless to repeat: what is stopped keeps who stopped it first.

    Raises:
        NotFound: no account is called so.
    """
    if account is not None and invariant is None:
        _find(account, services)
    stops.stop(services.db, account, reason=reason, actor=actor, invariant=invariant)
    services.due_index.look_soon(services.clock.now().timestamp())  # so that open pages say it soon
    return stops.in_force(services.db)


def resume(
    account: str, *, reason: str | None, actor: str, services: Services, seen: datetime | None = None
) -> Resumed:
    """End a person's stop of an account and its pause, and make due what waited for it. Harmless to repeat.

    A cause that still exists pauses the account again at its next calls. A stop that was made after what was `seen`
    stays; without it, after this began. Who repeats it passes the `at` of the first answer.

    Raises:
        NotFound: no account is called so.
        Stale: an invariant stopped it, which is resumed by its name.
    """
    _find(account, services)
    _expect([account], services)
    seen = seen or stops.now(services.db)
    lifted = stops.lift(services.db, account, reason=reason, actor=actor, seen=seen)
    left = stops.holding(stops.in_force(services.db), account)
    if broken := sorted({each.invariant for each in left if each.invariant}):
        raise Stale(
            f"{account} was stopped because an invariant does not hold: {', '.join(broken)}. Look at what it found,"
            f" then `drumbeat resume --invariant {broken[0]}`. "
            + ("A person's stop of it was ended; nothing is sent yet." if lifted else "Nothing was changed.")
        )
    if account_states.resume(services.db, account) and not lifted:
        stops.note_resumed(services.db, account, reason=reason, actor=actor)
    if left:
        return Resumed(account, 0, left=False, stopped=left, at=seen)
    effects, more = _go_on(account, services)
    return Resumed(account, effects, more, at=seen)


def retry(account: str, *, reason: str, actor: str, services: Services) -> Resumed:
    """End the pause of an account that did not answer, and make due what waited for it.

    Raises:
        NotFound: no account is called so.
        Stale: it was stopped, which only ends who has seen that.
    """
    _find(account, services)
    if held := stops.holding(stops.in_force(services.db), account):
        raise Stale(
            f"{account} was stopped by {held[0].actor}: {held[0].reason}. Nothing was changed; look at it again."
        )
    _expect([account], services)
    if account_states.resume(services.db, account):
        stops.note_resumed(services.db, account, reason=reason, actor=actor)
    effects, more = _go_on(account, services)
    return Resumed(account, effects, more, at=stops.now(services.db))


def resume_everything(
    *, reason: str, actor: str, services: Services, invariant: str | None = None, seen: datetime | None = None
) -> Resumed:
    """End a person's stop of everything, or all that an invariant has stopped. Harmless to repeat; accounts that were
    stopped one by one stay so, and so does what was stopped after what was `seen`, as `resume` says.
    """
    seen = seen or stops.now(services.db)
    known = (
        violations.acknowledge(Invariant(invariant), reason=reason, actor=actor, services=services, seen=seen)
        if invariant
        else 0
    )
    before = stops.in_force(services.db)
    mine = [each for each in before if each.invariant == invariant and (invariant or each.account is None)]
    accounts = (
        sorted(resume_sql.accounts(services.db))
        if any(each.account is None for each in mine) or not (mine or invariant)
        else _named(mine)
    )
    _expect(accounts, services)
    for each in mine:
        stops.lift(services.db, each.account, reason=reason, actor=actor, invariant=invariant, seen=seen)
    left = stops.in_force(services.db)
    done = [_go_on(account, services) for account in accounts if not stops.holding(left, account)]
    runs = violations.resume_runs(reason=reason, actor=actor, services=services) if invariant else 0
    return Resumed(None, sum(effects for effects, _ in done), any(more for _, more in done), left, known, runs, at=seen)


def _named(some: Collection[Stop]) -> list[str]:
    return sorted({each.account for each in some if each.account is not None})


def _find(account: str, services: Services) -> None:
    if account not in resume_sql.accounts(services.db):
        raise NotFound(f"no account is called {account}; nothing was changed. `drumbeat accounts` lists them.")


def _expect(accounts: Collection[str], services: Services) -> None:
    """Let the relay look soon, before what it is to find is committed."""
    soon = services.clock.now().timestamp() + SOON_SECONDS
    services.due_index.set({account_entry(name): soon for name in accounts})


def _go_on(account: str, services: Services) -> tuple[int, bool]:
    """Make due what waited for an account that may send again, wake it; return how many, and whether more wait."""
    hastened = resume_sql.hasten(services.db, account, limit=EFFECTS_PER_REQUEST)
    services.due_index.set({account_entry(account): services.clock.now().timestamp()})  # the relay wakes the rest
    owed = account_states.owed(services.db, [account], limit=EFFECTS_PER_REQUEST)
    services.notifier.notify([(effect, 0.0) for effect in owed])
    wake([account], services)
    services.due_index.look_soon(services.clock.now().timestamp())
    return max(len(hastened), len(owed)), len(hastened) == EFFECTS_PER_REQUEST

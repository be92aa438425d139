"""End an account's pause by hand: its cause is repaired, and what waited for the pause goes on now."""

from dataclasses import dataclass

from drumbeat.ledger import account_states
from drumbeat.operations import resume_sql
from drumbeat.runs.turns import wake
from drumbeat.services import Services
from drumbeat.wakeups.due_index import account_entry

EFFECTS_PER_REQUEST = 500  # the caller repeats the request while some are left


@dataclass(frozen=True, slots=True)
class Resumed:
    """How many effects go on now; `left` is True while others still wait for the pause that is over."""

    account: str
    effects: int
    left: bool


def resume(account: str, services: Services) -> Resumed:
    """Lift the pause, and make due what waited for it, for its next try or for this release. Harmless to repeat.

    A cause that still exists pauses the account again at its next calls.
    """
    effects = resume_sql.hasten(services.db, account, limit=EFFECTS_PER_REQUEST)
    account_states.resume(services.db, account)
    services.due_index.set({account_entry(account): services.clock.now().timestamp()})  # the relay wakes the rest
    owed = account_states.owed(services.db, [account], limit=EFFECTS_PER_REQUEST)
    services.notifier.notify([(effect, 0.0) for effect in owed])
    wake([account], services)
    return Resumed(account, max(len(effects), len(owed)), left=len(effects) == EFFECTS_PER_REQUEST)

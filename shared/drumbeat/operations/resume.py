"""End an account's pause by hand: its cause is repaired, and what waited for the pause goes on now."""

from dataclasses import dataclass

from drumbeat.core.errors import Unavailable
from drumbeat.operations import resume_sql
from drumbeat.services import Services

EFFECTS_PER_REQUEST = 500  # the caller repeats the request while some are left


@dataclass(frozen=True, slots=True)
class Resumed:
    """How many effects go on now; `left` is True while others still wait for the pause that is over."""

    account: str
    effects: int
    left: bool


def resume(account: str, services: Services) -> Resumed:
    """Lift the pause, close the breaker, and make due what waited for either. Harmless to repeat.

    A cause that still exists pauses the account again at its next call.

    Raises:
        Unavailable: Redis does not answer; the pause stays until its own end.
    """
    if not services.throttle.resume(account):
        raise Unavailable("Redis does not answer, so the pause stays until its own end; nothing is lost; try again")
    effects = resume_sql.hasten(services.db, account, limit=EFFECTS_PER_REQUEST)
    services.notifier.notify([(effect, 0.0) for effect in effects])  # when lost: each still has its earlier due entry
    return Resumed(account, len(effects), left=len(effects) == EFFECTS_PER_REQUEST)

"""End an account's pause by hand: its cause is mended, and what waited for the pause goes on now."""

from dataclasses import dataclass

from drumbeat.core.errors import Unavailable
from drumbeat.operations import resume_sql
from drumbeat.services import Services

# Effects of one request; the caller asks again while some are left.
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Resumed:
    """How many effects go on now; `left` is True while others still wait for the pause that is over."""

    account: str
    effects: int
    left: bool


def resume(account: str, services: Services) -> Resumed:
    """Lift the pause, close the breaker, and make due what waited for either. Harmless to repeat.

    A cause that is not mended pauses the account again at its next call.

    Raises:
        Unavailable: Redis does not answer; the pause stays until its own end.
    """
    if not services.throttle.resume(account):
        raise Unavailable("Redis does not answer, so the pause stays until its own end; nothing is lost; try again")
    effects = resume_sql.hasten(services.db, account, limit=CHUNK)
    services.notifier.notify([(effect, 0.0) for effect in effects])  # when lost: each has a mark for its earlier time
    return Resumed(account, len(effects), left=len(effects) == CHUNK)

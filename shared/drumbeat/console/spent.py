"""Links that were followed and sessions that a person ended: by their nonces, in Redis, for as long as they would live.

A signed cookie says nothing of itself being over; without this a copy of it would live on after its person signed out.
While Redis is away no link signs in, and a session that was ended counts as one that goes on, as it does once Redis has
lost its keys: that its key was not revoked is asked of the ledger at each page, whatever Redis says.
"""

from datetime import timedelta

from redis.exceptions import RedisError

from drumbeat.access import sessions
from drumbeat.access.sessions import Session
from drumbeat.services import services


def take(link: Session) -> bool:
    """Spend a link, and return whether it was unspent."""
    try:
        return _spend(link, sessions.LINK_LASTS * 2)
    except RedisError:
        return False  # that it was not used cannot be known


def end(session: Session) -> bool:
    """End a session before its time, and return whether it is ended now: it is not where Redis does not take it."""
    try:
        _spend(session, sessions.LASTS)
    except RedisError:
        return False
    return True


def is_ended(session: Session) -> bool:
    """Return whether a person ended this session."""
    try:
        return services().redis.get(_name(session)) is not None
    except RedisError:
        return False


def _spend(session: Session, lasts: timedelta) -> bool:
    return services().redis.set(_name(session), 1, ex=int(lasts.total_seconds()), nx=True)


def _name(session: Session) -> str:
    return f"console:spent:{session.nonce}"

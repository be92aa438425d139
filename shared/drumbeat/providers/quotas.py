"""What vendors let their logins send, as they say themselves: asked at most once an hour by all processes together.

A vendor drops or refuses what exceeds its quota, so the quota limits us beside what the account's owner wrote. Not to
know it stops nothing: then the owner's limits count, or where there are none, one call a second.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from redis.exceptions import RedisError

from drumbeat.core.clock import Clock
from drumbeat.core.configuration import Limit
from drumbeat.core.request import Reply, Request
from drumbeat.providers.base import Target
from drumbeat.providers.login import Login

if TYPE_CHECKING:
    from drumbeat.infrastructure.http import Caller
    from drumbeat.infrastructure.redis import LeanRedis

type Limits = tuple[Limit, ...]

CAUTIOUS: Limits = (Limit(1, 1, 1),)
VALID_SECONDS = 3600  # of a quota, for all processes
REMEMBERED_SECONDS = 300.0  # in one process, before it looks at what all know
FAILED_SECONDS = 60  # before a vendor that did not answer is asked again
AWAITED_SECONDS = 2.0  # before a process looks again while another asks
ASK_SECONDS = 2.0  # for the call

_ASKED = b""  # what stands in the quota's place from when one process asks until it knows
_LOG = logging.getLogger(__name__)


@runtime_checkable
class HasQuota(Protocol):
    """A provider that can be asked what a login may send. Both methods are pure."""

    def build_quota(self, target: Target) -> Request:
        """Build the request that asks."""
        ...

    def read_quota(self, reply: Reply) -> Sequence[Limit] | None:
        """Return the limits that a complete reply names; None: it does not say."""
        ...


@dataclass(frozen=True, slots=True)
class _Kept:
    limits: Limits | None
    until: float


class Quotas:
    """The quotas of logins, shared through Redis. Never raises for Redis or a vendor. For one thread at a time."""

    def __init__(self, http: "Caller", redis: "LeanRedis", clock: Clock) -> None:
        self._http = http
        self._redis = redis
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    def limits(self, login: Login, secrets: Callable[[], Mapping[str, str]]) -> Limits:
        """Return what limits an account's calls: its own limits and its quota's. `secrets` are read to ask for it."""
        own = login.account.limits
        if not isinstance(login.provider, HasQuota):
            return own
        name, now = key_of(login), self._clock.elapsed()
        kept = self._kept.get(name)
        if kept is None or now >= kept.until:
            kept = self._kept[name] = self._found(login, secrets, kept)
        return own or CAUTIOUS if kept.limits is None else (*own, *kept.limits)

    def known(self, login: Login) -> Limits | None:
        """Return the quota that processes know of; None: none does, or Redis is away. Asks no vendor."""
        try:
            return _read(self._redis.run("GET", key_of(login)))
        except RedisError:
            return None

    def _found(self, login: Login, secrets: Callable[[], Mapping[str, str]], before: _Kept | None) -> _Kept:
        """Return what is known now, or else what was known before, for so long as it counts here."""
        name, wait = key_of(login), float(FAILED_SECONDS)
        limits: Limits | None = None
        try:
            shared = self._redis.run("GET", name)
            if shared is None and self._redis.run("SET", name, _ASKED, "NX", "EX", FAILED_SECONDS) is not None:
                limits = self._ask(login, secrets)
                if limits is not None:
                    self._redis.run("SET", name, _written(limits), "EX", VALID_SECONDS)
            else:
                limits, wait = _read(shared), AWAITED_SECONDS
        except RedisError:  # to ask without it would be to ask as often as there are processes
            pass
        if limits is not None:
            wait = REMEMBERED_SECONDS
        elif before is not None:
            limits = before.limits
        return _Kept(limits, self._clock.elapsed() + wait)

    def _ask(self, login: Login, secrets: Callable[[], Mapping[str, str]]) -> Limits | None:
        provider = login.provider
        assert isinstance(provider, HasQuota)
        try:
            request = login.sign(provider.build_quota(login.target), secrets(), key="", now=self._clock.now())
            start_by = self._clock.elapsed() + ASK_SECONDS
            reply = self._http.call(request, start_by=start_by, budget=ASK_SECONDS)
            if isinstance(reply, Reply) and not reply.cut and (limits := provider.read_quota(reply)) is not None:
                return tuple(limits)
        except Exception as error:  # noqa: BLE001 - whatever it is, the sends go on
            _LOG.warning("quota_not_read", extra={"account": login.account.name, "error": type(error).__name__})
            return None
        _LOG.warning("quota_not_read", extra={"account": login.account.name})
        return None


def key_of(login: Login) -> str:
    """Name the quota of an account: at another login it is another one."""
    return f"quota:{login.account.name}:{login.identity}"


def _written(limits: Limits) -> str:
    return json.dumps([asdict(limit) for limit in limits])


def _read(text: object) -> Limits | None:
    """Read what is shared. What is not ours under our key may be anything."""
    try:
        return tuple(_limit(each) for each in json.loads(text)) if isinstance(text, bytes) and text else None
    except (ValueError, TypeError, LookupError, RecursionError):
        return None


def _limit(given: Mapping[str, object]) -> Limit:
    count, period, burst = (given[name] for name in ("count", "period", "burst"))
    if not isinstance(count, int) or not isinstance(period, int) or not isinstance(burst, int | None):
        raise TypeError
    if count < 1 or period < 1 or (burst is not None and burst < 1):
        raise ValueError
    return Limit(count, period, burst)

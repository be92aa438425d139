"""What is known without the ledger: configured sources, campaigns and lists, and which API keys are good or revoked.

One copy lies in Redis, and one in each process. What changes it writes the one in Redis: `apply`, and the revoking of a
key; so does the relay when it checks everything. A request that proves nothing is answered from these copies: it costs
at most one read of Redis a process and minute, and no query, so that it wakes no database. Postgres is read for it only
where Redis does not answer or has no copy: then the relay reads Postgres every minute anyway. A request that did prove
itself has just written to Postgres, and may read there what is new.
"""

import json
import logging
import math
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Self

import psycopg
from redis.exceptions import RedisError

from drumbeat.access.keys import ApiKey, refused
from drumbeat.core.compatibility import not_understood
from drumbeat.core.configuration import MailingList, Source, mailing_list, source
from drumbeat.core.errors import Unavailable
from drumbeat.core.events import EventType
from drumbeat.ingest import catalog_sql
from drumbeat.services import Services

POSTGRES_RETRY_SECONDS = 5  # after a failure Postgres is not read again for this long
KEPT_SECONDS = 12 * 3600  # in Redis: the relay writes it again every six hours
MOST_REFUSED = 1000  # keys that a process remembers as refused
KEY = "{sources}:catalog"
SCRIPT = (resources.files("drumbeat.ingest") / "catalog.lua").read_text()

_LOG = logging.getLogger(__name__)

type Sources = Mapping[str, Source]
type Lists = Mapping[str, MailingList]

# What is not ours under our key may be anything.
_FOREIGN = (RedisError, OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Copy:
    """The catalog as of one reading of the ledger. `sources` is None: a later release wrote what this must not read."""

    sources: Sources | None
    lists: Lists
    public_url: str | None
    version: int
    revoked: frozenset[str]
    keys: Mapping[str, Collection[str]]  # the good ones, and the scopes of their rows
    read_at: float  # unix seconds
    text: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, text: Mapping[str, Any]) -> Self:
        """Read one back. Raises what reading JSON of another form raises; the release before writes no keys."""
        unknown = not_understood(text["must_understand"])
        if unknown:
            _LOG.error("configuration_not_understood", extra={"unknown": unknown})
        campaigns = {name: _schedule(name) for name in text["campaigns"]}
        configured = {name: source(name, entry) for name, entry in text["sources"].items()} if not unknown else {}
        stored = {} if unknown else text.get("lists", {})
        return cls(
            sources=None if unknown else {**campaigns, **configured},
            lists={name: mailing_list(name, entry) for name, entry in stored.items()},
            public_url=text.get("public_url"),
            version=int(text.get("version", 0)),
            revoked=frozenset(text["revoked"]),
            keys=text.get("keys", {}),
            read_at=float(text["at"]),
            text=text,
        )


@dataclass(frozen=True, slots=True)
class Configured:
    """The names that the configuration in force has taken."""

    sources: Collection[str]
    lists: Collection[str]


class Catalog:
    """One process's copy."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._copy: Copy | None = None
        self._known: Sources = {}  # of the last configuration that this release may read
        self._lists: Lists = {}
        self._read_again_at = self._ledger_again_at = -math.inf
        self._refused: set[ApiKey] = set()

    def sources(self) -> Sources:
        """Return the configured sources by name, campaigns too.

        While the configuration in force is one that this release must not read, these are the ones before it.

        Raises:
            Unavailable: neither Postgres nor Redis nor this process knows them.
        """
        self._current()
        return self._known

    def find(self, name: str) -> Source | None:
        """Return one source; one that was applied less than `copy_seconds` ago may be missing.

        Raises:
            Unavailable: as `sources` does, and while the configuration in force is one that this release must not read.
        """
        if self._current().sources is None:
            raise Unavailable(
                "The configuration in force needs a later release of Drumbeat. Nothing was stored; send it again later."
            )
        return self._known.get(name)

    def lists(self) -> Lists:
        """Return the configured lists by name. Raises as `sources` does."""
        self._current()
        return self._lists

    def names(self) -> Configured:
        """Return the names that are taken, as requests of the API are checked by them. Raises as `sources` does."""
        return Configured(self.sources().keys(), self.lists().keys())

    @property
    def public_url(self) -> str | None:
        """Where people reach our pages, as the configuration says. Raises as `sources` does."""
        return self._current().public_url

    @property
    def version(self) -> int:
        """The number of the configuration that is known here. Raises as `sources` does."""
        return self._current().version

    def admit(self, caller: ApiKey) -> None:
        """Raise Unauthorized for a caller that is known to be refused. Raises Unavailable as `sources` does."""
        if caller in self._refused or caller.id in self._current().revoked:
            raise refused()

    def refuse(self, caller: ApiKey) -> None:
        """Remember that the ledger refused a caller: that is for good, and holds while the ledger is away."""
        if len(self._refused) < MOST_REFUSED:
            self._refused.add(caller)

    def refresh(self) -> None:
        """Read the ledger if the copy is old; called after a commit, when it is awake. Raises nothing."""
        every, clock = self._services.settings.copy_seconds, self._services.clock
        if clock.elapsed() < self._ledger_again_at or (
            self._copy and 0 <= clock.now().timestamp() - self._copy.read_at < every
        ):
            return
        self._ledger_again_at = clock.elapsed() + every
        with suppress(psycopg.Error):  # what was asked for is done
            if newer := read(self._services):
                publish(newer, self._services)
                self._take(newer)

    def _current(self) -> Copy:
        """Return the copy of this process; an old one is replaced by that in Redis, if there is one."""
        if self._services.clock.elapsed() >= self._read_again_at:
            if copy := self._in_redis() or self._in_postgres():
                self._take(copy)
            else:
                self._read_again_at = self._services.clock.elapsed() + POSTGRES_RETRY_SECONDS
        if self._copy is None:
            raise Unavailable(
                "The configured sources cannot be read: Postgres and Redis are both unreachable. Nothing was stored; "
                "send the same request again later."
            )
        return self._copy

    def _take(self, copy: Copy) -> None:
        self._copy = copy
        if copy.sources is not None:
            self._known, self._lists = copy.sources, copy.lists
        self._read_again_at = self._services.clock.elapsed() + self._services.settings.copy_seconds

    def _in_redis(self) -> Copy | None:
        return in_redis(self._services)

    def _in_postgres(self) -> Copy | None:
        copy = read(self._services)
        if copy is not None:
            publish(copy, self._services)
        return copy


def read(services: Services) -> Copy | None:
    """Read the ledger; return None where it is unreachable."""
    try:
        text = catalog_sql.read(services.db)
    except psycopg.OperationalError:
        return None
    # In this order: the script reads the first two so.
    head = {"version": text["version"], "revocations": len(text["revoked"]), "at": services.clock.now().timestamp()}
    return Copy.of(head | text)


def in_redis(services: Services) -> Copy | None:
    """Return the copy in Redis as it is now; None: there is none, or it cannot be read."""
    try:
        text = services.redis.get(KEY)
        return Copy.of(json.loads(text)) if text is not None else None
    except _FOREIGN as error:
        _LOG.warning("catalog_not_in_redis", extra={"error": type(error).__name__})
        return None


def publish(copy: Copy, services: Services) -> bool:
    """Let every process know a copy, unless they know a later one; return whether Redis took that."""
    head = copy.text["version"], copy.text["revocations"]
    try:
        services.redis.run("EVAL", SCRIPT, 1, KEY, *head, json.dumps(copy.text), KEPT_SECONDS)
    except RedisError as error:
        _LOG.warning("catalog_not_in_redis", extra={"error": type(error).__name__})
        return False
    return True


def announce(services: Services) -> bool:
    """Let every process know what the ledger says now; return whether they do."""
    copy = read(services)
    return copy is not None and publish(copy, services)


def _schedule(campaign: str) -> Source:
    """Return a campaign as a source: its name is taken."""
    return Source(
        name=campaign,
        door="schedule",
        scheme="",
        type=EventType.CAMPAIGN_TRIGGER,
        secrets=(),
        tolerance=0.0,
        map={},
        options={},
    )

"""The configured sources and campaigns, known to ingest even while Postgres is unreachable."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict

import psycopg
from redis.exceptions import RedisError

from drumbeat.core.configuration import Campaign, Config, Source, source
from drumbeat.core.errors import NotUnderstood, Unavailable
from drumbeat.core.events import EventType
from drumbeat.ledger import configs
from drumbeat.services import Services

COPY_SECONDS = 60  # a copy in the process is used for this long
UNKNOWN_NAME_SECONDS = 5  # a copy older than this is read again for a name that it does not have
POSTGRES_RETRY_SECONDS = 5  # after a failure Postgres is not read again for this long
KEY = "{sources}:active"

_LOG = logging.getLogger(__name__)

type Sources = Mapping[str, Source]


class Catalog:
    """Sources from Postgres, with copies in the process and in Redis for when it is unreachable."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._sources: Sources | None = None
        self._read_at = 0.0
        self._read_again_at = 0.0
        self._understood = True

    def sources(self) -> Sources:
        """Return the configured sources by name, campaigns too, at most a minute old while Postgres answers.

        While the configuration in force is one that this release must not read, these are the ones before it.

        Raises:
            Unavailable: neither Postgres nor Redis nor this process knows them.
        """
        if self._sources is None or self._services.clock.elapsed() >= self._read_again_at:
            self._sources = self._read()
        return self._sources

    def find(self, name: str) -> Source | None:
        """Return one source; one that was configured a moment ago is found too. Raises as `sources` does.

        Raises:
            Unavailable: also while the configuration in force is one that this release must not read.
        """
        found = self.sources().get(name)
        if found is None and self._services.clock.elapsed() >= self._read_at + UNKNOWN_NAME_SECONDS:
            self._sources = self._read()
            found = self._sources.get(name)
        if not self._understood:
            raise Unavailable(
                "The configuration in force needs a later release of Drumbeat. Nothing was stored; send it again later."
            )
        return found

    def _read(self) -> Sources:
        now = self._services.clock.elapsed()
        self._read_at, self._read_again_at = now, now + COPY_SECONDS
        try:
            config = configs.newest(self._services.db)
        except psycopg.OperationalError:
            self._read_again_at = now + POSTGRES_RETRY_SECONDS
            return self._remembered()
        except NotUnderstood as error:
            _LOG.error("configuration_not_understood", extra={"reason": str(error)})
            self._understood = False
            return self._sources or {}
        self._understood = True
        sources = _sources(config) if config else {}
        self._remember(sources)
        return sources

    def _remember(self, sources: Sources) -> None:
        try:
            self._services.redis.set(KEY, json.dumps({name: asdict(source) for name, source in sources.items()}))
        except RedisError as error:
            _LOG.warning("sources_not_cached", extra={"error": type(error).__name__})

    def _remembered(self) -> Sources:
        try:
            text = self._services.redis.get(KEY)
            if isinstance(text, str | bytes):
                return {name: source(name, entry) for name, entry in json.loads(text).items()}
        # What is not ours under that key may be anything.
        except (RedisError, OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            _LOG.warning("sources_not_cached", extra={"error": type(error).__name__})
        if self._sources is not None:
            return self._sources
        raise Unavailable(
            "The configured sources cannot be read: Postgres and Redis are both unreachable. Nothing was stored; "
            "send the same request again later."
        )


def _sources(config: Config) -> Sources:
    return {**{name: _schedule(campaign) for name, campaign in config.campaigns.items()}, **config.sources}


def _schedule(campaign: Campaign) -> Source:
    """Return a campaign as a source: its name is taken."""
    return Source(
        name=campaign.name,
        door="schedule",
        scheme="",
        type=EventType.CAMPAIGN_TRIGGER,
        secrets=(),
        tolerance=0.0,
        map={},
        options={},
    )

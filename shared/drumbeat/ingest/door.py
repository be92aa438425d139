"""What the requests of one ingest process share."""

import logging
from collections.abc import Callable
from functools import cached_property

from drumbeat.ingest import refusals
from drumbeat.ingest.catalog import Catalog
from drumbeat.ingest.certificates import Certificates
from drumbeat.ingest.rationing import Ration
from drumbeat.ingest.refusals import Refusal
from drumbeat.services import Services

type Count = Callable[[str, int], None]
type Warned = tuple[str, tuple[tuple[str, str], ...]]

# The metrics: few names, for each is billed.
BUFFERED = "EventsBuffered"
RECORDED = "EventsRecorded"
CONFLICTS = "KeysReused"
UNVERIFIED = "DeliveriesRejected"
REPEATED = "DeliveriesRepeated"  # of webhooks; the log line of each names its source and event
DEGRADED = "IngestDegraded"  # Redis or the queue failed; nothing is lost

_LOG = logging.getLogger(__name__)


class Door:
    """The services, the known sources, and where to count."""

    def __init__(self, services: Services, count: Count | None = None) -> None:
        self.services = services
        self._count = count
        self._unverified: Ration[str] = Ration(services.clock.elapsed)
        self._refused: Ration[tuple[str, Refusal]] = Ration(services.clock.elapsed)
        self._warned: Ration[Warned] = Ration(services.clock.elapsed)

    def count(self, name: str, number: int = 1) -> None:
        """Add to a metric, if the process publishes metrics. Each is a log line: what anyone can cause is added up."""
        if self._count is None:
            return
        if name == UNVERIFIED:
            self._unverified.add(name, number)
        else:
            self._count(name, number)
        for waiting, so_many in self._unverified.due():
            self._count(waiting, so_many)

    def warn(self, message: str, **facts: str) -> None:
        """Log what anyone can cause, once a minute with its count."""
        self._warned.add((message, tuple(facts.items())))
        for (warned, about), number in self._warned.due():
            _LOG.warning(warned, extra={**dict(about), "count": number})

    def refuse(self, source: str, why: Refusal) -> None:
        """Keep that a configured source refused a delivery. Anyone can cause it: once a minute for each reason."""
        self._refused.add((source, why))
        for (refusing, code), _ in self._refused.due():
            refusals.keep(refusing, code, self.services)

    @cached_property
    def catalog(self) -> Catalog:
        """The configured sources."""
        return Catalog(self.services)

    @cached_property
    def certificates(self) -> Certificates:
        """The certificates that senders publish."""
        return Certificates(self.services)

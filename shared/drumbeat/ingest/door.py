"""What the requests of one ingest process share."""

from collections.abc import Callable
from functools import cached_property

from drumbeat.ingest.catalog import Catalog
from drumbeat.services import Services

type Count = Callable[[str, int], None]

# The metrics: few names, for each is billed.
BUFFERED = "EventsBuffered"
RECORDED = "EventsRecorded"
CONFLICTS = "KeysReused"
UNVERIFIED = "DeliveriesRejected"
REPEATED = "DeliveriesRepeated"  # of webhooks; the log line of each names its source and event
DEGRADED = "IngestDegraded"  # Redis or the queue failed; nothing is lost


class Door:
    """The services, the known sources, and where to count."""

    def __init__(self, services: Services, count: Count | None = None) -> None:
        self.services = services
        self._count = count

    def count(self, name: str, number: int = 1) -> None:
        """Add to a metric, if the process publishes metrics."""
        if self._count is not None:
            self._count(name, number)

    @cached_property
    def catalog(self) -> Catalog:
        """The configured sources."""
        return Catalog(self.services)

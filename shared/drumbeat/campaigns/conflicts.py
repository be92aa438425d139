"""Instants whose key another event has: what came first stays, and a person is shown that it is not the firing."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from drumbeat.campaigns.sql import RecordedEvent
from drumbeat.core.events import Arrival
from drumbeat.ingest import recording
from drumbeat.ingest.door import Door


def keep(firings: Sequence[Arrival], recorded: Mapping[UUID, RecordedEvent], door: Door) -> int:
    """Keep each firing whose id another event has beside that one, which then needs attention; return how many.

    An event is the firing when it came through the same door with the same fingerprint. Harmless to repeat: each is
    kept, logged and counted once.
    """
    others = [each for each in firings if each.id in recorded and not _is_firing(each, recorded[each.id])]
    if others:
        recording.keep_conflicts(others, door)
    return len(others)


def _is_firing(firing: Arrival, event: RecordedEvent) -> bool:
    return (event.fingerprint, event.door) == (firing.fingerprint, firing.door)

"""Many events over the API, in one request and one commit."""

from collections.abc import Sequence
from dataclasses import replace

from drumbeat.access.keys import ApiKey
from drumbeat.core.clock import in_order
from drumbeat.core.errors import Invalid, Problem, TooLarge, Unauthorized
from drumbeat.core.events import Arrival
from drumbeat.ingest import buffer, recording, request
from drumbeat.ingest.door import CONFLICTS, Door
from drumbeat.ingest.receipt import RECORDED, Receipt
from drumbeat.ingest.single import UNREACHABLE, reused
from drumbeat.web import strict

MAX_BATCH_EVENTS = 500
# Lambda takes 6 MB: base64 makes a third more of a body, and JSON in JSON about as much.
MAX_BATCH_BYTES = 4 * 1024 * 1024


def ingest(body: bytes, door: Door, *, caller: ApiKey, trace: bytes | None = None) -> list[Receipt | Problem]:
    """Record the events of a batch, or buffer them while the ledger is unreachable; one result for each, in order.

    A refused event does not affect the others. `trace`: what the request's `traceparent` says, of each of them.

    Raises:
        Invalid, TooLarge: the batch as a whole.
        Unauthorized: the caller's key was revoked, or never made here; see `Single.ingest`.
        Unavailable: neither ledger nor buffer took them; sending the batch again is harmless.
    """
    door.catalog.admit(caller)
    read = _read(body, door, caller)
    arrivals = [replace(entry, trace=trace) for entry in read if isinstance(entry, Arrival)]
    stored = iter(_store(arrivals, door, caller))
    return [next(stored) if isinstance(entry, Arrival) else entry for entry in read]


def _read(body: bytes, door: Door, caller: ApiKey) -> list[Arrival | Problem]:
    if len(body) > MAX_BATCH_BYTES:
        raise TooLarge(
            f"A batch may have {MAX_BATCH_BYTES} bytes, this one has {len(body)}. Nothing was stored; split it."
        )
    document = strict.read(body)
    elements = document.value.get("events") if isinstance(document.value, dict) else None
    if not isinstance(elements, list) or not isinstance(document.value, dict) or len(document.value) != 1:
        raise Invalid('A batch is an object with one field: {"events": [...]}. Nothing was stored.')
    if len(elements) > MAX_BATCH_EVENTS:
        raise TooLarge(
            f"A batch may have {MAX_BATCH_EVENTS} events, this one has {len(elements)}. Nothing was stored; split it."
        )
    configured = door.catalog.names()
    read: list[Arrival | Problem] = []
    for element, now in zip(elements, in_order(door.services.clock.now(), len(elements)), strict=True):
        try:
            read.append(
                request.read_element(element, suspect=document.suspect, caller=caller, configured=configured, now=now)
            )
        except Problem as problem:
            read.append(problem)
    return read


def _store(arrivals: Sequence[Arrival], door: Door, caller: ApiKey) -> list[Receipt | Problem]:
    if not arrivals:
        return []
    try:
        recorded = recording.record_all(arrivals, door, caller=caller)
    except UNREACHABLE:
        return [*buffer.put(arrivals, door, caller=caller)]
    except Unauthorized:
        door.catalog.refuse(caller)
        raise
    door.catalog.refresh()
    receipts: list[Receipt | Problem] = []
    for arrival, one in zip(arrivals, recorded, strict=True):
        if one is None:
            receipts.append(Invalid("The ledger cannot hold this event. Nothing of it was stored; the others were."))
        elif one.fingerprint == arrival.fingerprint:
            receipts.append(Receipt(arrival.id, RECORDED, replayed=not one.inserted))
        else:
            door.count(CONFLICTS)
            receipts.append(reused(arrival))
    return receipts

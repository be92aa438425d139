"""What a delivery tells of mails, where its source speaks for an account. Pure."""

import json
from dataclasses import replace

from drumbeat.core import fingerprint, ids
from drumbeat.core.configuration import Source
from drumbeat.core.events import Arrival, Event, EventType, Reported
from drumbeat.core.feedback import Report
from drumbeat.planning.facts import MOST_FACTS
from drumbeat.planning.payload import Unmappable
from drumbeat.providers.words import registry as words
from drumbeat.sources import registry as schemes
from drumbeat.sources.signature import FACT, key_of

UNREAD = "feedback"  # the name under which a plan says that a report cannot be read; no flow can have it
_NOT_READ = "what it reports is not in a form that {} sends: nothing was changed by it, and all is kept in its body"


def speaks(source: Source | None, type: str) -> bool:
    """Return whether events of this source and type report what became of an account's mails."""
    return source is not None and source.speaks_for is not None and type == EventType.FEEDBACK


def report_of(event: Event, source: Source) -> Report:
    """Return what an event reports.

    Raises:
        Unmappable: its body is not in the provider's form.
    """
    assert event.body is not None
    return _report(_delivered(event.body, source), source)


def reported(arrival: Arrival, source: Source) -> list[Arrival]:
    """Return a verified delivery as the events that are recorded of it, with what each reports.

    A list is one event for each of its elements, named by the report, so that a batch with other neighbours adds
    nothing. What cannot be read is one event that reports nothing: its plan says so.
    """
    assert source.speaks_for is not None
    try:
        delivered = _delivered(arrival.body, source)
        if isinstance(delivered, list):
            return [_element(place, each, arrival, source) for place, each in enumerate(_few(delivered), 1)]
        return [replace(arrival, former_key=None, reported=Reported(source.speaks_for, _report(delivered, source)))]
    except (Unmappable, RecursionError):
        return [arrival]


def _element(place: int, element: object, arrival: Arrival, source: Source) -> Arrival:
    try:
        report = Reported(source.speaks_for or "", _report(element, source))
        key = key_of(f"{FACT}{report.report.name}")
    except Unmappable:
        report, key = None, key_of(f"{FACT}{place} of {arrival.key}")
    body = json.dumps(element, separators=(",", ":")).encode()
    return replace(
        arrival,
        id=ids.event_id(arrival.source, key),
        key=key,
        fingerprint=fingerprint.of_raw(body),
        body=body,
        former_key=None,
        reported=report,
    )


def _few(elements: list[object]) -> list[object]:
    if not 1 <= len(elements) <= MOST_FACTS:
        raise Unmappable(f"it holds {len(elements):,} reports")
    return elements


def _delivered(body: bytes, source: Source) -> object:
    if source.scheme not in schemes.names():
        raise Unmappable(f"this release does not know the deliveries of {source.scheme}")
    try:
        return schemes.get(source.scheme).read(body)
    except (ValueError, RecursionError):
        raise Unmappable(_NOT_READ.format(source.words)) from None


def _report(delivered: object, source: Source) -> Report:
    try:
        return words.of(source.words).read(delivered)
    except (ValueError, RecursionError):
        raise Unmappable(_NOT_READ.format(source.words)) from None

"""What the vendors report of what was sent: which reports there are, when each is due, and what became of it.

All of it follows from the record, so a restart goes on where the last one was killed. Nothing here opens a connection:
`due` returns the webhooks of an instant, and `apply_answer` takes what was answered.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drumbeat.core.feedback import Kind
from drumbeat.sandbox.actions import ACCEPTED, REPORTED_ACTIONS
from drumbeat.sandbox.destinations import Destinations
from drumbeat.sandbox.record import Entry, Record
from drumbeat.sandbox.reports import registry
from drumbeat.sandbox.reports.base import Destination, Occurrence, Reporter, Sent, Signing, Written
from drumbeat.sandbox.reports.sent import never_sent, read_sent
from drumbeat.sandbox.reports.simulated_ends import end_of

STEP_SECONDS = 1.0  # between the taking of a mail, its delivery and what follows
# How long after each failed try the next one is: the vendors try for hours or days.
RETRY_SECONDS = (1.0, 2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0)
NUMBERS_OF_AN_ENTRY = 100_000
MOST_OF_AN_ORDER = 1000
WAITING, SENT, ENDED, DROPPED = "waiting", "sent", "given up", "dropped"


@dataclass(frozen=True, slots=True)
class Webhook:
    """One request that is due; `number` names its report. `first`: to be sent before the answer to the mail is."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    number: int
    first: bool = False


@dataclass(slots=True)
class Report:
    """One report to one destination. Without an occurrence it asks to confirm a subscription."""

    number: int
    destination: int
    due: float  # sandbox's clock
    occurrence: Occurrence | None
    entry: int  # of what was sent, in the record
    item: int | None
    copy: int = 0  # of what is told again, from 0
    never_sent: bool = False  # it is of a mail that was never sent
    first: bool = False
    state: str = WAITING
    tries: int = 0
    status: int | None = None  # last answered; None: nothing yet, or no answer
    told_at: float | None = None
    first_at: float | None = None  # when its first try was signed


class Feedback:
    """The destinations, and every report that there is or was."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self.destinations = Destinations()
        self.reports: dict[int, Report] = {}
        self._of: dict[tuple[int, int | None], list[Report]] = defaultdict(list)
        self._queue: list[tuple[float, int]] = []
        self._in_flight: set[int] = set()  # lost on restart, and then sent again
        self._first: list[int] = []  # whose answer waits for them

    # -- from the record

    def apply(self, number: int, entry: Entry) -> None:
        """Plan the reports of what an entry says was accepted."""
        if not self.destinations or entry["did"] != ACCEPTED or entry["action"] not in REPORTED_ACTIONS:
            return
        items: Iterable[int | None] = range(len(entry["items"])) if "items" in entry else (None,)
        planned = (report for item in items for report in self._planned(number, entry, item))
        self._add(number, planned)

    def apply_destination(self, destination: Destination, at: float) -> None:
        """Put a destination in force; where its subscription has to be confirmed, that is asked."""
        if (same := self.destinations.same(destination)) is None:
            self.destinations.add(destination)
        kept = same or destination
        if not kept.confirmed:
            self._add(destination.number, [Report(0, kept.number, at, None, destination.number, None)])

    def apply_order(self, number: int, order: Mapping[str, Any], at: float) -> None:
        """Plan what was ordered: a report of one kind, to every destination of the mail."""
        entry, item = int(order["entry"]), order.get("item")
        sent = read_sent(self._record.entry(entry), item)
        recipients = [str(order["email"])] if order.get("email") else list(sent.to)
        kind, due = Kind(order["kind"]), at + float(order.get("after", 0.0))
        told = {name: str(order.get(name) or "") for name in ("word", "said", "link")}
        planned = (
            Report(0, destination.number, due, occurrence, entry, item, copy, bool(order.get("unknown")))
            for destination in self._ready(sent)
            for recipient in recipients
            for name in [f"{_name(sent, recipient, kind)}|{number}"]
            for occurrence in [Occurrence(kind, at, recipient, name, **told, machine=bool(order.get("machine")))]
            for copy in range(int(order.get("times", 1)))
        )
        self._add(number, planned)

    def apply_answer(self, number: int, status: int | None, at: float) -> None:
        """Take what a report was answered with, None for nothing: it is done, given up, or due again."""
        report = self.reports.get(number)
        self._in_flight.discard(number)
        if report is None or report.state != WAITING:
            return
        report.tries += 1
        report.status, report.told_at = status, at
        destination = self.destinations.get(report.destination)
        if status is not None and 200 <= status < 300:
            report.state = SENT
        elif destination is None:
            report.state = DROPPED
        elif report.tries > len(RETRY_SECONDS) or status in registry.get(destination.provider).ends:
            report.state = ENDED
        else:
            report.due = at + RETRY_SECONDS[report.tries - 1]
            heapq.heappush(self._queue, (report.due, number))

    def apply_clock(self, by: float) -> None:
        """Keep what waits as near as it was, where the clock is set back."""
        if by < 0:
            waiting = [report for report in self.reports.values() if report.state == WAITING]
            for report in waiting:
                report.due += by
            self._queue = [(report.due, report.number) for report in waiting]
            heapq.heapify(self._queue)

    # -- for the sender, and for tests that have no network

    def due(self, now: float, machine_now: float, base_url: str) -> list[Webhook]:
        """Return the webhooks that are due, in order. Each is returned again only after `apply_answer`."""
        found = []
        while self._queue and self._queue[0][0] <= now:
            _, number = heapq.heappop(self._queue)
            found.append(number)
        self._first.clear()
        return list(self._webhooks(found, machine_now, base_url))

    def due_first(self, machine_now: float, base_url: str) -> list[Webhook]:
        """Return those that the answer to the last request has to wait for."""
        if not self._first:
            return []
        found, self._first = self._first, []
        return list(self._webhooks(found, machine_now, base_url))

    def next_at(self) -> float | None:
        """Return when the next one is due, on the sandbox's clock; None: none waits."""
        return self._queue[0][0] if self._queue else None

    # -- for people

    def of(self, entry: int, item: int | None) -> list[Report]:
        """Return the reports of what one entry, or one item of it, sent; in the order of planning."""
        return self._of.get((entry, item), [])

    def ordered(self, number: int) -> list[Report]:
        """Return the reports that one command ordered."""
        begin = number * NUMBERS_OF_AN_ENTRY
        return [found for place in range(MOST_OF_AN_ORDER) if (found := self.reports.get(begin + place))]

    def kinds(self, sent: Sent) -> frozenset[Kind]:
        """Return what can be reported of a mail now; nothing where no destination is ready."""
        said = [registry.get(destination.provider).says for destination in self._ready(sent)]
        return said[0] if said else frozenset()

    def sent(self, report: Report) -> Sent:
        """Return what a report is of."""
        sent = read_sent(self._record.entry(report.entry), report.item)
        return never_sent(sent, f"{sent.id}|{report.number}") if report.never_sent else sent

    # -- planning

    def _ready(self, sent: Sent) -> list[Destination]:
        return [destination for destination in self.destinations.of(sent) if destination.confirmed]

    def _planned(self, number: int, entry: Entry, item: int | None) -> Iterator[Report]:
        faults: Mapping[str, Mapping[str, Any]] = entry.get("feedback") or {}
        sent = read_sent(entry, item)
        destinations = self._ready(sent) if "feedback_never" not in faults else []
        first = "feedback_first" in faults
        late = float(faults["feedback_late"]["seconds"]) if "feedback_late" in faults and not first else 0.0
        copies = 2 if "feedback_twice" in faults else 1
        for destination in destinations:
            for recipient in sent.to:
                for kind, after in _course(registry.get(destination.provider), sent.provider, recipient):
                    at = sent.at + (0.0 if first else after)
                    occurrence = Occurrence(kind, at, recipient, _name(sent, recipient, kind))
                    for copy in range(copies):
                        yield Report(0, destination.number, at + late, occurrence, number, item, copy, first=first)
                    if "feedback_for_unknown" in faults:
                        other = Occurrence(kind, at, recipient, f"{occurrence.name}|never sent")
                        yield Report(0, destination.number, at + late, other, number, item, never_sent=True)

    def _add(self, number: int, planned: Iterable[Report]) -> None:
        for place, report in enumerate(planned):
            report.number = number * NUMBERS_OF_AN_ENTRY + place
            self.reports[report.number] = report
            self._of[report.entry, report.item].append(report)
            heapq.heappush(self._queue, (report.due, report.number))
            if report.first:
                self._first.append(report.number)

    # -- writing

    def _webhooks(self, numbers: list[int], machine_now: float, base_url: str) -> Iterator[Webhook]:
        for number in numbers:
            report = self.reports[number]
            if number in self._in_flight or report.state != WAITING:
                continue
            if (destination := self.destinations.get(report.destination)) is None:
                report.state = DROPPED
                continue
            self._in_flight.add(number)
            at = machine_now + destination.ahead
            report.first_at = report.first_at or at
            headers, body = self._written(report, destination, Signing(report.first_at, at, report.copy, base_url))
            yield Webhook(destination.url, headers, body, number, report.first)

    def _written(self, report: Report, destination: Destination, signing: Signing) -> Written:
        if report.occurrence is None:
            from drumbeat.sandbox.reports import sns  # loads `cryptography`, which only SNS needs

            return sns.confirmation(destination, signing)
        return registry.get(destination.provider).write(report.occurrence, self.sent(report), destination, signing)


def _course(reporter: Reporter, provider: str, recipient: str) -> Iterator[tuple[Kind, float]]:
    """Yield what is reported without being asked for, each with the seconds after the mail was taken."""
    if Kind.ACCEPTED in reporter.automatic:
        yield Kind.ACCEPTED, 0.0
    for step, kind in enumerate(end_of(provider, recipient), 1):
        yield kind, step * STEP_SECONDS


def _name(sent: Sent, recipient: str, kind: Kind) -> str:
    return "|".join((sent.provider, sent.account, sent.id, sent.key, f"{sent.at:.6f}", recipient, kind))

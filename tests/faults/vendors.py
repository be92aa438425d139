"""The providers: the sandbox's own vendors on simulated time, called without a network, and their record."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from drumbeat.core.clock import Clock
from drumbeat.core.outcomes import NotSent, Unknown
from drumbeat.core.request import Reply, Request
from drumbeat.delivery.requests import thaw
from drumbeat.infrastructure.http import MAX_REPLY_BYTES, Caller
from drumbeat.ledger.database import Database
from drumbeat.sandbox.actions import ACCEPTED
from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse
from drumbeat.sandbox.sandbox import Sandbox
from drumbeat.sandbox.vendors import registry
from tests.faults.fault_points import ClientProcess, Operation
from tests.faults.in_the_way import Failure, InTheWay
from tests.faults.reports import ACCOUNTS, Told

# What the ledger says about a request at the moment at which it arrives: read on another connection, so committed.
COMMITTED = """
    SELECT r.frozen, r.hash,
           (SELECT count(*) FROM attempts a WHERE a.effect_id = r.effect_id AND a.generation = r.generation) AS attempts
      FROM requests r
     WHERE r.effect_id = %(effect)s AND r.generation = %(generation)s
"""


@dataclass(frozen=True, slots=True)
class PerformedAction:
    """Something that a provider really did once, under a key."""

    provider: str
    account: str
    key: str
    at: float = 0.0  # unix seconds

    @property
    def effect(self) -> UUID:
        return UUID(self.key.rpartition("-")[0])


class Vendors:
    """Every provider behind one host, `sandbox`. Their record says what they did; the ledger is compared with it."""

    def __init__(self, home: Path, ledger: Database, now: Callable[[], float]) -> None:
        self.sandbox = Sandbox(home, now)
        self.sandbox.command("receiver", {"account": "safe", "honour_keys": True})
        self._ledger = ledger
        self._arrived: Counter[str] = Counter()  # requests by key
        self.violations: list[str] = []
        self.in_the_way: InTheWay | None = None  # between every process and every provider
        self.deadly: set[UUID] = set()  # effects whose call ends its worker
        self.deaths: Counter[UUID] = Counter()

    def ends_its_worker(self, key: str) -> bool:
        """Return whether the call of this key ends its worker, and count it."""
        effect = UUID(key.rpartition("-")[0])
        self.deaths[effect] += effect in self.deadly
        return effect in self.deadly

    def close(self) -> None:
        self.sandbox.record.close()

    def inject(self, name: str, **settings: object) -> None:
        """Inject a fault into the providers; see the sandbox's control API."""
        self.sandbox.command("lie", {"lie": name, **settings})

    def end_faults(self) -> None:
        """End every fault."""
        self.sandbox.command("drop", {})

    def answer(self, request: Request, gone: ExitStack) -> HttpResponse:
        """Answer one request; `gone` is closed when its caller has disconnected."""
        provider, path = _address(request)
        url = urlsplit(request.url)
        inbound = HttpRequest(
            request.method, url.path, url.query, {k.lower(): v for k, v in request.headers.items()}, request.body
        )

        def when_gone(do: Callable[[], None]) -> None:
            gone.callback(do)

        answer = self.sandbox.handle(registry.get(provider), inbound, path, when_gone)
        entry = self.sandbox.record.entry(len(self.sandbox.record) - 1)
        if not entry["lookup"]:
            self._compare(_marker(entry), request)
        return answer

    def performed(self) -> Iterator[PerformedAction]:
        """Yield what was really done."""
        for number in range(len(self.sandbox.record)):
            entry = self.sandbox.record.entry(number)
            if entry["did"] == ACCEPTED:
                yield PerformedAction(entry["provider"], entry["account"], _marker(entry), entry["at"])

    def feedback(self) -> list[Told]:
        """Return it as the providers of mail report it."""
        return [
            Told(action.provider, UUID(effect), int(generation), at=action.at)
            for action in self.performed()
            if action.provider in ACCOUNTS
            for effect, _, generation in [action.key.rpartition("-")]
        ]

    def _compare(self, key: str, request: Request) -> None:
        """Check that each request has a committed attempt and exactly the bytes that were frozen (I4)."""
        self._arrived[key] += 1
        effect, _, generation = key.rpartition("-")
        found = self._ledger.run(COMMITTED, {"effect": effect, "generation": int(generation)})
        if not found or found[0]["attempts"] < self._arrived[key]:
            self.violations.append(f"{key}: a request without a committed attempt")
            return
        frozen = thaw(found[0]["frozen"], found[0]["hash"])
        same = (frozen.method, frozen.url, frozen.body) == (request.method, request.url, request.body)
        if not same or not frozen.headers.items() <= request.headers.items():
            self.violations.append(f"{key}: a request with other bytes than were frozen")


class SimulatedCaller(Caller):
    """One process's calls to the providers: the contract of `http.Caller`, over the model."""

    def __init__(self, process: ClientProcess, clock: Clock, vendors: Vendors) -> None:
        super().__init__(clock)
        self._process = process
        self._time = clock
        self._vendors = vendors

    def call(self, request: Request, *, start_by: float, budget: float) -> Reply | Failure:
        name = _name(request)
        connect = Operation[NotSent | None](f"http connect {name}", lambda: None, lambda _: NotSent("ConnectError"))
        if (failure := self._process.through(connect)) is not None:
            return failure
        if self._time.elapsed() >= start_by:
            return NotSent("lease ran out")
        if (away := self._vendors.in_the_way) and (end := away(request, self._time.sleep, budget)) is not None:
            return end
        # From here on the time is not checked again: if the process freezes now, no check can notice it.
        return self._process.through(
            Operation[Reply | Failure](
                f"http send {name}", lambda: self._exchange(request, budget), lambda _: Unknown("the answer was cut")
            )
        )

    def _exchange(self, request: Request, budget: float) -> Reply | Failure:
        with ExitStack() as gone:
            answer = self._vendors.answer(request, gone)
            transmission = answer.transmission
            takes = transmission.delay_seconds + transmission.drip_seconds
            if takes:
                wait = min(takes, budget)
                self._process.through(Operation("http wait", lambda: self._time.sleep(wait), lambda _: None))
            headers = {name.lower(): value for name, value in answer.headers} | {"content-type": answer.type}
            if takes >= budget:
                if transmission.drip == "body":
                    return Reply(answer.status, headers, b"", "timed out")
                return Unknown("timed out")
            if transmission.cut == "midway":
                return Reply(answer.status, headers, answer.body[: len(answer.body) // 2], "the connection was closed")
            if transmission.cut:
                return Unknown("the connection was closed")
            long = len(answer.body) > MAX_REPLY_BYTES
            return Reply(answer.status, headers, answer.body[:MAX_REPLY_BYTES], "reply over 64 KiB" if long else "")


def _name(request: Request) -> str:
    provider, path = _address(request)
    return f"{provider}{' search' if request.method == 'GET' else ''}" if provider != "http" else path.split("/")[1]


def _address(request: Request) -> tuple[str, str]:
    provider, _, path = urlsplit(request.url).path.lstrip("/").partition("/")
    return provider, f"/{path}"


def _marker(entry: dict[str, Any]) -> str:
    items = entry.get("items")
    return str(items[0]["effect"] if items else entry["effect"])

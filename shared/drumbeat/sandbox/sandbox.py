"""The path of one request: understand it, choose a fault, do the work, write the record, and only then answer."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from drumbeat.sandbox import destinations, fault_injection
from drumbeat.sandbox.actions import ACCEPTED, NOTHING, REFUSED, PerformedAction, RequestedAction, credential_label
from drumbeat.sandbox.fault_parser import parse_fault
from drumbeat.sandbox.faults import ActiveFaults, Injection
from drumbeat.sandbox.feedback import Webhook
from drumbeat.sandbox.front import Front, OneClick
from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse
from drumbeat.sandbox.record import Entry, Record
from drumbeat.sandbox.state import State
from drumbeat.sandbox.vendors.base import Vendor

CONTROL = "_sandbox"  # the path of the control API, and the provider of entries that hold commands


class Sandbox:
    """The fake providers and their memory. A restart on the same folder continues where the last one was killed."""

    def __init__(self, home: Path, machine: Callable[[], float] = time.time, *, front: Front | None = None) -> None:
        """Open the record under `home` and read it. Raises RecordInUse.

        `machine` returns the machine's time; `front` is the stack that mails are from, if there is one.
        """
        self._machine = machine
        self.front = front
        self.unsubscribed: dict[int, OneClick] = {}  # by the mail's index: the last post
        self.record = Record(home / "record.jsonl")
        self.state = State(self.record)
        self.faults = ActiveFaults()
        self.shift = 0.0
        self.url = "http://127.0.0.1"  # where it answers; the server says so once it knows
        self.wake: Callable[[], None] = lambda: None  # called when a report may have become due
        self._revoked: set[str] = set()
        for number, entry in enumerate(self.record.load()):
            self._apply(number, entry)

    def now(self) -> float:
        """Return the sandbox's time: the machine's, moved by the shift."""
        return self._machine() + self.shift

    def handle(
        self, vendor: Vendor, request: HttpRequest, path: str, when_gone: Callable[[Callable[[], None]], None]
    ) -> HttpResponse:
        """Answer one request to a vendor. What really happened is in the record before this returns."""
        real = self._machine()
        now = real + self.shift
        requested = vendor.read(request, path)
        injection = self.faults.decide(requested, real)
        performed = self._perform(vendor, requested, injection, now)
        response = fault_injection.faulty_response(injection, performed.response, vendor)
        try:
            self._write(_entry(requested, injection, performed, response, now, real))
        except OSError:
            return vendor.error_response(503)  # an action that is not in the record was not performed
        self._hold_key(requested, performed, response, when_gone)
        return response

    def command(self, name: str, content: Mapping[str, Any]) -> int:
        """Carry out a command and remember it across restarts; return its number. Raises InvalidCommand, OSError.

        `lie` adds a fault, `drop` ends one (or all), `clock` sets the shift, `revoke` and `restore` a credential,
        `receiver` sets how a receiver under /http/ behaves, `webhook` where reports go, `webhook_removed` ends that,
        `confirmed` says that a topic's subscription was; `feedback` orders a report, `reported` says how it was
        answered.
        """
        entry: Entry = {
            "n": len(self.record), "at": self.now(), "real": self._machine(), "provider": CONTROL, "account": "",
            "action": name, "did": NOTHING, "order": dict(content),
        }  # fmt: skip
        if name == "lie":
            parse_fault(entry["n"], content, entry["real"])
        if name == "webhook":
            destinations.parse(entry["n"], content)
        return self._write(entry)

    def due(self, now: float | None = None) -> list[Webhook]:
        """Return the webhooks that are due, `now` on the sandbox's clock; each once, until `answered` is told of it."""
        instant = self.now() if now is None else now
        return self.state.feedback.due(instant, instant - self.shift, self.url)

    def due_first(self) -> list[Webhook]:
        """Return the webhooks that have to be sent before the answer to the last request leaves."""
        return self.state.feedback.due_first(self._machine(), self.url)

    def answered(self, number: int, status: int | None) -> None:
        """Take what a webhook was answered with; None: with nothing. Raises OSError."""
        self.command("reported", {"report": number, "status": status})

    def revoked(self, credential: str) -> bool:
        """Return whether the credential was revoked."""
        return credential_label(credential) in self._revoked

    def _perform(self, vendor: Vendor, requested: RequestedAction, injection: Injection, now: float) -> PerformedAction:
        if requested.credential is not None and (not requested.credential or self.revoked(requested.credential)):
            return PerformedAction(REFUSED, vendor.error_response(401))
        if fault_injection.is_declined(injection):
            return PerformedAction(REFUSED, fault_injection.declined_response(injection, vendor, now))
        if injection.fault is not None and injection.fault.kind.name in fault_injection.SKIPS_WORK:
            return PerformedAction(NOTHING, vendor.error_response(503))
        if requested.refusal is not None:
            return PerformedAction(REFUSED, requested.refusal)
        if not fault_injection.does_work(injection):
            return PerformedAction(NOTHING, vendor.error_response(500))
        return vendor.perform(requested, self.state, injection, now)

    def _hold_key(
        self,
        requested: RequestedAction,
        performed: PerformedAction,
        response: HttpResponse,
        when_gone: Callable[[Callable[[], None]], None],
    ) -> None:
        """Keep the key of a delayed response in flight until the response has left or its client is gone."""
        if requested.key is None or not response.transmission.delay_seconds or "first" not in performed.facts:
            return
        key = (requested.provider, requested.account, requested.key)
        self.state.in_flight.add(key)
        when_gone(lambda: self.state.in_flight.discard(key))

    def _write(self, entry: Entry) -> int:
        entry["n"] = len(self.record)
        number = self.record.append(entry)
        self._apply(number, entry)
        if self.state.feedback.next_at() is not None:
            self.wake()
        return number

    def _apply(self, number: int, entry: Entry) -> None:
        if entry["provider"] == CONTROL:
            self._apply_command(number, entry["action"], entry["order"], entry)
            return
        if entry.get("lie_id") is not None:
            self.faults.count_injection(entry["lie_id"])
        for met in entry.get("feedback", {}).values():
            self.faults.count_injection(met["id"])
        self.state.apply(number, entry)

    def _apply_command(self, number: int, name: str, command: Mapping[str, Any], entry: Entry) -> None:
        feedback = self.state.feedback
        match name:
            case "lie":
                self.faults.add(parse_fault(number, command, entry["real"]))
            case "drop":
                self.faults.remove(command.get("id"))
            case "clock":
                feedback.apply_clock(float(command["shift"]) - self.shift)
                self.shift = float(command["shift"])
            case "revoke":
                self._revoked.add(command["label"])
            case "restore":
                self._revoked.discard(command["label"])
            case "receiver":
                self.state.calls.configure(command)
            case "webhook":
                feedback.apply_destination(destinations.parse(number, command), entry["at"])
            case "webhook_removed":
                feedback.destinations.remove(command.get("id"))
            case "confirmed":
                feedback.destinations.confirm(int(command["id"]))
            case "feedback":
                feedback.apply_order(number, command, entry["at"])
            case "reported":
                feedback.apply_answer(int(command["report"]), command["status"], entry["at"])


def _entry(
    requested: RequestedAction,
    injection: Injection,
    performed: PerformedAction,
    response: HttpResponse,
    now: float,
    real: float,
) -> Entry:
    transmission = response.transmission
    entry: Entry = {
        "n": 0,
        "at": round(now, 6),
        "real": round(real, 6),
        "provider": requested.provider,
        "account": requested.account,
        "method": requested.request.method,
        "path": requested.request.path,
        "action": requested.action,
        "lookup": requested.lookup,
        "key": requested.key,
        "effect": requested.effect,
        "to": list(requested.to),
        "asked": requested.parameters,
        "did": performed.result,
        "status": None if transmission.cut == "before" else response.status,  # null: not a byte was sent
        "lie": _fault_name(injection),
        "lie_id": injection.fault.id if injection.fault is not None else None,
    }
    if requested.digest:
        entry["digest"] = requested.digest
    if transmission.delay_seconds:
        entry["delay"] = transmission.delay_seconds
    if injection.feedback and performed.result == ACCEPTED:
        entry["feedback"] = {name: {"id": met.id, **met.settings} for name, met in injection.feedback.items()}
    entry.update(performed.facts)
    return entry


def _fault_name(injection: Injection) -> str | None:
    if injection.wait_seconds > 0:
        return "rate_limit"
    if injection.fault is not None:
        return injection.fault.kind.name
    return "key_forgotten" if injection.key_lifetime_seconds is not None else None

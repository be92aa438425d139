"""The path of one request: understand it, choose a fault, do the work, write the record, and only then answer."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from drumbeat.sandbox import fault_injection
from drumbeat.sandbox.actions import NOTHING, REFUSED, PerformedAction, RequestedAction, credential_label
from drumbeat.sandbox.fault_parser import parse_fault
from drumbeat.sandbox.faults import ActiveFaults, Injection
from drumbeat.sandbox.front import Front
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
        self.unsubscribed: dict[int, str] = {}  # by the mail's index: what the last post was answered with
        self.record = Record(home / "record.jsonl")
        self.state = State(self.record)
        self.faults = ActiveFaults()
        self.shift = 0.0
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
        `receiver` sets how a receiver under /http/ behaves.
        """
        entry: Entry = {
            "n": len(self.record), "at": self.now(), "real": self._machine(), "provider": CONTROL, "account": "",
            "action": name, "did": NOTHING, "order": dict(content),
        }  # fmt: skip
        if name == "lie":
            parse_fault(entry["n"], content, entry["real"])
        return self._write(entry)

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
        return number

    def _apply(self, number: int, entry: Entry) -> None:
        if entry["provider"] == CONTROL:
            self._apply_command(number, entry["action"], entry["order"], entry["real"])
            return
        if entry.get("lie_id") is not None:
            self.faults.count_injection(entry["lie_id"])
        self.state.apply(number, entry)

    def _apply_command(self, number: int, name: str, command: Mapping[str, Any], real: float) -> None:
        match name:
            case "lie":
                self.faults.add(parse_fault(number, command, real))
            case "drop":
                self.faults.remove(command.get("id"))
            case "clock":
                self.shift = float(command["shift"])
            case "revoke":
                self._revoked.add(command["label"])
            case "restore":
                self._revoked.discard(command["label"])
            case "receiver":
                self.state.calls.configure(command)


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
    entry.update(performed.facts)
    return entry


def _fault_name(injection: Injection) -> str | None:
    if injection.wait_seconds > 0:
        return "rate_limit"
    if injection.fault is not None:
        return injection.fault.kind.name
    return "key_forgotten" if injection.key_lifetime_seconds is not None else None

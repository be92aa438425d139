"""One request's way: understand it, ask the lies, do the work, write the record, and only then answer."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from drumbeat.sandbox import fault_injection
from drumbeat.sandbox.actions import NOTHING, REFUSED, Ask, Deed, label
from drumbeat.sandbox.fault_parser import read_lie
from drumbeat.sandbox.faults import Fate, Lies
from drumbeat.sandbox.http_messages import Answer, Inbound
from drumbeat.sandbox.record import Entry, Record
from drumbeat.sandbox.state import World
from drumbeat.sandbox.vendors.base import Vendor
from drumbeat.sandbox.vendors.generic import Generic
from drumbeat.sandbox.vendors.hubspot import HubSpot
from drumbeat.sandbox.vendors.mailgun import Mailgun
from drumbeat.sandbox.vendors.resend import Resend

VENDORS: Mapping[str, Vendor] = {vendor.name: vendor for vendor in (Mailgun(), Resend(), HubSpot(), Generic())}
CONTROL = "_sandbox"  # the provider of entries that hold orders instead of requests


class Sandbox:
    """The fake providers and their memory. A restart on the same folder continues where the last one was killed."""

    def __init__(self, home: Path, machine: Callable[[], float] = time.time) -> None:
        """Open the record under `home` and read it; `machine` tells the machine's time. Raises RecordInUse."""
        self._machine = machine
        self.record = Record(home / "record.jsonl")
        self.world = World(self.record)
        self.lies = Lies()
        self.shift = 0.0
        self._revoked: set[str] = set()
        for number, entry in enumerate(self.record.load()):
            self._take_in(number, entry)

    def now(self) -> float:
        """Return the sandbox's time: the machine's, moved by the shift."""
        return self._machine() + self.shift

    def answer(
        self, vendor: Vendor, request: Inbound, path: str, when_gone: Callable[[Callable[[], None]], None]
    ) -> Answer:
        """Answer one request to a vendor. What really happened is in the record before this returns."""
        real = self._machine()
        now = real + self.shift
        ask = vendor.read(request, path)
        fate = self.lies.meet(ask, real)
        deed = self._do(vendor, ask, fate, now)
        told = fault_injection.twist(fate, deed.answer, vendor)
        try:
            self._write(_entry(ask, fate, deed, told, now, real))
        except OSError:
            return vendor.failure(503)  # what is not in the record was not done
        self._hold_key(ask, deed, told, when_gone)
        return told

    def order(self, name: str, content: Mapping[str, Any]) -> int:
        """Carry out an order and remember it across restarts; return its number. Raises BadOrder, OSError.

        `lie` sets a lie, `drop` ends one (or all), `clock` sets the shift, `revoke` and `restore` a credential,
        `receiver` tells how a receiver under /http/ behaves.
        """
        entry: Entry = {
            "n": len(self.record), "at": self.now(), "real": self._machine(), "provider": CONTROL, "account": "",
            "action": name, "did": NOTHING, "order": dict(content),
        }  # fmt: skip
        if name == "lie":
            read_lie(entry["n"], content, entry["real"])
        return self._write(entry)

    def revoked(self, credential: str) -> bool:
        """Tell whether the credential was revoked."""
        return label(credential) in self._revoked

    def _do(self, vendor: Vendor, ask: Ask, fate: Fate, now: float) -> Deed:
        if ask.credential is not None and (not ask.credential or self.revoked(ask.credential)):
            return Deed(REFUSED, vendor.failure(401))
        if fault_injection.refuses(fate):
            return Deed(REFUSED, fault_injection.decline(fate, vendor, now))
        if fate.lie is not None and fate.lie.kind.name in fault_injection.SKIPS_WORK:
            return Deed(NOTHING, vendor.failure(503))
        if ask.refusal is not None:
            return Deed(REFUSED, ask.refusal)
        if not fault_injection.works(fate):
            return Deed(NOTHING, vendor.failure(500))
        return vendor.perform(ask, self.world, fate, now)

    def _hold_key(self, ask: Ask, deed: Deed, told: Answer, when_gone: Callable[[Callable[[], None]], None]) -> None:
        """Keep the key of a slow answer in flight until the answer, or its client, is gone."""
        if ask.key is None or not told.manner.delay or "first" not in deed.facts:
            return
        place = (ask.provider, ask.account, ask.key)
        self.world.in_flight.add(place)
        when_gone(lambda: self.world.in_flight.discard(place))

    def _write(self, entry: Entry) -> int:
        entry["n"] = len(self.record)
        number = self.record.append(entry)
        self._take_in(number, entry)
        return number

    def _take_in(self, number: int, entry: Entry) -> None:
        if entry["provider"] == CONTROL:
            self._obey(number, entry["action"], entry["order"], entry["real"])
            return
        if entry.get("lie_id") is not None:
            self.lies.count(entry["lie_id"])
        self.world.apply(number, entry)

    def _obey(self, number: int, name: str, order: Mapping[str, Any], real: float) -> None:
        match name:
            case "lie":
                self.lies.put(read_lie(number, order, real))
            case "drop":
                self.lies.drop(order.get("id"))
            case "clock":
                self.shift = float(order["shift"])
            case "revoke":
                self._revoked.add(order["label"])
            case "restore":
                self._revoked.discard(order["label"])
            case "receiver":
                self.world.calls.tell(order)


def _entry(ask: Ask, fate: Fate, deed: Deed, told: Answer, now: float, real: float) -> Entry:
    manner = told.manner
    entry: Entry = {
        "n": 0,
        "at": round(now, 6),
        "real": round(real, 6),
        "provider": ask.provider,
        "account": ask.account,
        "method": ask.request.method,
        "path": ask.request.path,
        "action": ask.action,
        "lookup": ask.lookup,
        "key": ask.key,
        "effect": ask.effect,
        "to": list(ask.to),
        "asked": ask.asked,
        "did": deed.did,
        "status": None if manner.cut == "before" else told.status,  # null: no byte was answered
        "lie": _lie_name(fate),
        "lie_id": fate.lie.id if fate.lie is not None else None,
    }
    if ask.digest:
        entry["digest"] = ask.digest
    if manner.delay:
        entry["delay"] = manner.delay
    entry.update(deed.facts)
    return entry


def _lie_name(fate: Fate) -> str | None:
    if fate.wait > 0:
        return "rate_limit"
    if fate.lie is not None:
        return fate.lie.kind.name
    return "key_forgotten" if fate.key_lifetime is not None else None

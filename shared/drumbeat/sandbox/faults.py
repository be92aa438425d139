"""The faults in force, and which of them one request meets.

Whether a request meets a fault follows from the fault's seed and the effect's own marker, not from the order of
arrival: the nth request for one effect is treated the same in every run, whatever other requests do.

The control API, the pages' forms and the record call a fault a "lie": that is their contract.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from drumbeat.sandbox.actions import REPORTED_ACTIONS, RequestedAction
from drumbeat.sandbox.fault_kinds import ALL, LOOKUPS, FaultKind


@dataclass(slots=True)
class Fault:
    """One fault in force. `times` and `until` end it; `match` limits it to some recipient, key or effect."""

    id: int
    kind: FaultKind
    settings: dict[str, Any]
    provider: str = "*"
    account: str | None = None
    on: str = ALL
    match: str = ""
    rate: float = 1.0
    seed: int = 0
    times: int | None = None
    until: float | None = None  # on the machine's clock
    times_injected: int = 0
    tokens: float = 0.0  # rate_limit only: what is left in the bucket, and since when
    filled_at: float | None = None
    tries: Counter[str] = field(default_factory=Counter)

    def applies_to(self, requested: RequestedAction, machine_now: float) -> bool:
        """Return whether this request is one that the fault is limited to."""
        return (
            self.provider in ("*", requested.provider)
            and (self.account is None or self.account in requested.account_names)
            and (self.on == ALL or (self.on == LOOKUPS) == requested.lookup)
            and (not self.kind.of_feedback or requested.action in REPORTED_ACTIONS)
            and (self.times is None or self.times_injected < self.times)
            and (self.until is None or machine_now < self.until)
            and (not self.match or any(self.match in text for text in requested.searchable_text))
        )

    def is_drawn(self, requested: RequestedAction) -> bool:
        """Return whether this request is one of the share `rate`. Counts it as a try of its effect."""
        if self.rate >= 1.0:
            return True
        marker = requested.marker
        self.tries[marker] += 1
        draw = blake2b(f"{self.seed}|{self.kind.name}|{marker}|{self.tries[marker]}".encode(), digest_size=8).digest()
        return int.from_bytes(draw) / 2**64 < self.rate

    def take_token(self, machine_now: float) -> float:
        """Take one token of a rate limit: 0.0 when there was one, else the seconds until there is."""
        limit, per = float(self.settings["limit"]), float(self.settings["per"])
        size = float(self.settings["burst"]) or limit
        elapsed = machine_now - self.filled_at if self.filled_at is not None else per * size
        self.tokens = min(size, self.tokens + elapsed * limit / per)
        self.filled_at = machine_now
        if self.tokens >= 1.0:
            self.tokens -= 1.0
            return 0.0
        return (1.0 - self.tokens) * per / limit

    def to_json(self) -> dict[str, Any]:
        """Return the fault as the control API shows it."""
        return {
            "id": self.id, "lie": self.kind.name, "provider": self.provider, "account": self.account, "on": self.on,
            "match": self.match, "rate": self.rate, "seed": self.seed, "times": self.times, "until": self.until,
            "told": self.times_injected, **self.settings,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Injection:
    """What one request meets: at most one fault that changes its response, and the conditions in force."""

    fault: Fault | None = None
    latency_seconds: float = 0.0
    wait_seconds: float = 0.0  # above zero: over the rate limit, for so long
    key_lifetime_seconds: float | None = None
    lookup_lag_seconds: float = 0.0
    lookup_retention_seconds: float | None = None
    feedback: Mapping[str, Fault] = field(default_factory=dict)  # by the kind's name: what its reports meet


NO_INJECTION = Injection()


class ActiveFaults:
    """The faults in force, in the order in which they were added; the first that is drawn wins."""

    def __init__(self) -> None:
        self._faults: dict[int, Fault] = {}

    def to_json(self, machine_now: float) -> list[dict[str, Any]]:
        """Return the faults that have not ended."""
        return [fault.to_json() for fault in self._faults.values() if not _has_ended(fault, machine_now)]

    def add(self, fault: Fault) -> None:
        """Put a fault in force; an earlier one of its kind for the same requests is replaced."""
        for other in list(self._faults.values()):
            if _scope(other) == _scope(fault):
                del self._faults[other.id]
        self._faults[fault.id] = fault

    def remove(self, number: int | None) -> int:
        """End one fault, or all of them for None; return how many that was."""
        if number is None:
            count = len(self._faults)
            self._faults.clear()
            return count
        return 1 if self._faults.pop(number, None) else 0

    def count_injection(self, number: int) -> None:
        """Count one more request that met the fault."""
        if number in self._faults:
            self._faults[number].times_injected += 1

    def decide(self, requested: RequestedAction, machine_now: float) -> Injection:
        """Return what this request meets."""
        if not self._faults:
            return NO_INJECTION
        chosen: Fault | None = None
        conditions: dict[str, Fault] = {}
        wait_seconds = 0.0
        for fault in self._faults.values():
            if not fault.applies_to(requested, machine_now):
                continue
            if fault.kind.name == "rate_limit":
                wait_seconds = max(wait_seconds, fault.take_token(machine_now))
            elif fault.kind.is_condition:
                if fault.is_drawn(requested):
                    conditions[fault.kind.name] = fault
            elif chosen is None and fault.is_drawn(requested):
                chosen = fault
        return Injection(
            fault=chosen if not wait_seconds else None,
            latency_seconds=_setting(conditions, "latency", "ms", 0.0) / 1000,
            wait_seconds=wait_seconds,
            key_lifetime_seconds=_setting(conditions, "key_forgotten", "seconds", None),
            lookup_lag_seconds=_setting(conditions, "lookup_lag", "seconds", 0.0),
            lookup_retention_seconds=_setting(conditions, "lookup_retention", "seconds", None),
            feedback={name: fault for name, fault in conditions.items() if fault.kind.of_feedback},
        )


def _setting[Default: float | None](
    conditions: Mapping[str, Fault], name: str, setting: str, default: Default
) -> float | Default:
    return float(conditions[name].settings[setting]) if name in conditions else default


def _scope(fault: Fault) -> tuple[str, str, str | None, str, str]:
    return fault.kind.name, fault.provider, fault.account, fault.on, fault.match


def _has_ended(fault: Fault, machine_now: float) -> bool:
    return (fault.times is not None and fault.times_injected >= fault.times) or (
        fault.until is not None and machine_now >= fault.until
    )

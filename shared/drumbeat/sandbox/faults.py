"""The book of the lies that are being told now, and what it holds for one request.

A lie is drawn by its seed and the effect's own marker, not by the order of arrival: the nth request for one effect
meets the same fate in every run, whatever happens beside it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from drumbeat.sandbox.actions import Ask
from drumbeat.sandbox.fault_kinds import ALL, LOOKUPS, Kind


@dataclass(slots=True)
class Lie:
    """One lie that is being told. `times` and `until` end it; `match` keeps it to some recipient, key or effect."""

    id: int
    kind: Kind
    settings: dict[str, Any]
    provider: str = "*"
    account: str | None = None
    on: str = ALL
    match: str = ""
    rate: float = 1.0
    seed: int = 0
    times: int | None = None
    until: float | None = None  # on the machine's clock
    told: int = 0
    tokens: float = 0.0  # rate_limit only: what is left in the bucket, and as of when
    filled: float | None = None
    tries: Counter[str] = field(default_factory=Counter)

    def meets(self, ask: Ask, machine_now: float) -> bool:
        """Tell whether this request is one that the lie is about."""
        return (
            self.provider in ("*", ask.provider)
            and (self.account is None or self.account in ask.scopes)
            and (self.on == ALL or (self.on == LOOKUPS) == ask.lookup)
            and (self.times is None or self.told < self.times)
            and (self.until is None or machine_now < self.until)
            and (not self.match or any(self.match in word for word in ask.words))
        )

    def drawn(self, ask: Ask) -> bool:
        """Tell whether the lot falls on this request. Counts it as a try of its effect."""
        if self.rate >= 1.0:
            return True
        marker = ask.marker
        self.tries[marker] += 1
        lot = blake2b(f"{self.seed}|{self.kind.name}|{marker}|{self.tries[marker]}".encode(), digest_size=8).digest()
        return int.from_bytes(lot) / 2**64 < self.rate

    def spare(self, machine_now: float) -> float:
        """Take one token of a rate limit: 0.0 when there was one, else the seconds until there is."""
        limit, per = float(self.settings["limit"]), float(self.settings["per"])
        size = float(self.settings["burst"]) or limit
        gone = machine_now - self.filled if self.filled is not None else per * size
        self.tokens = min(size, self.tokens + gone * limit / per)
        self.filled = machine_now
        if self.tokens >= 1.0:
            self.tokens -= 1.0
            return 0.0
        return (1.0 - self.tokens) * per / limit

    def shown(self) -> dict[str, Any]:
        """Return the lie as the control API shows it."""
        return {
            "id": self.id, "lie": self.kind.name, "provider": self.provider, "account": self.account, "on": self.on,
            "match": self.match, "rate": self.rate, "seed": self.seed, "times": self.times, "until": self.until,
            "told": self.told, **self.settings,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fate:
    """What the book holds for one request: at most one lie, and the conditions in force."""

    lie: Lie | None = None
    latency: float = 0.0
    wait: float = 0.0  # above zero: over the rate limit, this long
    key_lifetime: float | None = None
    lag: float = 0.0
    retention: float | None = None


TRUTH = Fate()


class Lies:
    """The lies being told now, in the order in which they were set; the first that is drawn wins."""

    def __init__(self) -> None:
        self._set: dict[int, Lie] = {}

    def shown(self, machine_now: float) -> list[dict[str, Any]]:
        """Return the lies still in force."""
        return [lie.shown() for lie in self._set.values() if not _spent(lie, machine_now)]

    def put(self, lie: Lie) -> None:
        """Start telling a lie; an earlier one of its kind about the same requests is replaced."""
        for other in list(self._set.values()):
            if _matter(other) == _matter(lie):
                del self._set[other.id]
        self._set[lie.id] = lie

    def drop(self, number: int | None) -> int:
        """Stop telling one lie, or all of them for None; return how many that was."""
        if number is None:
            count = len(self._set)
            self._set.clear()
            return count
        return 1 if self._set.pop(number, None) else 0

    def count(self, number: int) -> None:
        """Note that the lie was told once more."""
        if number in self._set:
            self._set[number].told += 1

    def meet(self, ask: Ask, machine_now: float) -> Fate:
        """Decide what happens to this request."""
        if not self._set:
            return TRUTH
        told: Lie | None = None
        standing: dict[str, Lie] = {}
        wait = 0.0
        for lie in self._set.values():
            if not lie.meets(ask, machine_now):
                continue
            if lie.kind.name == "rate_limit":
                wait = max(wait, lie.spare(machine_now))
            elif lie.kind.standing:
                if lie.drawn(ask):
                    standing[lie.kind.name] = lie
            elif told is None and lie.drawn(ask):
                told = lie
        return Fate(
            lie=told if not wait else None,
            latency=_amount(standing, "latency", "ms", 0.0) / 1000,
            wait=wait,
            key_lifetime=_amount(standing, "key_forgotten", "seconds", None),
            lag=_amount(standing, "lookup_lag", "seconds", 0.0),
            retention=_amount(standing, "lookup_retention", "seconds", None),
        )


def _amount[Default: float | None](
    standing: Mapping[str, Lie], name: str, setting: str, default: Default
) -> float | Default:
    return float(standing[name].settings[setting]) if name in standing else default


def _matter(lie: Lie) -> tuple[str, str, str | None, str, str]:
    return lie.kind.name, lie.provider, lie.account, lie.on, lie.match


def _spent(lie: Lie, machine_now: float) -> bool:
    return (lie.times is not None and lie.told >= lie.times) or (lie.until is not None and machine_now >= lie.until)

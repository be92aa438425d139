"""How often everything was really done: the numbers a proof compares with Drumbeat's own tables."""

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from drumbeat.sandbox.actions import ACCEPTED
from drumbeat.sandbox.record import Entry


@dataclass(slots=True)
class Tally:
    """One effect marker at one account: every request for it, and how often it was really done."""

    provider: str
    account: str
    done: int = 0
    numbers: list[int] = field(default_factory=list)  # its entries in the record: every request for it


@dataclass(slots=True)
class PeakRate:
    """The largest number of requests in any one second, by the machine's clock."""

    most_per_second: int = 0
    recent: deque[float] = field(default_factory=deque)

    def add(self, instant: float) -> None:
        """Count one request."""
        recent = self.recent
        recent.append(instant)
        while recent[0] <= instant - 1.0:
            recent.popleft()
        self.most_per_second = max(self.most_per_second, len(recent))


class Counts:
    """Totals per provider, tallies per effect, injected faults, and peak rates per account."""

    def __init__(self) -> None:
        self.tallies: dict[tuple[str, str], Tally] = {}
        self._totals: dict[str, Counter[str]] = defaultdict(Counter)
        self._faults: Counter[str] = Counter()
        self._peak_requests: dict[str, PeakRate] = defaultdict(PeakRate)
        self._peak_accepted: dict[str, PeakRate] = defaultdict(PeakRate)

    def apply(self, number: int, entry: Entry) -> None:
        """Count one request."""
        provider, account = entry["provider"], entry["account"]
        account_key = f"{provider}:{account}"
        totals = self._totals[provider]
        totals["requests"] += 1
        self._peak_requests[account_key].add(entry["real"])
        if entry.get("lie"):
            self._faults[entry["lie"]] += 1
        if entry.get("lookup"):
            totals["lookups"] += 1
            return
        totals[entry["did"]] += 1
        if entry["did"] == ACCEPTED:
            self._peak_accepted[account_key].add(entry["real"])
        for item in entry.get("items") or (entry,):
            if marker := item.get("effect") or item.get("key"):
                tally = self.tallies.get((provider, marker))
                if tally is None:
                    tally = self.tallies[provider, marker] = Tally(provider, account)
                tally.numbers.append(number)
                tally.done += item["did"] == ACCEPTED

    def trail(self, provider: str, marker: str) -> list[int]:
        """Return the numbers of the entries that asked for this effect, oldest first."""
        tally = self.tallies.get((provider, marker))
        return tally.numbers if tally else []

    def to_json(self, *, effects: bool = True) -> dict[str, Any]:
        """Return everything as JSON-able values; `twice` lists the effects done more than once."""
        totals: Counter[str] = Counter()
        for of_provider in self._totals.values():
            totals.update(of_provider)
        shown: dict[str, Any] = {
            "totals": {
                name: totals[name] for name in ("requests", "accepted", "replayed", "refused", "nothing", "lookups")
            },
            "providers": {name: dict(of_provider) for name, of_provider in self._totals.items()},
            "lies": dict(self._faults),
            "max_per_second": {
                "asked": {key: peak.most_per_second for key, peak in self._peak_requests.items()},
                "accepted": {key: peak.most_per_second for key, peak in self._peak_accepted.items()},
            },
            "done_once": sum(tally.done == 1 for tally in self.tallies.values()),
            "twice": [_shown(marker, tally) for (_, marker), tally in self.tallies.items() if tally.done > 1],
        }
        if effects:
            shown["effects"] = [_shown(marker, tally) for (_, marker), tally in self.tallies.items()]
        return shown


def _shown(marker: str, tally: Tally) -> dict[str, Any]:
    return {
        "effect": marker, "provider": tally.provider, "account": tally.account,
        "asked": len(tally.numbers), "done": tally.done,
    }  # fmt: skip

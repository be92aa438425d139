"""The idempotency keys a provider remembers, with the first answer given under each."""

from dataclasses import dataclass

from drumbeat.sandbox.actions import ACCEPTED, Ask
from drumbeat.sandbox.record import Entry

LIFETIME = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What was done under a key."""

    at: float
    digest: str
    status: int
    body: str


class Keyring:
    """Keys by provider, account and key. A key's clock starts at the request that was accepted under it."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str], Seen] = {}

    def apply(self, entry: Entry) -> None:
        """Remember the key of an accepted entry."""
        if entry["did"] == ACCEPTED and entry.get("key") and "first" in entry:
            place = (entry["provider"], entry["account"], entry["key"])
            self._seen[place] = Seen(entry["at"], entry["digest"], entry["first"][0], entry["first"][1])

    def recall(self, ask: Ask, now: float, lifetime: float) -> Seen | None:
        """Return what was done under the request's key within the lifetime (seconds)."""
        seen = self._seen.get((ask.provider, ask.account, ask.key or ""))
        return seen if seen and now < seen.at + lifetime else None

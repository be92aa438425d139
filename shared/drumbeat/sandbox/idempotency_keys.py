"""The idempotency keys that a provider remembers, with the first response given under each."""

from dataclasses import dataclass

from drumbeat.sandbox.actions import ACCEPTED, RequestedAction
from drumbeat.sandbox.record import Entry

KEY_LIFETIME_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The first response under a key, and the digest of the request that it answered."""

    at: float
    digest: str
    status: int
    body: str


class IdempotencyKeys:
    """Keys by provider, account and key. A key's lifetime starts at the request that was accepted under it."""

    def __init__(self) -> None:
        self._responses: dict[tuple[str, str, str], StoredResponse] = {}

    def apply(self, entry: Entry) -> None:
        """Remember the key of an accepted entry."""
        if entry["did"] == ACCEPTED and entry.get("key") and "first" in entry:
            status, body = entry["first"]
            key = (entry["provider"], entry["account"], entry["key"])
            self._responses[key] = StoredResponse(entry["at"], entry["digest"], status, body)

    def find(self, requested: RequestedAction, now: float, lifetime: float) -> StoredResponse | None:
        """Return the response under the request's key, or None after the lifetime (seconds)."""
        stored = self._responses.get((requested.provider, requested.account, requested.key or ""))
        return stored if stored and now < stored.at + lifetime else None

"""The generic HTTP calls that arrived, and how each receiver is set to behave."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drumbeat.sandbox.idempotency_keys import KEY_LIFETIME_SECONDS
from drumbeat.sandbox.record import Entry


@dataclass(frozen=True, slots=True)
class Receiver:
    """One receiver: the first part of the path under /http/, or `*` for every one without settings of its own."""

    honour_keys: bool = False  # answer a repeated key with the first response, without doing the work again
    window: float = KEY_LIFETIME_SECONDS  # seconds a key is remembered
    secrets: tuple[str, ...] = ()  # Standard Webhooks secrets; any one may have signed
    status: int = 200  # of a success


class Calls:
    """Numbers of the record's entries that were calls, oldest first, and the receivers."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self._receivers: dict[str, Receiver] = {}

    def apply(self, number: int, entry: Entry) -> None:
        """Add one call."""
        if entry["action"] == "call":
            self.numbers.append(number)

    def receiver(self, name: str) -> Receiver:
        """Return how this receiver behaves."""
        return self._receivers.get(name) or self._receivers.get("*") or Receiver()

    def to_json(self) -> dict[str, Any]:
        """Return the receivers as the control API shows them; secrets are left out."""
        return {
            name: {"honour_keys": it.honour_keys, "window": it.window, "signed": bool(it.secrets), "status": it.status}
            for name, it in self._receivers.items()
        }

    def configure(self, command: Mapping[str, Any]) -> None:
        """Set a receiver's behaviour; a setting that is not given has its default."""
        secret = command.get("secret") or ()
        self._receivers[str(command.get("account") or "*")] = Receiver(
            honour_keys=bool(command.get("honour_keys", False)),
            window=float(command.get("window", KEY_LIFETIME_SECONDS)),
            secrets=(secret,) if isinstance(secret, str) else tuple(str(one) for one in secret),
            status=int(command.get("status", 200)),
        )

"""The generic HTTP calls that arrived, and how each receiver was told to behave."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drumbeat.sandbox.idempotency_keys import LIFETIME
from drumbeat.sandbox.record import Entry


@dataclass(frozen=True, slots=True)
class Receiver:
    """One receiver: the first part of the path under /http/, or `*` for all that were told nothing."""

    honour_keys: bool = False  # answer a repeated key with the first answer, without doing the work again
    window: float = LIFETIME  # seconds a key is remembered
    secrets: tuple[str, ...] = ()  # Standard Webhooks secrets; any one may have signed
    status: int = 200  # what a success answers


class Calls:
    """Numbers of the record's entries that were calls, oldest first, and the receivers."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self._receivers: dict[str, Receiver] = {}

    def apply(self, number: int, entry: Entry) -> None:
        """Take in one call."""
        if entry["action"] == "call":
            self.numbers.append(number)

    def receiver(self, name: str) -> Receiver:
        """Return how this receiver behaves."""
        return self._receivers.get(name) or self._receivers.get("*") or Receiver()

    def shown(self) -> dict[str, Any]:
        """Return the receivers as the control API shows them; secrets stay unsaid."""
        return {
            name: {"honour_keys": it.honour_keys, "window": it.window, "signed": bool(it.secrets), "status": it.status}
            for name, it in self._receivers.items()
        }

    def tell(self, order: Mapping[str, Any]) -> None:
        """Set a receiver's behaviour; what is not said falls back to the default."""
        secret = order.get("secret") or ()
        self._receivers[str(order.get("account") or "*")] = Receiver(
            honour_keys=bool(order.get("honour_keys", False)),
            window=float(order.get("window", LIFETIME)),
            secrets=(secret,) if isinstance(secret, str) else tuple(str(one) for one in secret),
            status=int(order.get("status", 200)),
        )

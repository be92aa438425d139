"""Claimed effects as the ledger would give them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.events import Event
from drumbeat.core.status import Status
from drumbeat.delivery.effects import Claimed

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
IDENTITY = "mailgun|a|b"


def effect(**changes: Any) -> Claimed:
    """Return an effect that is claimed for its first attempt."""
    values: dict[str, Any] = {
        "id": UUID(int=1),
        "event": Event(UUID(int=2), "shop", "k", "LEAD_CAPTURE", "api", None, NOW, b"{}"),
        "version": 1,
        "semantics": SEMANTICS,
        "flow": "welcome",
        "step": "hello",
        "account": "mail",
        "action": "send_email",
        "contact": b"c",
        "status": Status.CLAIMED,
        "fence": 1,
        "generation": 1,
        "tries": 0,
        "crashes": 0,
        "looks": 0,
        "slot": None,
        "base_due_at": NOW,
        "expires_at": NOW + timedelta(days=7),
        "dependents": (),
        "now": NOW,
        "newest_version": 1,
        "frozen": None,
        "request_hash": None,
        "attempts": 0,
        "unresolved": 0,
        "first_opened_at": None,
        "last_opened_at": None,
        "last_n": None,
        "identity": None,
        "proof": None,
        "proof_reference": None,
        "suppressed": None,
        "predecessor": None,
        "denied_at": None,
        "unrepeatable": None,
        "account_failing": False,
    }
    return Claimed(**values | changes)


def unknown(age: timedelta = timedelta(seconds=1), **changes: Any) -> Claimed:
    """Return an effect that is claimed to be looked into: its attempt has no known end."""
    opened: dict[str, Any] = {"first_opened_at": NOW - age, "last_opened_at": NOW - age, "last_n": 1}
    tried = {"status": Status.UNKNOWN, "attempts": 1, "unresolved": 1, "tries": 1, "identity": IDENTITY}
    return effect(**opened | tried | changes)

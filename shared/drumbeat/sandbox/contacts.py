"""The contacts that the CRM really holds, and how often each was created and updated."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from drumbeat.sandbox.record import Entry

FIRST_ID = 101


@dataclass(slots=True)
class Contact:
    """One contact of one account; times are the sandbox clock's."""

    id: str
    account: str
    email: str
    created_at: float
    updated_at: float
    properties: dict[str, str] = field(default_factory=dict)
    created: int = 0
    updated: int = 0
    traces: list[str] = field(default_factory=list)  # whose writes really changed something, in order


class Contacts:
    """Contacts by account and lower-case email."""

    def __init__(self) -> None:
        self._by_email: dict[tuple[str, str], Contact] = {}
        self._by_id: dict[tuple[str, str], Contact] = {}
        self._written: set[tuple[str, str, str]] = set()

    def __len__(self) -> int:
        return len(self._by_email)

    def __iter__(self) -> Iterator[Contact]:
        return iter(self._by_email.values())

    def get(self, account: str, email: str) -> Contact | None:
        """Return the contact with this address."""
        return self._by_email.get((account, email.lower()))

    def by_id(self, account: str, id: str) -> Contact | None:
        """Return the contact with this id."""
        return self._by_id.get((account, id))

    def next_id(self) -> int:
        """Return the number of the next contact to be created."""
        return FIRST_ID + len(self._by_email)

    def written(self, account: str, email: str, trace: str) -> bool:
        """Return whether this trace was carried out on this contact before."""
        return (account, email.lower(), trace) in self._written

    def apply(self, entry: Entry) -> None:
        """Add the entry's creations and updates."""
        if entry["action"] != "upsert":
            return
        for item in entry.get("items", ()):
            if item.get("change") in ("created", "updated", "unchanged"):
                self._write(entry["account"], entry["at"], item)

    def _write(self, account: str, at: float, item: Entry) -> None:
        key = (account, item["email"].lower())
        contact = self._by_email.get(key)
        if contact is None:
            contact = Contact(item["id"], account, item["email"], at, at)
            self._by_email[key] = self._by_id[account, item["id"]] = contact
        if trace := item.get("effect"):
            self._written.add((*key, trace))
        if item["change"] == "unchanged":
            return
        contact.created += item["change"] == "created"
        contact.updated += item["change"] == "updated"
        contact.properties.update(item["properties"])
        contact.updated_at = at
        contact.traces.append(item.get("effect") or "")

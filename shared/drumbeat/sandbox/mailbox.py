"""The mail that was really accepted: a small index over the record, which keeps the mail itself."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from drumbeat.sandbox.actions import ACCEPTED
from drumbeat.sandbox.record import Entry


@dataclass(frozen=True, slots=True)
class Mail:
    """One accepted message: `index` counts the mails, `number` is its entry in the record, `item` its index there."""

    index: int
    number: int
    item: int | None
    at: float  # sandbox clock
    provider: str
    account: str
    id: str
    to: tuple[str, ...]
    sender: str
    subject: str
    marker: str
    content: str  # fingerprint of recipient, subject and bodies
    test: bool


class Mailbox:
    """Every accepted mail, oldest first."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.doubled = 0  # markers under which more than one mail was accepted
        self._by_id: dict[tuple[str, str, str], list[Mail]] = defaultdict(list)
        self._by_account: dict[tuple[str, str], list[Mail]] = defaultdict(list)
        self._by_marker: dict[str, list[Mail]] = defaultdict(list)
        self._by_content: dict[str, list[Mail]] = defaultdict(list)

    def apply(self, number: int, entry: Entry) -> None:
        """Add what the entry says was accepted."""
        if entry["did"] != ACCEPTED or entry["action"] not in ("send", "send_batch"):
            return
        if "items" not in entry:
            self._add(number, None, entry, entry)
        for position, item in enumerate(entry.get("items", ())):
            self._add(number, position, entry, item)

    def by_id(self, provider: str, account: str, id: str) -> list[Mail]:
        """Return the account's mails with this provider id, oldest first."""
        return self._by_id.get((provider, account, id), [])

    def named(self, name: str) -> list[Mail]:
        """Return every mail with this marker or id, oldest first."""
        by_id = [mail for (_, _, id), mails in self._by_id.items() if id == name for mail in mails]
        return self._by_marker.get(name, []) or by_id

    def of_account(self, provider: str, account: str) -> list[Mail]:
        """Return the account's mails, oldest first."""
        return self._by_account.get((provider, account), [])

    def copies(self, mail: Mail) -> list[Mail]:
        """Return every mail sent under the same marker, this one included: more than one is a duplicate."""
        return self._by_marker[mail.marker] if mail.marker else [mail]

    def lookalikes(self, mail: Mail) -> list[Mail]:
        """Return every mail with the same recipient, subject and content, this one included."""
        return self._by_content[mail.content]

    def newest_first(self, search: str = "", before: int | None = None) -> Iterator[Mail]:
        """Yield mails whose recipient, subject, marker or id contains the search, from below the index `before`."""
        wanted = search.lower().strip()
        for mail in reversed(self.mails[:before]):
            text = f"{' '.join(mail.to)}\n{mail.subject}\n{mail.marker}\n{mail.id}"
            if not wanted or wanted in text.lower():
                yield mail

    def _add(self, number: int, position: int | None, entry: Entry, item: Entry) -> None:
        parameters = item["asked"]
        mail = Mail(
            len(self.mails),
            number,
            position,
            entry["at"],
            entry["provider"],
            entry["account"],
            item["id"],
            tuple(item["to"]),
            str(parameters.get("from", "")),
            str(parameters.get("subject", "")),
            item.get("effect") or item.get("key") or "",
            item["content"],
            bool(item.get("test")),
        )
        self.mails.append(mail)
        self._by_id[mail.provider, mail.account, mail.id].append(mail)
        self._by_account[mail.provider, mail.account].append(mail)
        if mail.marker:
            copies = self._by_marker[mail.marker]
            copies.append(mail)
            self.doubled += len(copies) == 2
        self._by_content[mail.content].append(mail)

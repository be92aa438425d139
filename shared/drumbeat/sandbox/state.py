"""Everything the sandbox knows: a fold over its record, so that a restart knows exactly what was known before."""

from drumbeat.sandbox.calls import Calls
from drumbeat.sandbox.contacts import Contacts
from drumbeat.sandbox.counts import Counts
from drumbeat.sandbox.idempotency_keys import Keyring
from drumbeat.sandbox.mailbox import Mail, Mailbox
from drumbeat.sandbox.record import Entry, Record


class World:
    """The state that vendors read. Only `apply` changes it."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.mailbox = Mailbox()
        self.contacts = Contacts()
        self.calls = Calls()
        self.keyring = Keyring()
        self.counts = Counts()
        self.in_flight: set[tuple[str, str, str]] = set()  # keys whose answer has not left; dies with the process

    def apply(self, number: int, entry: Entry) -> None:
        """Take in one request's entry."""
        self.counts.apply(number, entry)
        self.keyring.apply(entry)
        self.mailbox.apply(number, entry)
        self.contacts.apply(entry)
        self.calls.apply(number, entry)

    def content(self, mail: Mail) -> Entry:
        """Return what was asked when this mail was sent: its subject, bodies and headers."""
        entry = self.record.entry(mail.number)
        asked: Entry = entry["asked"] if mail.item is None else entry["items"][mail.item]["asked"]
        return asked

"""Everything the sandbox knows: rebuilt from its record, so that a restart knows exactly what was known before."""

from drumbeat.sandbox.calls import Calls
from drumbeat.sandbox.contact_properties import Properties
from drumbeat.sandbox.contacts import Contacts
from drumbeat.sandbox.counts import Counts
from drumbeat.sandbox.feedback import Feedback
from drumbeat.sandbox.idempotency_keys import IdempotencyKeys
from drumbeat.sandbox.mailbox import Mail, Mailbox
from drumbeat.sandbox.record import Entry, Record


class State:
    """What vendors read. Only `apply` changes it."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.mailbox = Mailbox()
        self.contacts = Contacts()
        self.contact_properties = Properties()
        self.calls = Calls()
        self.idempotency_keys = IdempotencyKeys()
        self.counts = Counts()
        self.feedback = Feedback(record)
        self.in_flight: set[tuple[str, str, str]] = set()  # keys whose response has not left; lost on restart

    def apply(self, number: int, entry: Entry) -> None:
        """Add one request's entry."""
        self.counts.apply(number, entry)
        self.idempotency_keys.apply(entry)
        self.mailbox.apply(number, entry)
        self.contacts.apply(entry)
        self.contact_properties.apply(entry)
        self.calls.apply(number, entry)
        self.feedback.apply(number, entry)

    def content(self, mail: Mail) -> Entry:
        """Return the request that sent this mail: its subject, bodies and headers."""
        entry = self.record.entry(mail.number)
        parameters: Entry = entry["asked"] if mail.item is None else entry["items"][mail.item]["asked"]
        return parameters

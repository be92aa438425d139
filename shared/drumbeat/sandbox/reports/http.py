"""The generic form of a report, as a sender of the user's own would send it: JSON, signed by Standard Webhooks."""

from drumbeat.core.feedback import Kind
from drumbeat.sandbox.http_messages import encode
from drumbeat.sandbox.reports import standard_webhooks
from drumbeat.sandbox.reports.base import (
    Destination,
    Occurrence,
    Sent,
    Signing,
    Written,
    iso,
    made_uuid,
    without_empty,
)


class Receiver:
    """A receiver under /http/. A report has one id, also when it is told again."""

    automatic = (Kind.ACCEPTED, Kind.DELIVERED)
    says = frozenset(Kind)
    ends: frozenset[int] = frozenset()

    def problem(self, destination: Destination) -> str | None:
        """Ask for the signing secret."""
        return standard_webhooks.problem(destination)

    def write(self, occurrence: Occurrence, sent: Sent, destination: Destination, signing: Signing) -> Written:
        """Return the report under the headers of Standard Webhooks."""
        id = made_uuid(occurrence.name)
        body = encode(without_empty({
            "id": id,
            "kind": occurrence.word or "other" if occurrence.kind == Kind.OTHER else occurrence.kind,
            "key": sent.key,
            "at": iso(occurrence.at),
            "reference": sent.id,
            "email": occurrence.recipient,
            "said": occurrence.said,
            "link": occurrence.link,
        })).encode()  # fmt: skip
        signed = standard_webhooks.headers("webhook", id, signing.at, body, destination.secret)
        return {"Content-Type": "application/json", "User-Agent": "drumbeat-sandbox", **signed}, body


REPORTER = Receiver()

"""Postmark's search of sent messages: filters, pages, lag and retention. Its dates are those of US Eastern Time."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from drumbeat.sandbox.actions import RequestedAction
from drumbeat.sandbox.faults import Injection
from drumbeat.sandbox.http_messages import HttpResponse, json_response
from drumbeat.sandbox.mailbox import Mail
from drumbeat.sandbox.state import State

EASTERN = ZoneInfo("America/New_York")
RETENTION_SECONDS = 45 * 86_400.0
MAX_PAGE, MAX_REACH = 500, 10_000  # messages; of a page, and of what pages reach
DEFAULT_STREAM = "outbound"
METADATA = "metadata_"  # how the filters by metadata begin
MARKER = f"{METADATA}effect_id"


def page(state: State, requested: RequestedAction, injection: Injection, now: float) -> HttpResponse:
    """Answer one page of messages, newest first, in Postmark's shape."""
    search = dict(requested.parameters)
    try:
        count, offset = int(search["count"]), int(search["offset"])
        since, until = _instant(search.get("fromdate"), 0.0), _instant(search.get("todate"), now)
        if not (1 <= count <= MAX_PAGE and offset >= 0 and count + offset <= MAX_REACH):
            raise ValueError
    except (KeyError, ValueError):
        return json_response(422, {"ErrorCode": 300, "Message": "A query parameter is missing or not valid."})
    kept = injection.lookup_retention_seconds
    oldest = max(since, now - (RETENTION_SECONDS if kept is None else kept))
    found = [
        shown
        for mail in reversed(state.mailbox.of_account(requested.provider, requested.account))
        if oldest <= mail.at <= min(until, now - injection.lookup_lag_seconds)
        if search.get(MARKER, mail.marker) == mail.marker
        for shown in _shown(state, mail, search)
    ]
    return json_response(200, {"TotalCount": len(found), "Messages": found[offset : offset + count]})


def _shown(state: State, mail: Mail, search: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the message as the list shows it, where the filters leave it in."""
    parameters = state.content(mail)
    wanted = {name.removeprefix(METADATA): value for name, value in search.items() if name.startswith(METADATA)}
    tag = next(iter(parameters["tags"]), None)
    if (
        parameters["stream"] == search.get("messagestream", DEFAULT_STREAM)
        and all(parameters["variables"].get(name) == value for name, value in wanted.items())
        and search.get("recipient", mail.to[0]) in mail.to
        and search.get("tag", tag) == tag
    ):
        yield {
            "Tag": tag,
            "MessageID": mail.id,
            "MessageStream": parameters["stream"],
            "To": [{"Email": one, "Name": None} for one in mail.to],
            "Cc": [],
            "Bcc": [],
            "Recipients": list(mail.to),
            "ReceivedAt": datetime.fromtimestamp(mail.at, EASTERN).isoformat(),
            "From": mail.sender,
            "Subject": mail.subject,
            "Attachments": [],
            "Status": "Sent",
            "TrackOpens": bool(parameters["options"].get("TrackOpens")),
            "TrackLinks": parameters["options"].get("TrackLinks", "None"),
            "Metadata": parameters["variables"],
            "Sandboxed": False,
        }


def _instant(written: str | None, default: float) -> float:
    """Read a day or a local time; raises ValueError."""
    if written is None:
        return default
    read = datetime.fromisoformat(written)
    return (read if read.tzinfo else read.replace(tzinfo=EASTERN)).timestamp()

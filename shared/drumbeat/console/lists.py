"""What lists have in common: where the next page is, the list as a table in a file, and since when it reads."""

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response

from drumbeat.api.masking import masked
from drumbeat.api.query import instant
from drumbeat.api.response import reply
from drumbeat.api.tables import as_table
from drumbeat.console.access import Page
from drumbeat.console.pages import HEADERS
from drumbeat.services import services
from drumbeat.views.pages import Page as Found

SPANS = {"1h": "the last hour", "24h": "the last 24 hours", "7d": "the last 7 days", "30d": "the last 30 days"}
_SPAN = re.compile("([0-9]{1,4})([mhd])", re.ASCII)
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}
_NOT_KEPT = ("cursor", "format", "did")


def filters(page: Page, *names: str) -> dict[str, str]:
    """Return what a page's address says of these; of those that it does not name nothing."""
    return {name: page.query.get(name, "") for name in names}


def address(path: str, given: dict[str, str]) -> str:
    """Return an address whose next parameter only has to be appended to it."""
    named = urlencode({name: value for name, value in given.items() if value})
    return f"{path}?{named}&" if named else f"{path}?"


def older(page: Page, cursor: str | None, **more: str) -> str:
    """Return the address of this page from a cursor on, its filters kept; "": there is no more."""
    kept = {name: value for name, value in page.query.items() if name not in _NOT_KEPT}
    asked = {**kept, **({"cursor": cursor} if cursor else {}), **more}
    return f"{page.event.path}?{urlencode(asked)}" if cursor or more else ""


def since(text: str, now: datetime) -> datetime | None:
    """Read since when: so long ago, as `24h`, or an instant. Raises Invalid."""
    if span := _SPAN.fullmatch(text):
        return now - timedelta(seconds=int(span[1]) * _SECONDS[span[2]])
    return instant(text) if text else None


def table(page: Page, found: Found[Any]) -> Response[Any]:
    """Answer with a page of a list as a file, persons masked as on the page."""
    answer = reply({"items": found.items, "next": found.next}, 200, HEADERS)
    return as_table(answer if page.sees_people else masked(answer, services().mask_secret), page.event)

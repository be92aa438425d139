"""A list on a page: where its next page is, and the same as a file for a spreadsheet."""

from typing import Any
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response

from drumbeat.api.masking import masked
from drumbeat.api.response import reply
from drumbeat.api.tables import as_table
from drumbeat.console.access import Page
from drumbeat.console.pages import HEADERS
from drumbeat.services import services
from drumbeat.views import Page as Items

_NOT_KEPT = ("cursor", "format", "did")


def older(page: Page, cursor: str | None, **more: str) -> str:
    """Return the address of this page from a cursor on, its filters kept; "": there is no more."""
    kept = {name: value for name, value in page.query.items() if name not in _NOT_KEPT}
    asked = {**kept, **({"cursor": cursor} if cursor else {}), **more}
    return f"{page.event.path}?{urlencode(asked)}" if cursor or more else ""


def as_csv[T](page: Page, found: Items[T]) -> Response[Any]:
    """Return a page of a list as CSV, persons masked as on the page itself."""
    answer = reply({"items": found.items, "next": found.next}, headers=HEADERS)
    return as_table(answer if page.sees_people else masked(answer, services().mask_secret), page.event)

"""A rendered mail in a frame: whatever it says, nothing in it can act, load or send."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat.console import pages

POLICY = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'"
HEADERS = {
    **pages.HEADERS,
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "SAMEORIGIN",
}
# As a mailbox shows a mail that names no font and no colour. A link would open a window, which the sandbox forbids: so
# a click on one leaves the mail where it is.
_PAPER = (
    '<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light"><base target="_blank">'
    "<style>body{font:16px/1.55 system-ui,sans-serif;margin:16px;background:#fff;color:#222}</style>"
)


def framed(html: str) -> Response[Any]:
    """Return a mail's HTML for a frame of a page of ours."""
    return Response(200, pages.HTML, _PAPER + html, headers=dict(HEADERS))

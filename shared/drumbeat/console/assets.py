"""Files that pages load: style, scripts and icons, each kept by browsers for as long as it is the same."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat.api.routing import Routes
from drumbeat.console import pages
from drumbeat.core.errors import NotFound

router = Routes()

TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
FOR_EVER = "public, max-age=31536000, immutable"


@router.get("/assets/<hash>/<name>")
def asset(hash: str, name: str) -> Response[Any]:
    """Return a file; of an earlier content there is none any more."""
    try:
        known = pages.static_url(name) == f"/assets/{hash}/{name}"
    except (OSError, ValueError):
        known = False
    kind = TYPES.get(name.rpartition(".")[2])
    if not known or kind is None:
        raise NotFound("there is no such file; open the page again")
    headers = {"Cache-Control": FOR_EVER, "X-Content-Type-Options": "nosniff"}
    answer: Response[Any] = Response(200, kind, pages.static(name).decode(), headers=headers)
    return pages.compressed(answer, router.current_event.headers.get("accept-encoding", ""))

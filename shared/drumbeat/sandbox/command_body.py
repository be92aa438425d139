"""The body of a request to the control API."""

from typing import Any
from urllib.parse import parse_qs

from drumbeat.sandbox.errors import InvalidCommand
from drumbeat.sandbox.http_messages import HttpRequest


def command_body(request: HttpRequest) -> dict[str, Any]:
    """Return the fields of a JSON object, or of a form. Raises InvalidCommand, ValueError."""
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    if form and not request.body.lstrip().startswith(b"{"):  # `curl -d '{...}'` calls JSON a form
        return {name: values[-1] for name, values in parse_qs(request.body.decode()).items()}
    content = request.json()
    if not isinstance(content, dict):
        raise InvalidCommand("the body is a JSON object")
    return content

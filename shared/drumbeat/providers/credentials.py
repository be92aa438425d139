"""Adding an account's credentials to a request, afresh for each attempt and never frozen with it."""

import base64
from dataclasses import replace

from drumbeat.core.request import Request


def bearer(request: Request, token: str) -> Request:
    """Return the request with a bearer token."""
    return _authorized(request, f"Bearer {token.strip()}")


def basic(request: Request, user: str, password: str) -> Request:
    """Return the request with a user name and password."""
    pair = f"{user}:{password.strip()}".encode()
    return _authorized(request, f"Basic {base64.b64encode(pair).decode()}")


def _authorized(request: Request, value: str) -> Request:
    return replace(request, headers={**request.headers, "authorization": value})

"""What the tests of all adapters share: replies, a target and the moment they happen at."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from drumbeat.core.request import Reply
from drumbeat.providers import vendor_hosts
from drumbeat.providers.base import Provider, Target

KEY = "0b8f2d6e-93a1-5c77-8d1e-3f1f6f0f9a11.1"
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def reply(status: int, body: object = None, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a reply; anything but bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Reply(status, headers or {}, content)


def target(provider: Provider, **settings: str) -> Target:
    """Return an account at the provider's own address, or at the `base_url` given."""
    base_url = settings.get("base_url") or vendor_hosts.own_url(provider, settings)
    assert base_url
    return Target("account", base_url, settings)


# Bodies that a proxy, a cut or a bug may put under a 2xx.
UNREADABLE: tuple[Any, ...] = (b"", b"<html>ok</html>", b'{"id": "x"', b"null", b"[]", b"\xff\xfe", {}, {"id": 7})

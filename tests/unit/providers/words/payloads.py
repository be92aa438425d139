"""Published bodies of providers' webhooks, read in place."""

import json
from typing import Any

import pytest

from tests.conftest import VECTORS

KEY = "0b8f2d6e-93a1-5c77-8d1e-3f1f6f0f9a11-2"
FOLDER = VECTORS / "payloads"


def published(name: str) -> Any:
    """Return a published body; skips the test where there are none."""
    if not FOLDER.exists():
        pytest.skip(f"no vectors at {VECTORS}; set DRUMBEAT_VECTORS")
    return json.loads((FOLDER / f"{name}.json").read_text())["payload"]

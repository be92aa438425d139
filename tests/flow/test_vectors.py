"""Deliveries that others published, through the HTTP door, each judged by its own clock."""

import json
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import VECTORS
from tests.flow.stacks import Stack

FILE = VECTORS / "webhooks.json"
CASES: list[dict[str, Any]] = json.loads(FILE.read_bytes()) if FILE.exists() else []

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(not CASES, reason=f"no vectors at {VECTORS}; set DRUMBEAT_VECTORS"),
]


def secrets_of(case: dict[str, Any]) -> list[str]:
    return [*(case.get("secrets") or []), *([case["public_key"]] if case.get("public_key") else [])]


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with one source for each case, and a door that lets a request say what time it is."""
    folder = tmp_path_factory.mktemp("vectors")
    environment: dict[str, str] = {}
    sources: dict[str, Any] = {}
    for number, case in enumerate(CASES):
        names = [f"VECTOR_{number}_{n}" for n in range(len(secrets_of(case)))]
        environment |= dict(zip(names, secrets_of(case), strict=True))
        sources[f"case-{number}"] = {
            "webhook": case["scheme"],
            "secrets": [f"env:{name}" for name in names],
            "type": "LEAD_CAPTURE",
            "tolerance": f"{case.get('tolerance_s') or 300}s",
            **({"public_url": case["url"]} if case.get("url") else {}),
        }
    config = folder / "drumbeat.yaml"
    config.write_text(json.dumps({"version": 1, "sources": sources}))  # JSON is YAML
    stack = Stack(folder / "home", config, environment, ("--test-door",)).start()
    assert stack.process is not None
    assert stack.process.stdout is not None
    yield stack
    stack.end()
    stack.process.stdout.close()


def status_of(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.point(2)
@pytest.mark.parametrize("number", range(len(CASES)), ids=[case["id"] for case in CASES])
def test_a_published_delivery_gets_its_verdict_at_the_door(door: Stack, number: int) -> None:
    case = CASES[number]
    headers = case["headers"] | ({"Drumbeat-Now": str(case["now"])} if case.get("now") is not None else {})
    query = f"?{case['url'].partition('?')[2]}" if "?" in (case.get("url") or "") else ""
    url = f"{door.ready['url']}/v1/webhooks/case-{number}{query}"

    status = status_of(urllib.request.Request(url, b64decode(case["body_b64"]), headers, method="POST"))

    assert (status < 300) == (case["expect"] == "valid"), case["reason"]
    assert status in (200, 202, 401)

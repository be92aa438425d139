"""Schemathesis reads `/openapi.json` and calls each operation as it says, and as it does not.

Nothing may fail on our side, and no answer may be other than the document says: by status, media type, headers, body.
"""

import json
import subprocess
from pathlib import Path

import pytest
from redis import Redis

from tests.conftest import ROOT, TestDatabase
from tests.fuzz.asked import knowing
from tests.fuzz.deployment import deployment
from tests.fuzz.door import door

SCHEMATHESIS = ROOT / ".venv" / "fuzz" / "bin" / "schemathesis"
# Every check but those that guess what an API ought to be like. What agrees with the document may be refused for other
# reasons; an API Gateway answers 404 where there is no route. An event of a batch that is not as the document says is
# refused by itself, within an answer of 207.
CONFIGURATION = """
[checks]
positive_data_acceptance.enabled = false
unsupported_method.enabled = false
allow_header_conformance.enabled = false
use_after_free.enabled = false
ensure_resource_availability.enabled = false
object_level_authorization.enabled = false
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 409, 413, 415, 422]

[[operations]]
include-path = "/v1/events/batch"
checks.negative_data_rejection.enabled = false
"""


@pytest.fixture
def calls(
    database: TestDatabase, redis: Redis, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> "Calls":
    if not SCHEMATHESIS.exists():
        pytest.skip("no .venv/fuzz: `make test` makes it")
    return Calls(database, redis, sqs_endpoint, monkeypatch, tmp_path)


class Calls:
    """Runs schemathesis against a deployment of its own."""

    def __init__(
        self, database: TestDatabase, redis: Redis, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch, home: Path
    ) -> None:
        self._deployment = deployment(database, redis, sqs_endpoint, monkeypatch)
        self._home = home

    def run(self, *options: str) -> tuple[int, str, int]:
        """Return how it ended, what it says, and how often it called."""
        with self._deployment as there, door() as served:
            document = self._home / "openapi.json"
            document.write_text(json.dumps(knowing(there.known)))
            (self._home / "schemathesis.toml").write_text(CONFIGURATION)
            done = subprocess.run(
                [
                    *(str(SCHEMATHESIS), "run", str(document), "--url", served.url),
                    *("--header", f"Authorization: Bearer {there.key}"),
                    *("--continue-on-failure", "--warnings", "off", "--generation-database", "none", "--no-color"),
                    *options,
                ],
                cwd=self._home,
                capture_output=True,
                text=True,
                check=False,
            )
            return done.returncode, done.stdout + done.stderr, served.count


def test_a_few_calls_of_each_operation_are_answered_as_the_document_says(calls: Calls) -> None:
    code, said, count = calls.run("--phases", "fuzzing", "--max-examples", "5", "--seed", "1")

    assert code == 0, said
    assert count > 200


@pytest.mark.proof
@pytest.mark.timeout(1500)
def test_thousands_of_calls_are_answered_as_the_document_says(calls: Calls) -> None:
    code, said, count = calls.run("--phases", "coverage,fuzzing,stateful", "--max-examples", "45")

    assert code == 0, said
    assert count >= 5000
    print(f"schemathesis: {count} calls of /openapi.json, no failure of ours, nothing outside the document")

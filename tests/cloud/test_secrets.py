"""Who may put a configuration in force cannot read what the installation itself connects and signs with."""

import json
import uuid
from collections.abc import Iterator

import pytest
from psycopg.types.json import Jsonb

from drumbeat.configuration.document import compile_document
from tests.cloud.conftest import config
from tests.cloud.deployed import Deployed
from tests.flow.stacks import eventually

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]

OWN = ("system/secret", "system/database-url", "system/redis-url", "secret", "admin/database-url", "admin/first-key")
# A receiver of the caller's own, which would see what signs its requests.
DOCUMENT = """
version: 1
accounts:
  mine: {provider: http, settings: {base_url: SANDBOX/http/mine}, secrets: {signing_key: "REFERENCE"}}
flows:
  leak:
    on: LEAD_CAPTURE
    steps: [{id: send, account: mine, action: call, with: {method: POST, path: /, body: {}}}]
"""


def document(cloud: Deployed, reference: str) -> str:
    sandbox = cloud.ready["sandbox_url"].replace("127.0.0.1", "localhost")
    return DOCUMENT.replace("SANDBOX", sandbox).replace("REFERENCE", reference)


@pytest.fixture
def restored(cloud: Deployed) -> Iterator[None]:
    yield
    cloud.apply(config(cloud))


@pytest.mark.parametrize("name", OWN)
def test_no_document_names_one(cloud: Deployed, name: str) -> None:
    asked = {"document": document(cloud, f"ssm:/drumbeat/local/{name}"), "templates": {}}

    status, _, refused = cloud.call("PUT", "/v1/config", asked)

    assert status in (400, 422)
    assert "secret of the installation itself" in refused["mistakes"][0]["message"]


@pytest.mark.parametrize("name", OWN)
def test_a_version_that_names_one_already_sends_nothing(cloud: Deployed, restored: None, name: str) -> None:
    """As a release before would have stored it."""
    compiled = compile_document(document(cloud, "secret:trap"), {})
    there = json.loads(json.dumps(compiled).replace("secret:trap", f"ssm:/drumbeat/local/{name}"))
    with cloud.ledger() as ledger:
        ledger.execute(
            "INSERT INTO configs (version, hash, document, templates, compiled, applied_by)"
            " SELECT max(version) + 1, %s, '', '{}', %s, 'test' FROM configs",
            [uuid.uuid4().bytes, Jsonb(there)],
        )

    status, _, receipt = cloud.send(uuid.uuid4().hex, "lead@example.com")
    assert status == 202
    event = receipt["eventId"]
    eventually(lambda: [each["status"] for each in cloud.event(event)["effects"]] == ["held"])

    (effect,) = cloud.event(event)["effects"]
    assert effect["reason"].startswith(f"secret ssm:/drumbeat/local/{name} does not exist or may not be read")

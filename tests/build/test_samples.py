"""The samples in `events/`: each belongs to a function and to a route that exists, and each is used."""

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

import pytest

from drumbeat.access import keys
from drumbeat.core import ids
from drumbeat.local.template import Reference, Template
from drumbeat.wakeups.queue import WakeUp
from tests.build.stack import ROOT, Document, functions, resources

SAMPLES = sorted((ROOT / "events").glob("*.json"))
STAGE_SECRET = b"for tests"  # what the samples' API key was minted under
SHOP_SECRET = "whsec_YSBzZWNyZXQgZm9yIHNhbXBsZXMgb25seSwgMzIgYi4="  # what the webhook was signed with


def load(name: str) -> dict[str, Any]:
    sample: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return sample


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_names_its_function_and_its_route(path: Path, template: Template) -> None:
    function = path.stem.partition("_")[0]

    assert function in template.functions
    if route := load(path.stem).get("routeKey"):
        named = {f"{each.method} {each.path}" for each in template.routes if each.function == function}
        assert route in {name.removeprefix("ANY ") for name in named}


@pytest.mark.parametrize("function", ["campaign", "console", "ingest", "migrate", "relay", "worker"])
def test_every_function_has_a_sample(function: str) -> None:
    assert [path for path in SAMPLES if path.stem.partition("_")[0] == function]


@pytest.mark.parametrize(
    "name", ["ingest_event", "ingest_batch", "console_events", "console_resolve", "console_redrive", "console_cancel"]
)
def test_the_api_key_of_a_sample_is_good_under_the_stated_secret(name: str) -> None:
    secret = hmac.digest(STAGE_SECRET, b"api-keys", hashlib.sha256)

    assert keys.verify(secret, keys.bearer(load(name)["headers"]["authorization"])).id == "sample"


@pytest.mark.parametrize(("name", "good"), [("ingest_webhook", True), ("ingest_webhook_forged", False)])
def test_the_signature_of_a_delivery_is_what_its_name_says(name: str, good: bool) -> None:
    sample = load(name)
    signed = f"{sample['headers']['webhook-id']}.{sample['headers']['webhook-timestamp']}.{sample['body']}".encode()
    secret = base64.b64decode(SHOP_SECRET.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()

    assert (sample["headers"]["webhook-signature"] == f"v1,{signature}") is good


def test_what_sam_local_is_given_are_variables_that_are_addresses_of_the_stack(document: Document) -> None:
    """SAM passes variables that the template names, and resolves names of parameters, but no address of a queue."""
    (given,) = json.loads((ROOT / "events/env/sam-local.json").read_text()).values()
    named = {
        name: value.argument
        for function in functions(document).values()
        for name, value in function["Environment"]["Variables"].items()
        if isinstance(value, Reference)
        and isinstance(value.argument, str)
        and value.argument in resources(document, "AWS::SQS::Queue")
    }

    assert given.keys() == named.keys()
    for name, text in given.items():
        output = document["Outputs"][text.partition(" ")[0]]
        assert output["Value"].argument == named[name]


def test_the_workers_messages_name_the_sample_events() -> None:
    wake_ups = [WakeUp.loads(record["body"]) for record in load("worker_two_records")["Records"]]

    assert [wake_up.events for wake_up in wake_ups] == [
        (ids.event_id("crm", "lead-1"),),
        (ids.event_id("crm", "lead-2"),),
    ]


def test_no_sample_holds_a_real_address() -> None:
    text = "".join(path.read_text() for path in SAMPLES)

    assert set(re.findall(r"[\w.]+@([\w.]+)", text)) == {"example.com"}

"""The sandbox as the vendors' own libraries see it: they send, read its refusals by name, and find what they sent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sdks.conftest import Program, program
from tests.unit.sandbox.sandbox_process import SandboxProcess

pytestmark = pytest.mark.proof

MAIL = {"from": "Ada <ada@example.com>", "to": ["bob@example.org"], "subject": "Grüße", "text": "It works."}
FORM = MAIL | {"to": "bob@example.org"}


class Library:
    """The vendors' libraries, pointed at one sandbox."""

    def __init__(self, libraries: Program, sandbox: SandboxProcess) -> None:
        self._libraries, self._url = libraries, f"http://127.0.0.1:{sandbox.port}"

    def __call__(self, do: str, **job: object) -> Any:
        """Return what the library did or raised."""
        return self._libraries.ask(do=do, sandbox=self._url, **job)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    home: Path = tmp_path_factory.mktemp("sandbox")
    with program("sandbox") as libraries, SandboxProcess(home) as sandbox:
        yield Library(libraries, sandbox)


def test_resend_sends_once_under_a_key(library: Library) -> None:
    first, again = (library("resend_send", mail=MAIL, key="welcome/1") for _ in range(2))

    assert first == again
    assert first["id"]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"to": ["a..b@example.org"]}, [422, "validation_error"]),
        ({"from": "Fernwood, Inc. <ada@example.com>"}, [422, "invalid_from_address"]),
        ({"subject": ""}, [422, "missing_required_field"]),
        ({"tags": [{"name": "list", "value": "spring sale"}]}, [422, "validation_error"]),
    ],
)
def test_resend_names_what_it_refuses(library: Library, changed: dict[str, object], error: list[object]) -> None:
    assert library("resend_send", mail=MAIL | changed) == {"error": error}


def test_hubspot_upserts_standard_properties(library: Library) -> None:
    done = library("hubspot_upsert", email="ada@example.org", properties={"firstname": "Ada", "lifecyclestage": "lead"})

    assert done["status"] == "COMPLETE"
    assert done["properties"]["firstname"] == "Ada"


@pytest.mark.parametrize(
    ("properties", "errors"),
    [
        ({"favourite_colour": "blue"}, ["PROPERTY_DOESNT_EXIST"]),
        ({"createdate": "2026-01-01", "lifecyclestage": "buyer"}, ["READ_ONLY_VALUE", "INVALID_OPTION"]),
    ],
)
def test_hubspot_names_what_it_refuses(library: Library, properties: dict[str, str], errors: list[str]) -> None:
    refused = library("hubspot_upsert", email="ada@example.org", properties=properties)

    assert refused == {"error": [400, "VALIDATION_ERROR", *errors]}


def test_hubspot_takes_a_property_once_it_was_created(library: Library) -> None:
    assert library("hubspot_property", name="plan")["type"] == "string"

    assert library("hubspot_upsert", email="ada@example.org", properties={"plan": "pro"})["status"] == "COMPLETE"


def test_mailgun_sends_and_finds_it_by_its_message_id(library: Library) -> None:
    sent = library("mailgun_send", mail=FORM | {"h:Message-Id": "<sdk-1@mg.example.com>"})

    assert sent == {"id": "<sdk-1@mg.example.com>"}
    assert library("mailgun_events", filters={"message-id": "sdk-1@mg.example.com"}) == {"events": ["accepted"]}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"to": "a..b@example.org"}, "to parameter is not a valid address"),
        ({"o:tag": ["Größe"]}, "o:tag parameter is not valid"),
        ({"text": ""}, "Need at least one of"),
        ({"v:note": "x" * 17_000}, "are limited to 16 kB total"),
    ],
)
def test_mailgun_says_what_it_refuses(library: Library, changed: dict[str, object], words: str) -> None:
    status, message = library("mailgun_send", mail=FORM | changed)["error"]

    assert status == 400
    assert words in message

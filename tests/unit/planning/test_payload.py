"""The payload that flows see."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from uuid import UUID

import pytest

from drumbeat.core.configuration import Config, Source
from drumbeat.core.events import Event
from drumbeat.planning.payload import Unmappable, read


def event(body: bytes | None, door: str = "webhook", source: str = "shop") -> Event:
    """Make an event of one body."""
    return Event(UUID(int=0), source, "k", "LEAD_CAPTURE", door, None, datetime(2026, 1, 1, tzinfo=UTC), body)


def config(scheme: str = "github", **map: str) -> Config:
    """Make a configuration with the one source `shop`."""
    source = Source("shop", "webhook", scheme, "LEAD_CAPTURE", (), 300, map, {})
    return Config(3, {}, {"shop": source}, {}, {}, {})


def test_an_api_event_brings_its_payload() -> None:
    body = json.dumps({"type": "LEAD_CAPTURE", "payload": {"email": "a@example.com"}}).encode()

    assert read(event(body, "api", "crm"), config()) == {"email": "a@example.com"}


def test_a_delivery_is_mapped_and_absent_fields_are_null() -> None:
    body = b'{"data": {"email": "a@example.com", "items": [{"n": 1}, {"n": 2}]}}'

    payload = read(event(body), config(email="data.email", all="data.items[].n", name="data.name.first"))

    assert payload == {"email": "a@example.com", "all": [1, 2], "name": None}


def test_without_a_map_the_delivery_is_the_payload() -> None:
    assert read(event(b'{"a": 1}'), config()) == {"a": 1}


def test_a_form_is_read_where_the_scheme_sends_forms() -> None:
    assert read(event(b"From=%2B1415&Body=hello+there"), config("twilio", who="From")) == {"who": "+1415"}


@pytest.mark.parametrize(
    ("given", "configuration"),
    [
        (event(None), config()),
        (event(b"\xff"), config()),
        (event(b"a=1"), config()),
        (event(b"nonsense"), config("twilio")),
        (event(b"[1]"), config()),
        (event(b"[" * 100_000), config()),
        (event(b"{}", source="gone"), config()),
        (event(b"{}"), config(x="sum(@)")),
        (event(b'{"total": "nonsense"}'), config(vip="total > `100`")),
        (event(b'{"total": 1e999}'), config(vip="ceil(total)")),
        (event(b'{"total": NaN}'), config(vip="floor(total)")),
        (event(b'{"items": [1]}'), config(vip="items[::0]")),
        (event(b"[]", "api"), config()),
        (event(b'{"payload": 1}', "api"), config()),
        (event(b"\xff", "api"), config()),
    ],
)
def test_what_gives_no_payload_says_why_without_its_content(given: Event, configuration: Config) -> None:
    with pytest.raises(Unmappable) as error:
        read(given, configuration)

    assert str(error.value)
    assert "nonsense" not in str(error.value)


def test_reading_needs_neither_a_validator_nor_yaml() -> None:
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, drumbeat.planning.payload;"
            "print([name for name in ('pydantic', 'yaml', 'boto3') if name in sys.modules])",
        ],
        capture_output=True,
        check=True,
        text=True,
    )

    assert loaded.stdout.strip() == "[]"

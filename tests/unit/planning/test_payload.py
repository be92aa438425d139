"""The payload that flows see."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from drumbeat.core.configuration import Config, Source
from drumbeat.core.events import Event
from drumbeat.planning.payload import ONE_FACT, Unmappable, read


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
        (event(b"a=1"), config("stripe")),
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


def listed(*bodies: str) -> bytes:
    return f"[{','.join(bodies)}]".encode()


FACT = '{"email": "a@example.com"}'
CHANGE = '{"field": "leadgen", "value": {"leadgen_id": "7"}}'
MESSAGES = '{"value": {"messages": [{"id": "1"}, {"id": "2"}], "statuses": [{"id": "3"}]}}'


def entries(*entries: str) -> bytes:
    return f'{{"object": "page", "entry": [{",".join(entries)}]}}'.encode()


@pytest.mark.parametrize(
    ("scheme", "body", "facts"),
    [
        ("hubspot_v1", listed(FACT, FACT, FACT), "3 facts"),
        ("hubspot_v3", listed(FACT, FACT), "2 facts"),
        ("sendgrid", listed(*[FACT] * 1200), "1,200 facts"),
        ("sendgrid", b"[]", "no fact"),
        ("hmac", listed(FACT, "1"), "2 facts"),
        ("standard_webhooks", listed(FACT, FACT), "2 facts"),
        ("twilio", listed(FACT, FACT), "2 facts"),
        ("github", b"payload=%5B%5D&payload=%5B%5D&a=1", None),
        ("meta", entries(f'{{"changes": [{CHANGE}]}}', f'{{"changes": [{CHANGE}]}}'), "2 facts"),
        ("meta", entries(f'{{"changes": [{CHANGE}, {CHANGE}]}}'), "2 facts"),
        ("meta", entries('{"messaging": [{}, {}], "standby": [{}]}'), "3 facts"),
        ("meta", entries(f'{{"changes": [{MESSAGES}]}}'), "3 facts"),
        ("meta", entries(), "no fact"),
        ("meta", entries(f'{{"changes": [{CHANGE}]}}'), None),
        ("meta", entries('{"id": "1", "time": 1}'), None),
        ("meta", entries("7"), None),
        ("meta", entries('{"changes": [7]}'), None),
        ("meta", b'{"entry": 7}', None),
        ("hubspot_v1", listed(FACT), None),
        ("sendgrid", listed("7"), None),
        ("shopify", b'{"line_items": [1, 2, 3]}', None),
    ],
)
def test_a_delivery_of_many_facts_or_none_is_not_acted_on_and_says_how_many(
    scheme: str, body: bytes, facts: str | None
) -> None:
    mapped = replace(config(scheme, first="[0].email"), semantics=ONE_FACT)

    if facts is None:
        assert "first" in read(event(body), mapped)
        return
    with pytest.raises(Unmappable, match=facts):
        read(event(body), mapped)


@pytest.mark.parametrize("scheme", ["hubspot_v1", "sendgrid", "meta", "hmac"])
def test_a_list_was_one_event_by_the_rules_before(scheme: str) -> None:
    mapped = replace(config(scheme, first="[0].email"), semantics=ONE_FACT - 1)

    assert read(event(listed(FACT, FACT)), mapped) == {"first": "a@example.com"}


def test_hubspots_first_version_signs_other_requests_too_which_are_no_lists() -> None:
    mapped = replace(config("hubspot_v1", first="email"), semantics=ONE_FACT)

    with pytest.raises(Unmappable, match="hubspot_v1"):
        read(event(FACT.encode()), mapped)


@pytest.mark.parametrize("scheme", ["github", "slack", "mailgun"])
def test_what_a_form_holds_is_read_by_the_rules_since(scheme: str) -> None:
    form = b"payload=%7B%22email%22%3A+%22a%40example.com%22%7D"
    configuration = config(scheme, email="email || payload")

    assert read(event(form), replace(configuration, semantics=ONE_FACT)) == {"email": "a@example.com"}
    if scheme == "slack":
        assert read(event(form), replace(configuration, semantics=2)) == {"email": '{"email": "a@example.com"}'}
    else:
        with pytest.raises(Unmappable, match="not JSON"):
            read(event(form), replace(configuration, semantics=2))


def test_a_scheme_of_a_later_release_is_not_guessed() -> None:
    with pytest.raises(Unmappable, match="later_scheme"):
        read(event(b"{}"), replace(config("later_scheme"), semantics=ONE_FACT))


@pytest.mark.parametrize(
    ("given", "configuration"),
    [(event(b"\xff"), config()), (event(b""), config("twilio")), (event(b"[" * 100_000), config("slack"))],
)
def test_by_the_rules_since_too_what_cannot_be_read_says_why(given: Event, configuration: Config) -> None:
    with pytest.raises(Unmappable, match="not in a form"):
        read(given, replace(configuration, semantics=ONE_FACT))


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

"""Lists as CSV: the same items as in JSON, as masked, for a spreadsheet that takes none of them for a formula."""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from redis import Redis

from drumbeat.api.resolver import NOUNS
from drumbeat.core.cells import formula_quoted
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.local.servers import Valkey
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.functions.console import Console, build_services, close
from tests.store.rows import closing, recorded, sending

LISTS = {
    "/v1/accounts",
    "/v1/audiences",
    "/v1/campaigns",
    "/v1/counts",
    "/v1/stops",
    "/v1/dlq",
    "/v1/doctor",
    "/v1/effects",
    "/v1/events",
    "/v1/keys",
    "/v1/leads",
    "/v1/parked",
    "/v1/reconcile",
    "/v1/runs",
    "/v1/suppressions",
}
# What is no list, is followed by a cursor of its own, or is decided about as a whole.
DOCUMENTS = {
    "/healthz",
    "/metrics",
    "/v1/config",
    "/v1/effects/groups",
    "/v1/effects/held",
    "/v1/journal",
    "/v1/status",
    "/v1/usage",
    "/v1/verify",
}


@pytest.fixture
def services(
    database: TestDatabase, redis: Redis, valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    yield services
    close(services)


@pytest.fixture
def console(services: Services) -> Console:
    return Console(services)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text, newline="")))


def cell(value: Any) -> str:
    return formula_quoted(value) if isinstance(value, str) else "" if value is None else str(value)


def test_every_list_is_a_table_too(console: Console) -> None:
    routes = {rule for noun in NOUNS for rule, methods, *_ in noun.router._routes if "GET" in methods}
    assert {rule for rule in routes if "<" not in rule} == LISTS | DOCUMENTS

    for path in sorted(LISTS):
        status, text, headers = console.call("GET", path, key=everything(console), format="csv")
        assert (path, status, headers["Content-Type"]) == (path, 200, "text/csv; charset=utf-8")
        items = console.call("GET", path, key=everything(console))[1]["items"]
        assert len(rows(text)) == len(items)
        assert not items or list(rows(text)[0]) == list(items[0])


def test_a_table_goes_on_where_its_link_says(console: Console, services: Services) -> None:
    for number in range(3):
        recorded(services.db, key=f"key-{number}")
    key = everything(console)

    _, first, headers = console.call("GET", "/v1/events", key=key, format="csv", limit="2", source="test")
    assert headers["Link"].endswith('>; rel="next"')
    link = urlsplit(headers["Link"].removeprefix("<").partition(">")[0])
    _, last, ended = console.call("GET", link.path, key=key, **dict(parse_qsl(link.query)))

    items = console.call("GET", "/v1/events", key=key)[1]["items"]
    assert [row["eventId"] for row in rows(first) + rows(last)] == [each["eventId"] for each in items]
    assert "Link" not in ended
    assert ended["Content-Disposition"] == 'attachment; filename="events.csv"'


def test_no_cell_is_a_formula_and_none_says_more_than_json(console: Console, services: Services) -> None:
    for key in ("=HYPERLINK(1)", "+49", "ada@example.com", "-1", "\tx", 'a "b", c'):
        recorded(services.db, key=key)
    see, masked = everything(console), console.call("POST", "/v1/keys", {"name": "eve", "scopes": ["read"]})[1]["token"]

    for key in (see, masked):
        _, text, _ = console.call("GET", "/v1/events", key=key, format="csv")
        items = console.call("GET", "/v1/events", key=key)[1]["items"]
        assert [row["idempotencyKey"] for row in rows(text)] == [cell(each["idempotencyKey"]) for each in items]
    shown = {row["idempotencyKey"] for row in rows(console.call("GET", "/v1/events", key=see, format="csv")[1])}
    assert shown == {"'=HYPERLINK(1)", "'+49", "ada@example.com", "'-1", "'\tx", 'a "b", c'}
    assert "ada" not in console.call("GET", "/v1/events", key=masked, format="csv")[1]


def test_several_values_are_json_in_one_cell(console: Console) -> None:
    console.key("read", id="bob")

    (bob,) = (each for each in rows(console.call("GET", "/v1/keys", format="csv")[1]) if each["id"] == "bob")

    assert bob["scopes"].startswith('["')
    assert bob["revokedAt"] == ""


def test_what_is_no_list_has_no_format(console: Console) -> None:
    assert console.call("GET", "/v1/status", format="csv")[0] == 400
    assert console.call("GET", "/v1/events", format="xml")[0] == 400
    assert console.call("GET", "/v1/events", format="csv", key="wrong")[2]["Content-Type"].startswith(
        "application/problem+json"
    )
    assert "items" in console.call("GET", "/v1/events", format="json")[1]


def test_keys_are_listed_page_by_page(console: Console) -> None:
    for id in "fedcba":
        console.key("read", id=id)

    _, first, _ = console.call("GET", "/v1/keys", limit="4")
    _, last, _ = console.call("GET", "/v1/keys", limit="4", cursor=first["next"])

    assert [each["id"] for each in first["items"] + last["items"]] == ["f", "e", "d", "c", "b", "a", "ada"]
    assert last["next"] is None
    assert console.call("GET", "/v1/keys", cursor="x")[0] == 400


def test_counts_are_listed_by_hour(console: Console, services: Services) -> None:
    for account in ("crm", "mail"):
        effect = sending(services.db, account=account)
        attempts_sql.close_attempts(services.db, [closing(effect, "accepted", Status.ACCEPTED)])

    _, first, _ = console.call("GET", "/v1/counts", limit="1")
    _, last, _ = console.call("GET", "/v1/counts", limit="1", cursor=first["next"])
    _, of_mail, _ = console.call("GET", "/v1/counts", account="mail", since="2026-01-01T00:00Z", until="2026-01-02")

    assert [(each["account"], each["accepted"], each["attempts"]) for each in first["items"] + last["items"]] == [
        ("crm", 1, 1),
        ("mail", 1, 1),
    ]
    assert last["next"] is None
    assert of_mail == {"items": [], "next": None}
    assert console.call("GET", "/v1/counts", key=console.key("ingest", id="shop"))[0] == 403
    assert console.call("GET", "/v1/counts", since="2026-01-02", until="2026-01-01")[0] == 400


def everything(console: Console) -> str:
    return console.key("ingest", "read", "people", "operate", id="all")

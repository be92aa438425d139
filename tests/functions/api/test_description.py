"""`/openapi.json` has every route, and what it says of their answers is so."""

import gzip
import json
import re
from base64 import b64decode
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from redis import Redis

from drumbeat.api import description
from drumbeat.console.routes import PAGES
from drumbeat.local.template import Template
from functions.console.app import app
from tests.conftest import ROOT, TestDatabase, url_of
from tests.functions.api.runs import RunsConsole, runs_console
from tests.functions.api.test_people import Marked, answer, asked, mark
from tests.fuzz.asked import Json, closed


def path_of(rule: str) -> str:
    return re.sub(r"<(\w+)>", r"{\1}", rule)


# Pages for people, with what only they need; and the routes of the document itself.
UNDOCUMENTED = {
    path_of(f"{method} {key[0]}")
    for pages in (*PAGES, description)
    for key in pages.router._routes
    for method in key[1]
}
STRANGERS = ("/v1/forms/", "/f/", "/c/", "/u/")  # pages that need no key, and say themselves how they are used


@pytest.fixture
def console(
    database: TestDatabase, redis: Redis, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunsConsole]:
    with runs_console(database, url_of(redis), sqs_endpoint, monkeypatch) as console:
        yield console


@pytest.fixture
def marked(console: RunsConsole, database: TestDatabase) -> Marked:
    return mark(console, database)


@cache
def document() -> Json:
    return closed()


def documented() -> set[str]:
    return {f"{method.upper()} {path}" for path, each in document()["paths"].items() for method in each}


def departs(operation: str, status: int, said: object, media_type: str) -> str | None:
    """Return how an answer is other than the document says; None: it is not."""
    method, path = operation.split()
    answers = document()["paths"][path][method.lower()]["responses"]
    if str(status) not in answers:
        return f"{operation}: {status} is not said"
    content = _resolved(answers[str(status)]).get("content", {})
    if media_type not in content:
        return f"{operation}: {status} is not said to be {media_type}"
    schema = {**content[media_type]["schema"], "components": document()["components"]}
    found = [
        error.message[:300] for error in Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(said)
    ]
    return f"{operation}: {found}" if found else None


def _resolved(part: Json) -> Json:
    if "$ref" not in part:
        return part
    name = part["$ref"].rpartition("/")[2]
    resolved: Json = document()["components"]["responses"][name]
    return resolved


# ---------------------------------------------------------------- which routes


def test_every_route_is_in_the_document_and_the_other_way_round() -> None:
    of_console = {path_of(f"{route.method} {route.path}") for route in (*app._static_routes, *app._dynamic_routes)}
    there = {
        f"{route.method} {route.path}": route.function
        for route in Template.load(ROOT / "template.yaml").routes
        if f"{route.method} {route.path}" not in UNDOCUMENTED and not route.path.startswith(("$default", *STRANGERS))
    }

    def unnamed(found: set[str]) -> set[str]:  # the template may call a variable otherwise
        return {re.sub(r"\{\w+\}", "{}", each) for each in found}

    assert documented() == of_console - UNDOCUMENTED | {
        route for route, function in there.items() if function == "ingest"
    }
    assert unnamed(set(there)) <= unnamed(documented())  # the console's are reached by $default


def test_the_document_is_one_of_openapi() -> None:
    ids = [each["operationId"] for operations in document()["paths"].values() for each in operations.values()]

    assert document()["openapi"].startswith("3.1.")
    assert len(ids) == len(set(ids))
    for schema in document()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for reference in re.findall(r'"\$ref":\s*"#/components/(\w+)/(\w+)"', json.dumps(document())):
        assert reference[1] in document()["components"][reference[0]]


def test_the_scopes_that_a_key_needs_are_said() -> None:
    def needs(method: str, path: str) -> Any:
        return document()["paths"][path][method]["security"]

    assert needs("get", "/v1/leads") == [{"apiKey": ["read", "people"]}]
    assert needs("get", "/v1/runs") == [{"apiKey": ["read"]}, {"apiKey": ["propose"]}]
    assert needs("post", "/v1/dlq/redrive") == [{"apiKey": ["operate"]}]
    assert needs("get", "/healthz") == []


# ---------------------------------------------------------------- what they answer


@pytest.mark.parametrize("who", ["people", "blind"])
def test_answers_are_as_the_document_says(marked: Marked, who: str) -> None:
    departures = []
    for route, how in asked(marked).items():
        if (operation := path_of(route)) not in UNDOCUMENTED:
            status, written = answer(marked, route, how, getattr(marked, who))
            said, headers = json.loads(written)
            departures.append(departs(operation, status, said, headers["Content-Type"]))

    assert [each for each in departures if each] == []


def test_answers_about_runs_are_as_the_document_says(console: RunsConsole) -> None:
    console.apply(more="approve: true")
    console.people("ada", "bob", name="Ada")
    people = console.key_of("read", "people", "operate")
    departures = []

    def ask(method: str, operation: str, path: str, body: object = None) -> Any:
        status, said, headers = console.call(method, path, body, key=people)
        departures.append(departs(f"{method} {operation}", status, said, headers["Content-Type"]))
        return said

    run = ask("POST", "/v1/campaigns/{name}/runs", "/v1/campaigns/digest/runs", {"idempotencyKey": "a"})["runId"]
    shown = ask("GET", "/v1/runs/{run_id}", f"/v1/runs/{run}")
    ask("POST", "/v1/runs/{run_id}/approve", f"/v1/runs/{run}/approve", {"hash": "00"})
    ask("POST", "/v1/runs/{run_id}/approve", f"/v1/runs/{run}/approve", {"hash": shown["plan"]["hash"]})
    ask("POST", "/v1/runs/{run_id}/pause", f"/v1/runs/{run}/pause", {"reason": "wait"})
    ask("POST", "/v1/runs/{run_id}/resume", f"/v1/runs/{run}/resume", {"reason": "go on"})
    console.work()
    ask("GET", "/v1/runs/{run_id}", f"/v1/runs/{run}")
    ask("GET", "/v1/runs/{run_id}/recipients", f"/v1/runs/{run}/recipients")
    ask("GET", "/v1/events/{event_id}", f"/v1/events/{run}")
    ask("GET", "/v1/campaigns", "/v1/campaigns")
    ask("GET", "/v1/campaigns/{name}", "/v1/campaigns/digest")
    ask("POST", "/v1/runs/{run_id}/missing", f"/v1/runs/{run}/missing")
    ask("GET", "/v1/leads/{person}", "/v1/leads/ada@example.com")
    ask("GET", "/v1/config", "/v1/config")

    assert [each for each in departures if each] == []


# ---------------------------------------------------------------- how it is handed out


def test_the_document_needs_no_key_and_is_the_one_that_is_kept(console: RunsConsole) -> None:
    status, said, headers = console.call("GET", "/openapi.json", key=None)

    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert said == json.loads(description.SOURCE.read_text())


def test_who_takes_it_compressed_gets_it_so_and_who_has_it_gets_nothing(console: RunsConsole) -> None:
    console.headers = {"accept-encoding": "gzip, br"}
    event: dict[str, Any] = {}
    monitored = console._handler
    console._handler = lambda asked, context: (
        event.setdefault("answer", monitored(asked, context))
        and {
            "statusCode": 200,
            "body": "",
        }
    )
    console.call("GET", "/openapi.json", key=None)
    packed = event["answer"]
    console._handler = monitored

    console.headers = {"if-none-match": packed["headers"]["ETag"]}
    status, body, headers = console.call("GET", "/openapi.json", key=None)

    assert (packed["headers"]["Content-Encoding"], packed["isBase64Encoded"]) == ("gzip", True)
    assert gzip.decompress(b64decode(packed["body"])) == description.SOURCE.read_bytes()
    assert (status, body, headers["ETag"]) == (304, "", packed["headers"]["ETag"])


def test_the_page_has_every_operation_and_model_and_needs_nothing_from_elsewhere(console: RunsConsole) -> None:
    status, html, headers = console.call("GET", "/docs/api", key=None)

    ids = re.findall(r'\bid="([^"]+)"', html)
    operations = {each["operationId"] for path in document()["paths"].values() for each in path.values()}
    assert status == 200
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")
    assert operations | document()["components"]["schemas"].keys() <= set(ids)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(ids)
    assert re.findall(r"<script|<style|\bstyle=|\bon\w+=|src=", html) == []
    assert set(re.findall(r'href="([^#"][^"]*)"', html)) == {"api.css", "../openapi.json"}
    assert console.call("GET", "/docs/api.css", key=None)[2]["Content-Type"] == "text/css; charset=utf-8"

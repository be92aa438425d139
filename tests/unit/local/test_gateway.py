"""The shape of API Gateway's events and answers."""

import base64
import json
from typing import Any

import pytest

from drumbeat.local.gateway import Routes, is_text, request_event, response
from drumbeat.local.template import Route

EVENTS = Route("POST", "/v1/events", "ingest")
ONE = Route("GET", "/v1/events/{id}", "console")
ANY = Route("ANY", "/v1/{proxy+}", "console")
HOOK = Route("POST", "/v1/webhooks/{source}", "ingest")


def scope(method: str = "GET", path: str = "/", query: bytes = b"") -> dict[str, Any]:
    return {"method": method, "path": path, "query_string": query, "client": ("127.0.0.9", 1)}


@pytest.mark.parametrize(
    ("method", "path", "route", "variables"),
    [
        ("POST", "/v1/events", EVENTS, {}),
        ("GET", "/v1/events", ANY, {"proxy": "events"}),
        ("GET", "/v1/events/7", ONE, {"id": "7"}),
        ("GET", "/v1/events/7/8", ANY, {"proxy": "events/7/8"}),
        ("GET", "/v1/7\n8", ANY, {"proxy": "7\n8"}),
        ("GET", "/v1/", ANY, {"proxy": ""}),
        ("POST", "/v1/webhooks/shop", HOOK, {"source": "shop"}),
        ("DELETE", "/v1/webhooks/shop", ANY, {"proxy": "webhooks/shop"}),
    ],
)
def test_the_most_specific_route_wins(method: str, path: str, route: Route, variables: dict[str, str]) -> None:
    assert Routes([ANY, ONE, HOOK, EVENTS]).find(method, path) == (route, variables)


def test_a_path_without_a_route_goes_to_the_default_if_there_is_one() -> None:
    default = Route("ANY", "$default", "console")

    assert Routes([EVENTS]).find("GET", "/else") is None
    assert Routes([EVENTS, default]).find("GET", "/else") == (default, {})


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("text/csv", True),
        ("application/xml", True),
        ("application/javascript", True),
        ("application/problem+json", False),
        ("application/x-www-form-urlencoded", False),
        ("application/octet-stream", False),
        ("", False),
    ],
)
def test_a_body_is_text_only_for_the_types_that_aws_takes_for_text(kind: str, text: bool) -> None:
    assert is_text(kind) is text


def test_a_json_body_arrives_as_text() -> None:
    event = request_event(EVENTS, {}, scope("POST"), [(b"content-type", b"application/json")], b'{"a":1}')

    assert event["body"] == '{"a":1}'
    assert event["isBase64Encoded"] is False


def test_any_other_body_arrives_byte_for_byte_as_base64() -> None:
    raw = bytes(range(256))

    event = request_event(HOOK, {"source": "x"}, scope("POST"), [], raw)

    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == raw


def test_headers_and_parameters_given_twice_are_joined_and_cookies_stand_apart() -> None:
    headers = [(b"x-a", b"1"), (b"x-a", b"2"), (b"cookie", b"c=1; d=2")]

    event = request_event(ANY, {"proxy": "q"}, scope(query=b"a=1&a=2&b=x%20y&c="), headers, b"")

    assert event["headers"] == {"x-a": "1,2"}
    assert event["cookies"] == ["c=1", "d=2"]
    assert event["queryStringParameters"] == {"a": "1,2", "b": "x y", "c": ""}
    assert event["rawQueryString"] == "a=1&a=2&b=x%20y&c="
    assert event["pathParameters"] == {"proxy": "q"}
    assert "body" not in event


def test_the_request_context_names_route_and_caller() -> None:
    context = request_event(ONE, {"id": "7"}, scope("GET", "/v1/events/7"), [(b"user-agent", b"me")], b"")[
        "requestContext"
    ]

    assert context["routeKey"] == "GET /v1/events/{id}"
    assert context["http"] == {
        "method": "GET", "path": "/v1/events/7", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.9", "userAgent": "me",
    }  # fmt: skip


def test_an_answer_keeps_status_headers_and_cookies() -> None:
    answer = {
        "statusCode": 201,
        "headers": {"X-A": "1", "Content-Length": "99"},
        "cookies": ["a=1", "b=2"],
        "body": "é",
    }

    status, headers, body = response(answer)

    assert status == 201
    assert headers == [
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"x-a", b"1"),
        (b"content-type", b"application/json"),
    ]
    assert body == "é".encode()


def test_an_answer_in_base64_is_decoded() -> None:
    assert (
        response({"statusCode": 200, "body": base64.b64encode(b"\x00\xff").decode(), "isBase64Encoded": True})[2]
        == b"\x00\xff"
    )


def test_an_answer_without_a_status_is_the_body_itself() -> None:
    assert response({"hello": 1}) == (200, [(b"content-type", b"application/json")], json.dumps({"hello": 1}).encode())

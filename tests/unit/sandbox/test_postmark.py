"""Postmark, as its documentation describes it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest

from tests.unit.sandbox.sandbox_process import Reply, SandboxProcess

TOKEN = {"x_postmark_server_token": "server"}


def send(sandbox: SandboxProcess, effect: str, **mail: Any) -> Reply:
    whole = {
        "From": "Ada <ada@example.com>",
        "To": "bob@example.org",
        "Subject": "Hello",
        "TextBody": "It works.",
        "Metadata": {"effect_id": effect},
    }
    return sandbox.call("POST", "/postmark/email", whole | mail, **TOKEN, content_type="application/json")


def search(sandbox: SandboxProcess, **query: str) -> Reply:
    whole = urlencode({"count": "10", "offset": "0"} | query)
    return sandbox.call("GET", f"/postmark/messages/outbound?{whole}", **TOKEN)


def test_a_message_is_accepted_under_an_id_of_postmarks(sandbox: SandboxProcess) -> None:
    reply = send(sandbox, "p-1")

    assert reply.status == 200
    assert (reply.json["ErrorCode"], reply.json["Message"], reply.json["To"]) == (0, "OK", "bob@example.org")
    assert reply.json["MessageID"]


def test_a_repeat_is_a_second_mail_because_there_is_no_idempotency(sandbox: SandboxProcess) -> None:
    send(sandbox, "p-2")
    send(sandbox, "p-2")

    assert sandbox.done("p-2") == 2


@pytest.mark.parametrize(
    ("mail", "code"),
    [
        ({"From": "Inc., Fernwood <a@example.com>"}, 300),
        ({"To": ""}, 300),
        ({"To": "bob"}, 300),
        ({"To": ", ".join(f"b{n}@example.org" for n in range(51))}, 300),
        ({"ReplyTo": "bob"}, 300),
        ({"TextBody": ""}, 300),
        ({"Tag": "t" * 1001}, 300),
        ({"TrackLinks": "Some"}, 403),
        ({"Metadata": {"effect_id": "e" * 81}}, 300),
        ({"Metadata": {"effect_id": 7}}, 403),
    ],
)
def test_a_bad_message_is_refused_with_a_code(sandbox: SandboxProcess, mail: dict[str, Any], code: int) -> None:
    reply = send(sandbox, "p-3", **mail)

    assert (reply.status, reply.json["ErrorCode"]) == (422, code)
    assert sandbox.done("p-3") == 0


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [(b"{", "application/json", 402), (b"[]", "application/json", 403), (b"{}", "text/plain", 409)],
)
def test_what_is_no_json_object_is_refused(sandbox: SandboxProcess, content: bytes, kind: str, code: int) -> None:
    reply = sandbox.call("POST", "/postmark/email", content, **TOKEN, content_type=kind)

    assert (reply.status, reply.json["ErrorCode"]) == (422, code)


def test_without_a_token_nothing_is_done(sandbox: SandboxProcess) -> None:
    reply = sandbox.call("POST", "/postmark/email", {}, content_type="application/json")

    assert (reply.status, reply.json["ErrorCode"]) == (401, 10)


def test_messages_are_found_by_their_metadata(sandbox: SandboxProcess) -> None:
    id = send(sandbox, "p-4", Tag="news").json["MessageID"]
    send(sandbox, "p-5")

    found = search(sandbox, metadata_effect_id="p-4").json

    assert found["TotalCount"] == 1
    assert [(one["MessageID"], one["Metadata"], one["Tag"]) for one in found["Messages"]] == [
        (id, {"effect_id": "p-4"}, "news")
    ]


def test_a_search_sees_one_stream(sandbox: SandboxProcess) -> None:
    send(sandbox, "p-6", MessageStream="broadcast")

    assert search(sandbox, metadata_effect_id="p-6").json["TotalCount"] == 0
    assert search(sandbox, metadata_effect_id="p-6", messagestream="broadcast").json["TotalCount"] == 1


def test_dates_are_those_of_new_york(sandbox: SandboxProcess) -> None:
    send(sandbox, "p-7")
    now = datetime.now(UTC).astimezone(ZoneInfo("America/New_York")).replace(tzinfo=None)

    def found(fromdate: datetime) -> int:
        count: int = search(sandbox, metadata_effect_id="p-7", fromdate=fromdate.isoformat()).json["TotalCount"]
        return count

    assert found(now - timedelta(hours=1)) == 1
    assert found(now + timedelta(hours=1)) == 0


def test_a_message_shows_after_the_lag_and_until_the_end_of_retention(sandbox: SandboxProcess) -> None:
    send(sandbox, "p-8")
    sandbox.inject("lookup_lag", seconds=60)
    lagging = search(sandbox, metadata_effect_id="p-8").json["TotalCount"]
    sandbox.shift(70)
    shown = search(sandbox, metadata_effect_id="p-8").json["TotalCount"]
    sandbox.inject("lookup_retention", seconds=65)
    kept = search(sandbox, metadata_effect_id="p-8").json["TotalCount"]

    assert (lagging, shown, kept) == (0, 1, 0)


@pytest.mark.parametrize(
    "query",
    [{"count": "0"}, {"count": "501"}, {"count": "x"}, {"offset": "-1"}, {"offset": "9991"}, {"fromdate": "yesterday"}],
)
def test_a_search_that_is_not_valid_is_refused(sandbox: SandboxProcess, query: dict[str, str]) -> None:
    assert search(sandbox, **query).status == 422


def test_another_path_is_not_there(sandbox: SandboxProcess) -> None:
    assert sandbox.call("GET", "/postmark/bounces", **TOKEN).status == 404

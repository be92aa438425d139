import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from drumbeat.core.actions import SendEmail, Tracking
from drumbeat.core.outcomes import Absent, Accepted, Denied, Found, Refused, Throttled, Unclear, Unknown
from drumbeat.core.request import Reply
from drumbeat.providers.base import Query
from drumbeat.providers.postmark import Postmark
from tests.unit.providers.adapters import KEY, NOW, UNREADABLE, reply, target

POSTMARK = Postmark()
ACCOUNT = target(POSTMARK, **{"from": "Ada <ada@example.com>"})
MAIL = SendEmail("grace@example.org", "Grüße & more", "plain", "<b>bold</b>", {"X-Flow": "welcome"}, "news")
SUCCESS = {"To": "grace@example.org", "MessageID": "b7bc2f4a", "ErrorCode": 0, "Message": "OK"}


def body(mail: SendEmail = MAIL, **settings: str) -> dict[str, Any]:
    account = target(POSTMARK, **({"from": "Ada <ada@example.com>"} | settings))
    built: dict[str, Any] = json.loads(POSTMARK.build(account, mail, key=KEY).body)
    return built


def refused(code: object, status: int = 422) -> Reply:
    return reply(status, {"ErrorCode": code, "Message": "grace@example.org is not what we want"})


def message(key: str = KEY, id: str = "m-1") -> dict[str, Any]:
    return {"MessageID": id, "Metadata": {"effect_id": key}}


def listed(*messages: object, total: int | None = None) -> dict[str, Any]:
    return {"TotalCount": len(messages) if total is None else total, "Messages": list(messages)}


def test_the_mail_is_json_that_carries_the_key_as_metadata() -> None:
    request = POSTMARK.build(ACCOUNT, MAIL, key=KEY)

    assert (request.method, request.url) == ("POST", "https://api.postmarkapp.com/email")
    assert request.headers == {"accept": "application/json", "content-type": "application/json"}
    assert json.loads(request.body) == {
        "From": "Ada <ada@example.com>",
        "To": "grace@example.org",
        "Subject": "Grüße & more",
        "TextBody": "plain",
        "HtmlBody": "<b>bold</b>",
        "Headers": [{"Name": "X-Flow", "Value": "welcome"}],
        "Tag": "news",
        "Metadata": {"effect_id": KEY},
        "MessageStream": "outbound",
    }


@pytest.mark.point(45)
def test_the_same_mail_under_the_same_key_is_the_same_bytes() -> None:
    assert POSTMARK.build(ACCOUNT, MAIL, key=KEY) == POSTMARK.build(ACCOUNT, MAIL, key=KEY)


def test_a_mail_may_be_text_only_and_belong_to_no_list() -> None:
    built = body(SendEmail("a@b.example", "s", "t"))

    assert built.keys() & {"HtmlBody", "Headers", "ReplyTo", "TrackOpens", "TrackLinks"} == set()
    assert built["Tag"] == "drumbeat"


def test_a_stream_is_what_the_account_says() -> None:
    assert body(stream="broadcast")["MessageStream"] == "broadcast"


@pytest.mark.parametrize(("clicks", "links"), [(True, "HtmlAndText"), (False, "None")])
def test_what_is_tracked_is_said_where_the_configuration_says_it(clicks: bool, links: str) -> None:
    built = body(SendEmail("a@b.example", "s", text="t", tracking=Tracking(opens=False, clicks=clicks)))

    assert (built["TrackOpens"], built["TrackLinks"]) == (False, links)


def test_nothing_in_a_mail_can_add_a_field_or_take_the_message_id() -> None:
    headers = {"message-id": "<mine>", "Reply-To": "ada@b.example", "X-A": 'x", "Bcc": "y@b.example'}

    built = body(SendEmail('a@b.example", "Cc": "x@b.example', 's"\r\nbcc: x', "t", None, headers))

    assert built.keys() & {"Cc", "Bcc"} == set()
    assert built["To"] == 'a@b.example", "Cc": "x@b.example'
    assert built["ReplyTo"] == "ada@b.example"
    assert built["Headers"] == [{"Name": "X-A", "Value": 'x", "Bcc": "y@b.example'}]


def test_a_tag_is_no_longer_than_postmark_takes() -> None:
    assert len(body(SendEmail("a@b.example", "s", "t", list="n" * 1001))["Tag"]) == 1000


def test_signing_adds_the_server_token_and_nothing_else() -> None:
    request = POSTMARK.build(ACCOUNT, MAIL, key=KEY)

    signed = POSTMARK.sign(request, {"server_token": "secret\n"}, key=KEY, now=NOW)

    assert signed.headers == {**request.headers, "x-postmark-server-token": "secret"}
    assert (signed.method, signed.url, signed.body) == (request.method, request.url, request.body)


def test_success_is_the_message_id() -> None:
    assert POSTMARK.read(reply(200, SUCCESS)) == Accepted("b7bc2f4a")


@pytest.mark.point(40)
@pytest.mark.parametrize(
    "body",
    [
        *UNREADABLE,
        {"MessageID": "m"},
        {"ErrorCode": 0},
        {"ErrorCode": 0, "MessageID": ""},
        {"ErrorCode": False, "MessageID": "m"},
        {"ErrorCode": 300, "MessageID": "m"},
        {"ErrorCode": 100},
    ],
)
@pytest.mark.parametrize("status", [200, 202])
def test_a_success_that_is_not_complete_is_unknown(status: int, body: object) -> None:
    assert isinstance(POSTMARK.read(reply(status, body)), Unknown)


@pytest.mark.point(43)
@pytest.mark.parametrize("code", [300, 402, 403, 406, 409, 410, 411, 1235])
def test_a_documented_refusal_is_final_and_quotes_no_address(code: int) -> None:
    outcome = POSTMARK.read(refused(code))

    assert isinstance(outcome, Refused)
    assert outcome.reason.startswith(f"error code {code}: ")
    assert "grace" not in outcome.reason


def test_an_inactive_recipient_is_told_what_to_do() -> None:
    outcome = POSTMARK.read(refused(406))

    assert isinstance(outcome, Refused)
    assert "reactivate it there" in outcome.reason


def test_a_mail_that_is_too_large_is_refused() -> None:
    assert isinstance(POSTMARK.read(reply(413)), Refused)


@pytest.mark.point(42)
@pytest.mark.parametrize(
    ("code", "of_message"), [(10, False), (400, False), (401, False), (405, False), (412, True), (413, False)]
)
def test_what_the_account_may_not_do_concerns_the_account(code: int, of_message: bool) -> None:
    outcome = POSTMARK.read(refused(code))

    assert isinstance(outcome, Denied)
    assert outcome.of_message is of_message
    assert "grace" not in outcome.reason


@pytest.mark.point(42)
@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_concern_the_account(status: int) -> None:
    assert isinstance(POSTMARK.read(refused(10, status)), Denied)


@pytest.mark.point(41)
def test_too_many_requests_throttle_the_account() -> None:
    assert POSTMARK.read(reply(429)) == Throttled("HTTP 429: too many requests", None)
    assert POSTMARK.read(reply(429, headers={"retry-after": "9"})) == Throttled("HTTP 429: too many requests", 9.0)


@pytest.mark.parametrize("status", [422, 503])
def test_maintenance_throttles_the_account(status: int) -> None:
    assert isinstance(POSTMARK.read(refused(100, status)), Throttled)


@pytest.mark.point(39)
@pytest.mark.parametrize("status", [101, 204, 302, 400, 402, 404, 408, 409, 422, 500, 502, 503, 504])
def test_everything_else_may_have_been_sent(status: int) -> None:
    assert isinstance(POSTMARK.read(reply(status, SUCCESS)), Unknown)


@pytest.mark.parametrize("code", [None, "300", True, -1, 0])
def test_a_422_without_a_code_may_have_been_sent(code: object) -> None:
    assert isinstance(POSTMARK.read(refused(code)), Unknown)


@pytest.mark.point(47)
@pytest.mark.parametrize(
    ("since", "fromdate"),
    [
        (NOW, "2026-03-01T05:00:00"),
        (datetime(2026, 7, 1, 12, tzinfo=UTC), "2026-07-01T06:00:00"),
        # 01:30 for the first time, and an hour later for the second: both from before there are two.
        (datetime(2026, 11, 1, 5, 30, tzinfo=UTC), "2026-10-31T23:30:00"),
        (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), "2026-11-01T00:30:00"),
    ],
)
def test_the_search_asks_for_our_key_in_eastern_time(since: datetime, fromdate: str) -> None:
    request = POSTMARK.build_lookup(ACCOUNT, key=KEY, since=since)

    url = urlsplit(request.url)
    assert (request.method, url.path, request.body) == ("GET", "/messages/outbound", b"")
    assert dict(parse_qsl(url.query)) == {
        "count": "10",
        "offset": "0",
        "metadata_effect_id": KEY,
        "messagestream": "outbound",
        "fromdate": fromdate,
    }


@pytest.mark.point(48)
@pytest.mark.parametrize(
    ("found", "look"),
    [
        (listed(), Absent()),
        (listed(message()), Found("m-1", 1)),
        (listed(message(), message()), Found("m-1", 1)),  # one message, listed twice
        (listed(message(), message(id="m-2")), Found("m-1", 2)),
    ],
)
def test_messages_are_counted(found: object, look: object) -> None:
    assert POSTMARK.read_lookup(reply(200, found), key=KEY) == look


@pytest.mark.point(48)
@pytest.mark.parametrize(
    "answer",
    [
        reply(200, listed(message("other"))),
        reply(200, listed(message(), message("other"))),
        reply(200, listed(message(), {"MessageID": "m-2"})),
        reply(200, listed("m-1")),
        reply(200, listed(total=3)),
        reply(200, {"Messages": []}),
        reply(200, {"TotalCount": 0}),
        reply(200, b"<html>"),
        reply(401, listed()),
        reply(429, listed()),
        reply(500, listed()),
    ],
)
def test_a_search_that_fails_or_finds_something_else_is_unclear(answer: Reply) -> None:
    assert isinstance(POSTMARK.read_lookup(answer, key=KEY), Unclear)


def test_an_unknown_outcome_is_searched_for_within_what_is_surely_kept() -> None:
    repeat = POSTMARK.repeat(ACCOUNT)

    assert repeat == Query((timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10)), timedelta(days=7))


def test_another_stream_is_another_login() -> None:
    other = target(POSTMARK, **{"from": "ada@example.com", "stream": "broadcast"})

    assert POSTMARK.identity(ACCOUNT) == "postmark https://api.postmarkapp.com outbound"
    assert POSTMARK.identity(other) == "postmark https://api.postmarkapp.com broadcast"


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({"from": "Ada <ada@example.com>"}, 0),
        ({"from": "ada@example.com", "stream": "broadcast"}, 0),
        ({"from": "ada@example.com", "stream": "my stream"}, 1),
        ({"from": "ada@example.com", "stream": ""}, 1),
        ({"from": "ada", "stream": "x" * 31, "base_url": "nowhere"}, 3),
    ],
)
def test_settings_that_cannot_work_are_named(settings: dict[str, str], count: int) -> None:
    assert len(POSTMARK.problems(settings)) == count

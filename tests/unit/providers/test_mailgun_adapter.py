from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from drumbeat.core.actions import SendEmail, Tracking
from drumbeat.core.outcomes import Absent, Accepted, Denied, Found, Refused, Throttled, Unclear, Unknown
from drumbeat.core.request import Reply
from drumbeat.providers.base import Query
from drumbeat.providers.mailgun import Mailgun
from tests.unit.providers.adapters import KEY, NOW, UNREADABLE, reply, target

MAILGUN = Mailgun()
ACCOUNT = target(MAILGUN, domain="mg.example.com", **{"from": "Ada <ada@example.com>"})
MAIL = SendEmail("grace@example.org", "Grüße & more", "plain", "<b>bold</b>", {"X-Flow": "welcome"}, "news")
SUCCESS = {"id": f"<{KEY}@mg.example.com>", "message": "Queued. Thank you."}


def event(key: str = KEY, id: str = "a1") -> dict[str, Any]:
    return {"event": "accepted", "id": id, "message": {"headers": {"message-id": f"{key}@mg.example.com"}}}


def test_the_mail_is_a_form_that_carries_the_key_three_times_over() -> None:
    request = MAILGUN.build(ACCOUNT, MAIL, key=KEY)

    assert (request.method, request.url) == ("POST", "https://api.mailgun.net/v3/mg.example.com/messages")
    assert request.headers == {"content-type": "application/x-www-form-urlencoded"}
    assert parse_qsl(request.body.decode()) == [
        ("from", "Ada <ada@example.com>"),
        ("to", "grace@example.org"),
        ("subject", "Grüße & more"),
        ("text", "plain"),
        ("html", "<b>bold</b>"),
        ("h:X-Flow", "welcome"),
        ("h:Message-Id", f"<{KEY}@mg.example.com>"),
        ("v:effect-id", KEY),
        ("o:tag", "news"),
    ]


@pytest.mark.point(45)
def test_the_same_mail_under_the_same_key_is_the_same_bytes() -> None:
    assert MAILGUN.build(ACCOUNT, MAIL, key=KEY) == MAILGUN.build(ACCOUNT, MAIL, key=KEY)


def test_a_mail_may_be_text_only_and_belong_to_no_list() -> None:
    fields = dict(parse_qsl(MAILGUN.build(ACCOUNT, SendEmail("a@b.test", "s", "t"), key=KEY).body.decode()))

    assert "html" not in fields
    assert fields["o:tag"] == "drumbeat"


def test_what_is_tracked_is_said_where_the_configuration_says_it() -> None:
    mail = SendEmail("a@b.example", "s", text="t", tracking=Tracking(opens=False, clicks=True))

    fields = dict(parse_qsl(MAILGUN.build(ACCOUNT, mail, key=KEY).body.decode()))

    assert (fields["o:tracking-opens"], fields["o:tracking-clicks"]) == ("no", "yes")


def test_nothing_in_a_mail_can_add_a_field_or_take_the_message_id() -> None:
    mail = SendEmail("a@b.test&o:testmode=yes", "s\r\nbcc: x", "t&to=x", None, {"message-id": "<mine>"})

    fields = parse_qsl(MAILGUN.build(ACCOUNT, mail, key=KEY).body.decode())

    assert [name for name, _ in fields] == ["from", "to", "subject", "text", "h:Message-Id", "v:effect-id", "o:tag"]
    assert dict(fields)["to"] == "a@b.test&o:testmode=yes"


def test_signing_adds_basic_credentials_and_nothing_else() -> None:
    request = MAILGUN.build(ACCOUNT, MAIL, key=KEY)

    signed = MAILGUN.sign(request, {"api_key": "secret\n"}, key=KEY, now=NOW)

    assert signed.headers == {**request.headers, "authorization": "Basic YXBpOnNlY3JldA=="}
    assert (signed.method, signed.url, signed.body) == (request.method, request.url, request.body)


def test_success_is_the_message_id() -> None:
    assert MAILGUN.read(reply(200, SUCCESS)) == Accepted(f"{KEY}@mg.example.com")


@pytest.mark.point(40)
@pytest.mark.parametrize("body", [*UNREADABLE, {"id": "<x@y>"}, {"message": "Queued."}, {"id": "", "message": "x"}])
@pytest.mark.parametrize("status", [200, 202])
def test_a_success_that_is_not_complete_is_unknown(status: int, body: object) -> None:
    assert isinstance(MAILGUN.read(reply(status, body)), Unknown)


@pytest.mark.point(43)
@pytest.mark.parametrize("status", [400, 404, 413])
def test_a_documented_refusal_is_final_and_quotes_nobody(status: int) -> None:
    outcome = MAILGUN.read(reply(status, {"message": "to parameter grace@example.org is not valid"}))

    assert isinstance(outcome, Refused)
    assert "grace" not in outcome.reason


@pytest.mark.point(42)
@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_concern_the_account(status: int) -> None:
    assert isinstance(MAILGUN.read(reply(status, b"Forbidden")), Denied)


@pytest.mark.point(41)
def test_too_many_requests_throttle_the_account() -> None:
    assert MAILGUN.read(reply(429)) == Throttled("HTTP 429: too many requests", None)
    assert MAILGUN.read(reply(429, headers={"retry-after": "9"})) == Throttled("HTTP 429: too many requests", 9.0)


@pytest.mark.point(39)
@pytest.mark.parametrize("status", [101, 204, 302, 402, 408, 409, 500, 502, 503, 504])
def test_everything_else_may_have_been_sent(status: int) -> None:
    assert isinstance(MAILGUN.read(reply(status, SUCCESS)), Unknown)


@pytest.mark.point(47)
def test_the_search_asks_for_the_acceptance_of_our_own_message_id() -> None:
    request = MAILGUN.build_lookup(ACCOUNT, key=KEY, since=NOW)

    url = urlsplit(request.url)
    assert (request.method, url.path, request.body) == ("GET", "/v3/mg.example.com/events", b"")
    assert dict(parse_qsl(url.query)) == {
        "event": "accepted",
        "message-id": f"{KEY}@mg.example.com",
        "begin": str(int(NOW.timestamp()) - 600),
        "ascending": "yes",
        "limit": "10",
    }


@pytest.mark.point(48)
@pytest.mark.parametrize(
    ("items", "look"),
    [
        ([], Absent()),
        ([event()], Found(f"{KEY}@mg.example.com", 1)),
        ([event(), event()], Found(f"{KEY}@mg.example.com", 1)),  # one event, listed twice
        ([event(), event(id="a2")], Found(f"{KEY}@mg.example.com", 2)),
    ],
)
def test_acceptances_are_counted(items: list[Any], look: object) -> None:
    assert MAILGUN.read_lookup(reply(200, {"items": items, "paging": {}}), key=KEY) == look


@pytest.mark.point(48)
@pytest.mark.parametrize(
    "answer",
    [
        *(reply(200, body) for body in UNREADABLE),
        *(reply(status, {"items": []}) for status in (301, 400, 401, 403, 404, 429, 500, 503)),
        reply(200, {"items": {}}),
        reply(200, {"items": [event("other")]}),  # the filter was ignored
        reply(200, {"items": [event(), event("other")]}),
        reply(200, {"items": [event(KEY + "0")]}),
        reply(200, {"items": [None, "x", {"message": []}]}),
    ],
)
def test_a_search_that_did_not_work_proves_nothing(answer: Reply) -> None:
    assert isinstance(MAILGUN.read_lookup(answer, key=KEY), Unclear)


def test_an_unknown_outcome_is_searched_for_within_three_days() -> None:
    assert MAILGUN.repeat(ACCOUNT) == Query(
        (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30)), timedelta(days=3)
    )


def test_region_and_domain_are_the_identity() -> None:
    europe = target(MAILGUN, domain="mg.example.com", base_url="https://api.eu.mailgun.net")

    assert MAILGUN.identity(ACCOUNT) == "mailgun https://api.mailgun.net mg.example.com"
    assert MAILGUN.identity(europe) != MAILGUN.identity(ACCOUNT)


def test_wrong_settings_are_named() -> None:
    assert MAILGUN.problems({"domain": "mg.example.com", "from": "ada@example.com"}) == []
    assert MAILGUN.problems({}) == []  # what is missing is said elsewhere
    problems = MAILGUN.problems({"domain": "https://mg.example.com/", "from": "Ada", "base_url": "api"})
    assert [problem.split()[0] for problem in problems] == ["base_url", "domain", "from"]


@pytest.mark.parametrize(
    ("message", "details"),
    [
        ("to parameter is not a valid address. please check documentation", " (to)"),
        ("'from' parameter is not a valid address. please check documentation", " (from)"),
        ("grace@example.org parameter is not a valid address", ""),
        ("grace is not to parameterise", ""),
    ],
)
def test_a_refusal_names_the_parameter_and_no_value(message: str, details: str) -> None:
    assert MAILGUN.read(reply(400, {"message": message})) == Refused(
        f"HTTP 400: an address or a parameter is not valid{details}"
    )


def test_a_list_is_a_tag_that_mailgun_takes() -> None:
    mail = SendEmail("a@b.test", "s", "t", list="Größe " + "x" * 200)

    (tag,) = [
        value for name, value in parse_qsl(MAILGUN.build(ACCOUNT, mail, key=KEY).body.decode()) if name == "o:tag"
    ]
    assert tag == ("Gr--e " + "x" * 200)[:128]

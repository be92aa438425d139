import json
from datetime import timedelta

import pytest

from drumbeat.core.actions import SendEmail
from drumbeat.core.outcomes import Accepted, Denied, Refused, Throttled, Unclear, Unknown
from drumbeat.providers.base import NativeKey
from drumbeat.providers.resend import Resend
from tests.unit.providers.adapters import KEY, NOW, UNREADABLE, reply, target

RESEND = Resend()
ACCOUNT = target(RESEND, **{"from": "Ada <ada@example.com>"})
MAIL = SendEmail("grace@example.org", "Hello", "plain", "<b>bold</b>", {"X-Flow": "welcome"})


def error(name: str) -> dict[str, object]:
    return {"statusCode": 0, "name": name, "message": "about grace@example.org"}


def test_the_mail_is_json_under_an_idempotency_key() -> None:
    request = RESEND.build(ACCOUNT, MAIL, key=KEY)

    assert (request.method, request.url) == ("POST", "https://api.resend.com/emails")
    assert request.headers == {"content-type": "application/json", "idempotency-key": KEY}
    assert json.loads(request.body) == {
        "from": "Ada <ada@example.com>",
        "to": ["grace@example.org"],
        "subject": "Hello",
        "text": "plain",
        "html": "<b>bold</b>",
        "headers": {"X-Flow": "welcome"},
        "tags": [{"name": "effect-id", "value": KEY.replace(".", "-")}],
    }


@pytest.mark.point(45)
def test_the_same_mail_under_the_same_key_is_the_same_bytes() -> None:
    assert RESEND.build(ACCOUNT, MAIL, key=KEY) == RESEND.build(ACCOUNT, MAIL, key=KEY)


def test_what_a_mail_does_not_have_is_left_out() -> None:
    body = json.loads(RESEND.build(ACCOUNT, SendEmail("a@b.test", "s", "t"), key=KEY).body)

    assert set(body) == {"from", "to", "subject", "text", "tags"}


def test_nothing_in_a_mail_can_break_out_of_its_field() -> None:
    mail = SendEmail('a@b.test","bcc":"x', 'quo"te\r\n', "t")

    body = json.loads(RESEND.build(ACCOUNT, mail, key=KEY).body)

    assert body["to"] == ['a@b.test","bcc":"x']
    assert "bcc" not in body


def test_signing_adds_the_token_and_nothing_else() -> None:
    request = RESEND.build(ACCOUNT, MAIL, key=KEY)

    signed = RESEND.sign(request, {"api_key": "re_1"}, key=KEY, now=NOW)

    assert signed.headers == {**request.headers, "authorization": "Bearer re_1"}
    assert signed.body == request.body


def test_success_is_the_mails_id() -> None:
    assert RESEND.read(reply(200, {"id": "49a3999c"})) == Accepted("49a3999c")


@pytest.mark.point(40)
@pytest.mark.parametrize("body", [*UNREADABLE, {"id": ""}, error("application_error")])
def test_a_success_that_is_not_complete_is_unknown(body: object) -> None:
    assert isinstance(RESEND.read(reply(200, body)), Unknown)


@pytest.mark.point(43)
@pytest.mark.parametrize("status", [400, 404, 405, 422])
def test_a_documented_refusal_is_final_and_quotes_nobody(status: int) -> None:
    outcome = RESEND.read(reply(status, error("validation_error")))

    assert isinstance(outcome, Refused)
    assert "grace" not in outcome.reason


@pytest.mark.point(42)
@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_concern_the_account(status: int) -> None:
    assert isinstance(RESEND.read(reply(status, error("validation_error"))), Denied)


@pytest.mark.point(44)
def test_a_key_still_in_use_is_waited_for_with_the_same_key() -> None:
    outcome = RESEND.read(reply(409, error("concurrent_idempotent_requests")))

    assert isinstance(outcome, Unknown)
    assert outcome.repeatable


@pytest.mark.point(45)
def test_a_key_used_with_other_bytes_is_never_repeated() -> None:
    outcome = RESEND.read(reply(409, error("invalid_idempotent_request")))

    assert isinstance(outcome, Unknown)
    assert not outcome.repeatable


@pytest.mark.point(41)
@pytest.mark.parametrize(
    ("name", "headers", "pause"),
    [
        ("rate_limit_exceeded", {}, None),
        ("rate_limit_exceeded", {"retry-after": "1"}, 1.0),
        ("rate_limit_exceeded", {"ratelimit-reset": "2"}, 2.0),
        ("daily_quota_exceeded", {"retry-after": "1"}, 3600.0),
        ("daily_quota_exceeded", {"retry-after": "7200"}, 7200.0),
        ("monthly_quota_exceeded", {}, 21600.0),
    ],
)
def test_too_many_requests_throttle_and_quotas_throttle_for_long(
    name: str, headers: dict[str, str], pause: float | None
) -> None:
    outcome = RESEND.read(reply(429, error(name), headers))

    assert isinstance(outcome, Throttled)
    assert outcome.retry_after == pause


@pytest.mark.point(39)
@pytest.mark.parametrize("status", [201, 302, 408, 409, 451, 500, 502, 503])
def test_everything_else_may_have_been_sent(status: int) -> None:
    assert RESEND.read(reply(status, error("application_error"))) in (
        Unknown(f"HTTP {status}"),
        Unknown(f"HTTP {status}, but not the documented success"),
    )


@pytest.mark.point(44)
def test_a_repeat_is_safe_for_a_day_less_an_hour() -> None:
    assert RESEND.repeat(ACCOUNT) == NativeKey(timedelta(hours=24), timedelta(hours=1))


def test_there_is_no_search() -> None:
    assert RESEND.build_lookup(ACCOUNT, key=KEY, since=NOW) is None
    assert isinstance(RESEND.read_lookup(reply(200, {}), key=KEY), Unclear)


def test_wrong_settings_are_named() -> None:
    assert RESEND.problems({"from": "ada@example.com"}) == []
    assert [problem.split()[0] for problem in RESEND.problems({"from": "Ada", "base_url": ""})] == ["base_url", "from"]


@pytest.mark.parametrize(
    ("error", "details"),
    [
        ({"name": "validation_error", "message": "Invalid `to` field. grace@example.org"}, " (validation_error, to)"),
        ({"name": "invalid_from_address", "message": "Invalid `from` field."}, " (invalid_from_address, from)"),
        ({"name": "validation_error", "message": "`grace` and `hopper`"}, " (validation_error)"),
        ({"name": "Grace Hopper", "message": "`grace@example.org`"}, ""),
        ({"name": 7, "message": {}}, ""),
    ],
)
def test_a_refusal_names_the_error_and_the_field_and_no_value(error: dict[str, object], details: str) -> None:
    outcome = RESEND.read(reply(422, error))

    assert outcome == Refused(f"HTTP 422: an address or a parameter is missing or not valid{details}")

import json
from datetime import timedelta
from email.header import decode_header, make_header
from typing import Any

import pytest

from drumbeat.core.actions import SendEmail
from drumbeat.core.configuration import Limit
from drumbeat.core.outcomes import Accepted, Denied, Outcome, Refused, Throttled, Unclear, Unknown
from drumbeat.core.request import Reply
from drumbeat.infrastructure.aws_signature import Credentials, sign
from drumbeat.providers.base import Feedback, Target
from drumbeat.providers.ses import Ses
from tests.unit.providers.adapters import KEY, NOW, UNREADABLE, reply, target

SES = Ses()
SETTINGS = {"region": "eu-central-1", "from": "Ada <ada@example.com>", "configuration_set": "marketing"}
ACCOUNT = target(SES, **SETTINGS)
MAIL = SendEmail("grace@example.org", "Hello", "plain", "<b>bold</b>", {"X-Flow": "welcome"})
SECRETS = {"access_key_id": "AKID", "secret_access_key": "secret"}


def built(mail: SendEmail, account: Target = ACCOUNT) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(SES.build(account, mail, key=KEY).body)
    return content


def read(status: int, error: str, message: str = "about grace@example.org", **headers: str) -> Outcome:
    return SES.read(reply(status, {"message": message}, {"x-amzn-errortype": f"{error}:", **headers}))


def test_the_mail_is_json_to_the_region_of_the_account() -> None:
    request = SES.build(ACCOUNT, MAIL, key=KEY)

    assert (request.method, request.url) == (
        "POST",
        "https://email.eu-central-1.amazonaws.com/v2/email/outbound-emails",
    )
    assert request.headers == {"content-type": "application/json"}
    assert json.loads(request.body) == {
        "FromEmailAddress": "Ada <ada@example.com>",
        "Destination": {"ToAddresses": ["grace@example.org"]},
        "Content": {
            "Simple": {
                "Subject": {"Data": "Hello", "Charset": "UTF-8"},
                "Body": {
                    "Text": {"Data": "plain", "Charset": "UTF-8"},
                    "Html": {"Data": "<b>bold</b>", "Charset": "UTF-8"},
                },
                "Headers": [{"Name": "X-Flow", "Value": "welcome"}, {"Name": "X-Drumbeat-Effect", "Value": KEY}],
            }
        },
        "EmailTags": [{"Name": "effect-id", "Value": KEY.replace(".", "-")}],
        "ConfigurationSetName": "marketing",
    }


def test_the_same_mail_under_the_same_key_is_the_same_bytes() -> None:
    mail = SendEmail("Jürgen <j@example.org>", "Grüße", "t", headers={"X-Note": "schön " * 30})

    assert SES.build(ACCOUNT, mail, key=KEY) == SES.build(ACCOUNT, mail, key=KEY)


def test_what_a_mail_does_not_have_is_left_out() -> None:
    content = built(SendEmail("a@b.test", "s", "t"))

    assert set(content["Content"]["Simple"]["Body"]) == {"Text"}
    assert "ReplyToAddresses" not in content


def test_headers_that_ses_sets_go_where_it_wants_them() -> None:
    content = built(SendEmail("a@b.test", "s", "t", headers={"Reply-To": "Ada <a@b.test>", "message-id": "<x@y>"}))

    assert content["ReplyToAddresses"] == ["Ada <a@b.test>"]
    assert [header["Name"] for header in content["Content"]["Simple"]["Headers"]] == ["X-Drumbeat-Effect"]


def test_names_and_headers_are_ascii_and_say_the_same() -> None:
    name, note = "Jürgen Groß " * 8, "schön " * 30

    content = built(SendEmail(f"{name.strip()} <j@example.org>", "Grüße", "t", headers={"X-Note": note.strip()}))

    (to,) = content["Destination"]["ToAddresses"]
    headers = {header["Name"]: header["Value"] for header in content["Content"]["Simple"]["Headers"]}
    assert to.isascii()
    assert str(make_header(decode_header(to))) == f"{name.strip()} <j@example.org>"
    assert headers["X-Note"].isascii()
    assert headers["X-Note"].isprintable()
    assert str(make_header(decode_header(headers["X-Note"]))) == note.strip()
    assert all(len(word) <= 75 for word in headers["X-Note"].split())


def test_nothing_in_a_mail_can_break_out_of_its_field() -> None:
    content = built(SendEmail('a@b.test","CcAddresses":["x', 'quo"te\r\n', "t"))

    assert content["Destination"] == {"ToAddresses": ['a@b.test","CcAddresses":["x']}


def test_signing_adds_the_signature_of_aws_for_the_region_of_the_host() -> None:
    request = SES.build(ACCOUNT, MAIL, key=KEY)
    host = "email.eu-central-1.amazonaws.com"

    signed = SES.sign(request, SECRETS, key=KEY, now=NOW)

    assert signed.headers == sign(
        {"content-type": "application/json", "host": host},
        request.body,
        Credentials("AKID", "secret"),
        service="ses",
        region="eu-central-1",
        now=NOW,
        path="/v2/email/outbound-emails",
    )
    assert (signed.url, signed.body) == (request.url, request.body)
    assert "secret" not in str(signed.headers.values())


def test_in_a_sandbox_any_region_is_signed_for() -> None:
    request = SES.build(target(SES, **SETTINGS, base_url="http://127.0.0.1:1/ses"), MAIL, key=KEY)

    signed = SES.sign(request, SECRETS, key=KEY, now=NOW)

    assert request.url == "http://127.0.0.1:1/ses/v2/email/outbound-emails"
    assert "AKID/20260301/us-east-1/ses/aws4_request" in signed.headers["authorization"]


def test_success_is_the_mails_id() -> None:
    assert SES.read(reply(200, {"MessageId": "0100-abc"})) == Accepted("0100-abc")


@pytest.mark.point(40)
@pytest.mark.parametrize("body", [*UNREADABLE, {"MessageId": ""}, {"message": "?"}])
def test_a_success_that_is_not_complete_is_unknown(body: object) -> None:
    assert isinstance(SES.read(reply(200, body)), Unknown)


@pytest.mark.point(43)
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, "BadRequestException"),
        (400, "MailFromDomainNotVerifiedException"),
        (400, "MessageRejected"),
        (404, "NotFoundException"),
        (400, "ValidationException"),
        (400, "ValidationError"),
        (400, "SerializationException"),
    ],
)
def test_a_documented_refusal_is_final_and_quotes_no_one(status: int, error: str) -> None:
    outcome = read(status, error)

    assert isinstance(outcome, Refused)
    assert error in outcome.reason
    assert "grace" not in outcome.reason


def test_an_address_that_is_not_verified_is_named_as_such_and_not_by_itself() -> None:
    outcome = read(400, "MessageRejected", "Email address is not verified. These failed: grace@example.org")

    assert outcome == Refused("HTTP 400: the mail was rejected (MessageRejected, an address or domain is not verified)")


@pytest.mark.parametrize(
    "named",
    [
        Reply(400, {"x-amzn-errortype": "MessageRejected"}, b"{}"),
        Reply(400, {"x-amzn-errortype": "MessageRejected:http://internal.amazon.com/coral/x/"}, b"{}"),
        Reply(400, {}, b'{"__type": "com.amazonaws.sesv2#MessageRejected"}'),
        Reply(400, {}, b'{"__type": "MessageRejected"}'),
    ],
)
def test_an_error_is_known_wherever_it_is_named(named: Reply) -> None:
    assert isinstance(SES.read(named), Refused)


@pytest.mark.point(42)
@pytest.mark.parametrize(
    ("status", "error", "of_message"),
    [
        (400, "AccountSuspendedException", False),
        (400, "SendingPausedException", False),
        (403, "InvalidClientTokenId", False),
        (403, "UnrecognizedClientException", False),
        (403, "SignatureDoesNotMatch", False),
        (403, "InvalidSignatureException", False),
        (403, "AccessDeniedException", True),
        (403, "", True),
        (401, "", False),
    ],
)
def test_what_the_account_may_not_do_concerns_the_account(status: int, error: str, of_message: bool) -> None:
    outcome = read(status, error)

    assert isinstance(outcome, Denied)
    assert outcome.of_message == of_message
    assert "grace" not in outcome.reason


@pytest.mark.point(41)
@pytest.mark.parametrize(
    ("status", "error", "message", "wait"),
    [
        (429, "TooManyRequestsException", "Too many requests.", None),
        (429, "", "", None),
        (400, "ThrottlingException", "Maximum sending rate exceeded.", 2.0),
        (429, "TooManyRequestsException", "Daily message quota exceeded.", 600.0),
        (400, "Throttling", "Daily message quota exceeded", 600.0),
        (400, "LimitExceededException", "", None),
    ],
)
def test_throttled_mail_was_not_sent_and_a_quota_is_waited_for_longer(
    status: int, error: str, message: str, wait: float | None
) -> None:
    outcome = read(status, error, message)

    assert isinstance(outcome, Throttled)
    assert outcome.retry_after == wait


def test_a_wait_that_is_asked_for_is_kept() -> None:
    outcome = read(429, "TooManyRequestsException", **{"retry-after": "7"})

    assert isinstance(outcome, Throttled)
    assert outcome.retry_after == 7


@pytest.mark.point(39)
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ""),
        (400, "SomethingNew"),
        (404, "UnknownOperationException"),
        (500, "InternalServiceErrorException"),
        (500, "MessageRejected"),
        (503, "ThrottlingException"),
        (503, ""),
        (302, ""),
    ],
)
def test_everything_else_may_have_been_sent(status: int, error: str) -> None:
    assert isinstance(read(status, error), Unknown)


def test_what_is_unknown_waits_for_its_events() -> None:
    assert SES.repeat(ACCOUNT) == Feedback(timedelta(minutes=15))
    assert SES.build_lookup(ACCOUNT, key=KEY, since=NOW) is None
    assert isinstance(SES.read_lookup(reply(200, {}), key=KEY), Unclear)


def test_another_region_is_another_login() -> None:
    elsewhere = target(SES, **{**SETTINGS, "region": "us-east-1"})

    assert SES.identity(ACCOUNT) != SES.identity(elsewhere)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({}, []),
        ({"region": "Frankfurt"}, ["region"]),
        ({"region": "us-gov-west-1"}, []),
        ({"configuration_set": "my set"}, ["configuration_set"]),
        ({"from": "Ada", "base_url": ""}, ["base_url", "from"]),
    ],
)
def test_wrong_settings_are_named(changed: dict[str, str], named: list[str]) -> None:
    assert [problem.split()[0] for problem in SES.problems(SETTINGS | changed)] == named


def test_without_a_configuration_set_it_says_why_there_must_be_one() -> None:
    (problem,) = SES.problems({"region": "eu-central-1", "from": "ada@example.com"})

    assert "SES reports nothing" in problem


def test_the_quota_is_asked_for_where_the_account_is() -> None:
    request = SES.build_quota(ACCOUNT)

    assert (request.method, request.url) == ("GET", "https://email.eu-central-1.amazonaws.com/v2/email/account")


@pytest.mark.parametrize(
    ("quota", "limits"),
    [
        ({"MaxSendRate": 14.0, "Max24HourSend": 50000.0}, (Limit(14, 1, 14), Limit(50_000, 86_400, None))),
        ({"MaxSendRate": 1, "Max24HourSend": 200}, (Limit(1, 1, 1), Limit(200, 86_400, None))),
        ({"MaxSendRate": 14.9, "Max24HourSend": -1}, (Limit(14, 1, 14),)),
        ({"MaxSendRate": 0.4}, (Limit(1, 3, 1),)),
        ({"MaxSendRate": 0}, None),
        ({"MaxSendRate": True}, None),
        ({"MaxSendRate": float("inf")}, None),
        ({"MaxSendRate": float("nan")}, None),
        ({"Max24HourSend": 200}, None),
        ("14", None),
    ],
)
def test_the_quota_becomes_limits(quota: object, limits: object) -> None:
    assert SES.read_quota(reply(200, {"SendQuota": quota})) == limits


def test_a_quota_is_read_from_a_success_alone() -> None:
    assert SES.read_quota(reply(403, {"SendQuota": {"MaxSendRate": 14}})) is None
    assert SES.read_quota(reply(200, b"<html>")) is None

"""Amazon SES, as its documentation describes it."""

from typing import Any

import pytest

from tests.unit.sandbox.sandbox_process import Reply, SandboxProcess

AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential={}/20260301/eu-central-1/ses/aws4_request, "
    f"SignedHeaders=content-type;host;x-amz-date, Signature={'a' * 64}"
)


def send(sandbox: SandboxProcess, effect: str, key: str = "AKID", **changed: object) -> Reply:
    content = {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "It works."}}}
    mail = {
        "FromEmailAddress": "Ada <ada@example.com>",
        "Destination": {"ToAddresses": ["bob@example.org"]},
        "Content": {"Simple": content | {name: value for name, value in changed.items() if name == "Headers"}},
        "EmailTags": [{"Name": "effect-id", "Value": effect}],
        **{name: value for name, value in changed.items() if name != "Headers"},
    }
    return sandbox.call("POST", "/ses/v2/email/outbound-emails", mail, authorization=AUTHORIZATION.format(key))


def header(name: str, value: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value}]


def test_the_same_mail_twice_is_two_mails(sandbox: SandboxProcess) -> None:
    replies = [send(sandbox, "s-1") for _ in range(2)]

    assert [reply.status for reply in replies] == [200, 200]
    assert replies[0].json["MessageId"] != replies[1].json["MessageId"]
    assert sandbox.done("s-1") == 2


@pytest.mark.parametrize(
    "to", ["success@simulator.amazonses.com", "bounce+s-2@simulator.amazonses.com", "Bob <bob@example.org>"]
)
def test_addresses_of_the_simulator_are_taken_as_any_other(sandbox: SandboxProcess, to: str) -> None:
    assert send(sandbox, "s-2", Destination={"ToAddresses": [to]}).status == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"FromEmailAddress": ""},
        {"FromEmailAddress": "ada"},
        {"Destination": {}},
        {"Destination": {"ToAddresses": ["nobody"]}},
        {"Destination": {"ToAddresses": ["a..b@example.com"]}},
        {"Destination": {"ToAddresses": ["bob@example.org"] * 51}},
        {"ReplyToAddresses": ["nobody"]},
        {"Content": {}},
        {"Content": {"Simple": {"Subject": {"Data": "Hello"}, "Body": {}}}},
        {"EmailTags": header("effect-id", "a.1")},
        {"EmailTags": header("größe", "m")},
        {"EmailTags": header("a", "b" * 257)},
        {"Headers": header("Reply-To", "ada@example.com")},
        {"Headers": header("X-Note", "schön")},
        {"Headers": header("X-Note", "a" * 871)},
        {"Headers": header("X:Note", "a")},
        {"Headers": header("X-Note", "a") * 16},
    ],
)
def test_what_ses_does_not_take_is_refused_and_not_sent(sandbox: SandboxProcess, changed: dict[str, Any]) -> None:
    reply = send(sandbox, "s-3", **changed)

    assert (reply.status, reply.headers["x-amzn-errortype"]) == (400, "BadRequestException")
    assert sandbox.done("s-3") == 0


@pytest.mark.parametrize("authorization", ["", "Bearer x", "AWS4-HMAC-SHA256 Credential=AKID/x"])
def test_a_request_without_a_signature_is_denied(sandbox: SandboxProcess, authorization: str) -> None:
    reply = sandbox.call("POST", "/ses/v2/email/outbound-emails", {}, authorization=authorization)

    assert reply.status == 403


def test_host_and_time_must_be_signed(sandbox: SandboxProcess) -> None:
    unsigned = AUTHORIZATION.format("AKID").replace("content-type;host;x-amz-date", "content-type")

    reply = sandbox.call("GET", "/ses/v2/email/account", authorization=unsigned)

    assert (reply.status, reply.headers["x-amzn-errortype"]) == (403, "InvalidSignatureException")


def test_the_quota_counts_recipients_of_this_key_in_a_day(sandbox: SandboxProcess) -> None:
    send(sandbox, "s-4", key="AKQUOTA", Destination={"ToAddresses": ["a@example.org", "b@example.org"]})

    def sent() -> float:
        reply = sandbox.call("GET", "/ses/v2/email/account", authorization=AUTHORIZATION.format("AKQUOTA"))
        assert reply.json["SendingEnabled"]
        assert reply.json["SendQuota"]["MaxSendRate"] == 14
        count: float = reply.json["SendQuota"]["SentLast24Hours"]
        return count

    before = sent()
    sandbox.shift(90_000)

    assert (before, sent()) == (2, 0)


def test_names_in_encoded_words_are_shown_as_they_read(sandbox: SandboxProcess) -> None:
    send(sandbox, "s-5", Headers=header("X-Note", "=?utf-8?q?sch=C3=B6n?="))

    (entry,) = sandbox.record("s-5")
    assert entry["asked"]["headers"] == {"X-Note": "schön"}


def test_another_path_is_no_operation(sandbox: SandboxProcess) -> None:
    reply = sandbox.call("GET", "/ses/v2/email/identities", authorization=AUTHORIZATION.format("AKID"))

    assert (reply.status, reply.headers["x-amzn-errortype"]) == (404, "UnknownOperationException")

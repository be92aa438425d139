"""Amazon SNS: what it signs, by which certificate, for which topic, and what it asks to be visited."""

import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from drumbeat.core.feedback import Kind
from drumbeat.providers.words import registry as words
from drumbeat.sources import registry
from drumbeat.sources.signature import Allowed, Delivery, NoMatch, Reply, Unverified
from drumbeat.sources.sns import SIGNED
from tests.conftest import VECTORS
from tests.sns_sender import FILE, ID, NOW, ORIGIN, TOPIC, altered, certificate, confirmation, notification, signed

SNS = registry.get("sns")
SANDBOX = "http://127.0.0.1:8788"
BOUNCE = VECTORS / "payloads" / "ses.sns.bounce.json"


def allowed(**changed: Any) -> Allowed:
    judged = Allowed([], NOW, SNS.tolerance, {"topic": TOPIC}, certificate())
    return replace(judged, **changed)


@pytest.mark.parametrize(
    "delivery",
    [
        notification(),
        notification(Subject="Amazon SES Email Event Notification"),
        notification(Message="Grüße\nMessageId\nx"),
        confirmation(),
        confirmation("UnsubscribeConfirmation"),
    ],
)
def test_what_sns_signed_is_known_by_its_message_s_id(delivery: Delivery) -> None:
    assert SNS.certificate_url(delivery, allowed()) == f"{ORIGIN}{FILE}"
    assert SNS.verify(delivery, allowed()) == ID


@pytest.mark.parametrize("name", ["Message", "MessageId", "Subject", "Timestamp"])
def test_one_changed_field_of_a_notification_is_noticed(name: str) -> None:
    delivery = notification(Subject="s")
    changed = {"Timestamp": "2023-11-14T22:13:21.000Z"}.get(name, "x")

    with pytest.raises(NoMatch):
        SNS.verify(altered(delivery, **{name: changed}), allowed())


@pytest.mark.parametrize("name", ["Message", "MessageId", "SubscribeURL", "Token"])
def test_one_changed_field_of_a_confirmation_is_noticed(name: str) -> None:
    with pytest.raises(NoMatch):
        SNS.verify(altered(confirmation(), **{name: "x"}), allowed())


def test_a_confirmation_is_no_notification_and_the_other_way_round() -> None:
    for delivery, kind in ((notification(), "UnsubscribeConfirmation"), (confirmation(), "Notification")):
        with pytest.raises(Unverified):
            SNS.verify(altered(delivery, Type=kind), allowed())


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"TopicArn": TOPIC + "-2"}, "another topic"),
        ({"TopicArn": None}, "another topic"),
        ({"TopicArn": [TOPIC]}, "another topic"),
        ({"Type": "Other"}, "type is none"),
        ({"Type": 7}, "Type is missing"),
        ({"Type": []}, "Type is missing"),
        ({"Type": {}}, "Type is missing"),
        ({"SignatureVersion": "1"}, "version 2"),
        ({"SignatureVersion": 2}, "version 2"),
        ({"SignatureVersion": []}, "version 2"),
        ({"MessageId": "a\nb"}, "no usable id"),
        ({"MessageId": ""}, "no usable id"),
        ({"MessageId": 7}, "MessageId is missing"),
        ({"Timestamp": "now"}, "not a time"),
        ({"Timestamp": "\ud800"}, "not a time"),
        ({"Timestamp": "0001-01-01T00:00:00+23:59"}, "outside the tolerance"),
        ({"Timestamp": "9999-12-31T23:59:59-23:59"}, "outside the tolerance"),
        ({"Timestamp": "2023-11-14T22:13:20"}, "not a time"),
        ({"Signature": "!"}, "not base64"),
        ({"Signature": 7}, "Signature is missing"),
        ({"Message": None}, "Message is missing"),
    ],
)
def test_what_is_wrong_is_named_and_never_quoted(changed: dict[str, object], why: str) -> None:
    with pytest.raises(Unverified, match=why):
        SNS.verify(altered(notification(), **changed), allowed())


ODD: list[object] = [None, True, 7, 1.5, "", "\ud800", [], ["x"], {}, {"x": "y"}]


@pytest.mark.parametrize("name", [*json.loads(confirmation().body), "Subject"])
@pytest.mark.parametrize("value", ODD, ids=json.dumps)
@pytest.mark.parametrize("delivery", [notification(Subject="s"), confirmation()], ids=["notification", "confirmation"])
def test_any_value_of_any_field_is_refused_before_the_signature_or_by_it(
    delivery: Delivery, name: str, value: object
) -> None:
    changed = altered(delivery, **{name: value})
    signed_for = name in SIGNED[json.loads(delivery.body)["Type"]]

    if signed_for or name in ("Signature", "SignatureVersion", "SigningCertURL"):
        with pytest.raises(Unverified):
            SNS.verify(changed, allowed())
    else:
        assert SNS.verify(changed, allowed()) == ID


@pytest.mark.parametrize(
    "url",
    [
        "https://sns.us-east-1.amazonaws.com" + FILE,  # of another region
        "http://sns.eu-central-1.amazonaws.com" + FILE,
        "https://sns.eu-central-1.amazonaws.com.evil.example" + FILE,
        "https://evil.example/sns.eu-central-1.amazonaws.com" + FILE,
        "https://sns.eu-central-1.amazonaws.com@evil.example" + FILE,
        "https://sns.eu-central-1.amazonaws.com:8443" + FILE,
        "https://sns.eu-central-1.amazonaws.com/../evil" + FILE,
        "https://sns.eu-central-1.amazonaws.com/" + FILE,
        "https://sns.eu-central-1.amazonaws.com" + FILE + "?x",
        "https://sns.eu-central-1.amazonaws.com" + FILE + "\n",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-xyz.pem",
        "https://sns.eu-central-1.amazonaws.com.cn" + FILE,
        "https://mail-events.s3.amazonaws.com" + FILE,
        f"{SANDBOX}/ses{FILE}",
        "",
        7,
    ],
)
def test_no_certificate_is_asked_for_elsewhere(url: object) -> None:
    with pytest.raises(Unverified):
        SNS.certificate_url(altered(notification(), SigningCertURL=url), allowed())


def test_where_vendors_are_imitated_the_sandbox_has_a_certificate_too() -> None:
    imitated = signed({"Type": "Notification", "Message": "m"}, origin=f"{SANDBOX}/ses")

    assert SNS.certificate_url(imitated, allowed(sandbox_url=SANDBOX)) == f"{SANDBOX}/ses{FILE}"
    assert SNS.verify(imitated, allowed(sandbox_url=SANDBOX)) == ID
    assert SNS.certificate_url(notification(), allowed(sandbox_url=SANDBOX)) == f"{ORIGIN}{FILE}"


def test_a_topic_in_china_is_signed_for_in_china() -> None:
    topic = "arn:aws-cn:sns:cn-north-1:123456789012:mail-events"
    origin = "https://sns.cn-north-1.amazonaws.com.cn"
    delivery = signed({"Type": "Notification", "Message": "m", "TopicArn": topic}, origin=origin)

    assert SNS.certificate_url(delivery, allowed(options={"topic": topic})) == f"{origin}{FILE}"


@pytest.mark.parametrize(("age", "good"), [(0, True), (3600, True), (7200, True), (7201, False), (-7201, False)])
def test_an_hour_of_retries_carries_the_first_signature(age: int, good: bool) -> None:
    judged = allowed(now=NOW + age)

    if good:
        assert SNS.verify(notification(), judged) == ID
    else:
        with pytest.raises(Unverified, match="outside the tolerance"):
            SNS.certificate_url(notification(), judged)


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        (None, "no signature matches"),
        (b"", "cannot be read"),
        (b"<html>", "cannot be read"),
        (certificate(begins=-2, ends=-1), "not valid at this time"),
        (certificate(begins=1, ends=2), "not valid at this time"),
        (certificate(ec.generate_private_key(ec.SECP256R1())), "not of an RSA key"),
    ],
)
def test_a_certificate_that_is_none_verifies_nothing(pem: bytes | None, why: str) -> None:
    with pytest.raises(Unverified, match=why):
        SNS.verify(notification(), allowed(certificate=pem))


def test_a_signature_by_sha_1_is_none() -> None:
    weak = signed({"Type": "Notification", "Message": "m"}, hash=hashes.SHA1())

    with pytest.raises(NoMatch):
        SNS.verify(weak, allowed())


def test_raw_delivery_is_refused_with_what_to_do() -> None:
    raw = Delivery("POST", "", {"x-amz-sns-rawdelivery": "true"}, b'{"eventType": "Delivery"}')

    with pytest.raises(Unverified, match="turn it off"):
        SNS.certificate_url(raw, allowed())


@pytest.mark.skipif(not BOUNCE.exists(), reason=f"no vectors at {VECTORS}; set DRUMBEAT_VECTORS")
def test_the_published_message_is_refused_for_its_version_and_read_as_the_bounce_that_it_holds() -> None:
    payload = json.loads(BOUNCE.read_bytes())["payload"]
    body = json.dumps(payload).encode()

    with pytest.raises(Unverified, match="version 2"):
        SNS.verify(Delivery("POST", "", {}, body), allowed(options={"topic": payload["TopicArn"]}))
    assert words.of("ses").read(SNS.read(body)).kind is Kind.BOUNCED


def test_a_subscription_is_confirmed_where_the_message_says() -> None:
    delivery = confirmation()

    assert SNS.visit(delivery, allowed()) == json.loads(delivery.body)["SubscribeURL"]
    assert SNS.answer(delivery) == Reply(notice="subscribed")


@pytest.mark.parametrize(
    "url",
    [
        f"{ORIGIN}/?Action=ConfirmSubscription&TopicArn={TOPIC}-2&Token=2336412f37",
        f"{ORIGIN}/?Action=Unsubscribe&TopicArn={TOPIC}&Token=2336412f37",
        f"{ORIGIN}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=other",
        f"{ORIGIN}/?Action=ConfirmSubscription&Action=Publish&TopicArn={TOPIC}&Token=2336412f37",
        f"{ORIGIN}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37&AuthenticateOnUnsubscribe=true",
        f"https://evil.example/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37",
        f"http://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37",
        f"{ORIGIN}/x/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37",
        ORIGIN,
        "",
    ],
)
def test_no_other_address_is_visited(url: str) -> None:
    delivery = confirmation(SubscribeURL=url)

    with pytest.raises(Unverified, match="SubscribeURL"):
        SNS.visit(delivery, allowed())


def test_only_a_subscription_is_confirmed() -> None:
    assert SNS.visit(notification(), allowed()) is None
    assert SNS.visit(confirmation("UnsubscribeConfirmation"), allowed()) is None
    assert SNS.answer(confirmation("UnsubscribeConfirmation")) == Reply(notice="unsubscribed")
    assert SNS.answer(notification()) is None


@pytest.mark.parametrize(
    ("message", "read"),
    [('{"a": 1}', {"a": 1}), ("Successfully validated SNS topic", "Successfully validated SNS topic"), ("[1]", [1])],
)
def test_what_was_published_is_read(message: str, read: object) -> None:
    assert SNS.read(notification(Message=message).body) == read


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"Message": 7}', b"[" * 100_000])
def test_what_another_scheme_verified_before_is_not_read(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"SNS|missing"):
        SNS.read(body)

"""Each vendor's reports: signed so that a receiver accepts them, and in the form of those that vendors publish."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from drumbeat.core.feedback import Kind
from drumbeat.providers.words import registry as words
from drumbeat.sandbox.reports import registry as reporters
from drumbeat.sandbox.reports import sns
from drumbeat.sandbox.reports.base import Destination, Occurrence, Sent, Signing
from drumbeat.sandbox.reports.simulated_ends import end_of
from drumbeat.sources import registry as schemes
from drumbeat.sources.signature import Allowed, Delivery, Unverified
from tests.conftest import VECTORS
from tests.unit.sandbox.simulated_sandbox import BEGIN, KEY, SECRETS, TOPIC, URL

PAYLOADS = VECTORS / "payloads"
SANDBOX = "http://127.0.0.1:8788"
SCHEMES = {"mailgun": "mailgun", "resend": "resend", "http": "standard_webhooks"}
PUBLISHED = [
    ("mailgun.delivered.json", "mailgun", Kind.DELIVERED),
    ("mailgun.failed.permanent.json", "mailgun", Kind.BOUNCED),
    ("mailgun.complained.json", "mailgun", Kind.COMPLAINED),
    ("postmark.bounce.json", "postmark", Kind.BOUNCED),
    ("postmark.subscription_change.json", "postmark", Kind.UNSUBSCRIBED),
    ("resend.email.bounced.json", "resend", Kind.BOUNCED),
    ("ses.sns.bounce.json", "ses", Kind.BOUNCED),
]
# What only some mails or accounts have, or the older notifications of SES.
ELSEWHERE = {
    "event-data.storage", "Content", "Metadata.example",
    "Message.notificationType", "Message.bounce.remoteMtaIp", "Message.mail.sourceIp",
    "Message.mail.commonHeaders.date",
}  # fmt: skip


@pytest.mark.parametrize("provider", SCHEMES)
@pytest.mark.parametrize("kind", Kind)
def test_a_receiver_accepts_the_signature_and_no_other_secret(provider: str, kind: Kind) -> None:
    headers, body = written(provider, kind)
    scheme = schemes.get(SCHEMES[provider])
    delivery = Delivery("POST", URL, {name.lower(): value for name, value in headers.items()}, body)

    key = scheme.verify(delivery, Allowed([SECRETS[provider]], BEGIN, 300.0, {}))

    assert key
    with pytest.raises(Unverified):
        scheme.verify(delivery, Allowed(["whsec_" + base64.b64encode(b"another one").decode()], BEGIN, 300.0, {}))


@pytest.mark.parametrize(("provider", "key"), [("mailgun", "new"), ("resend", "same"), ("http", "same")])
def test_what_is_told_again_has_the_vendors_habit(provider: str, key: str) -> None:
    first, again = (event(provider, copy=copy) for copy in (0, 1))

    assert (first[0] == again[0]) == (key == "same")
    assert first[1] == again[1]


def test_a_retry_of_mailgun_has_the_first_signature_and_one_of_svix_a_new_time() -> None:
    mailgun = [written("mailgun", Kind.DELIVERED, at=BEGIN + later)[1] for later in (0, 600)]
    resend = [written("resend", Kind.DELIVERED, at=BEGIN + later) for later in (0, 600)]

    assert mailgun[0] == mailgun[1]
    assert resend[0][1] == resend[1][1]
    assert [headers["svix-timestamp"] for headers, _ in resend] == [str(int(BEGIN)), str(int(BEGIN) + 600)]


@pytest.mark.parametrize("provider", reporters.names())
def test_every_kind_that_a_vendor_reports_carries_the_key_and_the_id(provider: str) -> None:
    for kind in reporters.get(provider).says:
        text = written(provider, kind)[1].decode()

        assert KEY in text, kind
        assert "a-mails-id" in text, kind


@pytest.mark.parametrize("provider", reporters.names())
def test_the_words_of_the_provider_read_each_kind_as_it_was_meant(provider: str) -> None:
    for kind in reporters.get(provider).says:
        content = json.loads(written(provider, kind, word="teleported" if kind == Kind.OTHER else "")[1])
        fact = json.loads(content["Message"]) if "Message" in content else content

        report = words.of(provider).read(fact)

        assert (report.kind, report.key, report.reference) == (kind, KEY, "a-mails-id"), kind
        assert report.address == "bob@example.org", kind
        assert report.link == ("https://example.com/offer" if kind == Kind.CLICKED else "")


@pytest.mark.parametrize(("file", "provider", "kind"), PUBLISHED)
def test_a_report_has_the_fields_of_a_published_one(file: str, provider: str, kind: Kind) -> None:
    if not PAYLOADS.exists():
        pytest.skip(f"no vectors at {VECTORS}; set DRUMBEAT_VECTORS")
    published = dict(paths(opened(json.loads((PAYLOADS / file).read_text())["payload"])))

    ours = dict(paths(opened(json.loads(written(provider, kind)[1]))))

    missing = {path for path in published.keys() - ours.keys() if not path.startswith(tuple(ELSEWHERE))}
    assert missing == set()
    assert {path: ours[path] for path in published.keys() & ours.keys()} == {
        path: published[path] for path in published.keys() & ours.keys()
    }


def test_postmark_sends_credentials_or_a_header_and_the_same_bytes_again() -> None:
    headers, body = written("postmark", Kind.BOUNCED)
    named = replace(destination("postmark"), header="X-Secret", secret="value")

    with_header, _ = reporters.get("postmark").write(occurrence(Kind.BOUNCED), sent("postmark"), named, signing())

    assert headers["Authorization"] == "Basic " + base64.b64encode(b"user:pass").decode()
    assert ("Authorization" in with_header, with_header["X-Secret"]) == (False, "value")
    assert body == written("postmark", Kind.BOUNCED, copy=1)[1]


def test_a_notification_of_sns_verifies_under_the_certificate_that_it_names() -> None:
    headers, body = written("ses", Kind.DELIVERED)
    envelope = json.loads(body)

    assert headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert envelope["SigningCertURL"] == SANDBOX + sns.certificate().path
    assert (envelope["SignatureVersion"], envelope["TopicArn"]) == ("2", TOPIC)
    verify(envelope, ("Message", "MessageId", "Timestamp", "TopicArn", "Type"))


def test_a_confirmation_of_sns_verifies_with_its_token_and_address() -> None:
    headers, body = sns.confirmation(destination("ses"), signing())
    envelope = json.loads(body)

    assert headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    assert envelope["SubscribeURL"].startswith(f"{SANDBOX}/ses/?Action=ConfirmSubscription&TopicArn=arn")
    verify(envelope, ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"))


def test_what_ses_tells_again_has_another_id_at_sns_and_the_same_event() -> None:
    first, again, retry = (
        json.loads(written("ses", Kind.BOUNCED, copy=copy, at=BEGIN + later)[1])
        for copy, later in ((0, 0), (1, 0), (0, 600))
    )

    assert first["Message"] == again["Message"]
    assert first["MessageId"] != again["MessageId"]
    assert first == retry


def test_a_certificate_is_made_once_and_is_valid_now() -> None:
    certificate = x509.load_pem_x509_certificate(sns.certificate().pem)

    assert sns.certificate() is sns.certificate()
    assert certificate.not_valid_before_utc < certificate.not_valid_after_utc


@pytest.mark.parametrize("provider", ["mailgun", "resend", "postmark", "ses"])
def test_what_a_program_opened_is_told_from_what_a_person_did(provider: str) -> None:
    person, program = (written(provider, Kind.OPENED, machine=machine)[1] for machine in (False, True))

    assert b"Firefox/128" in person.replace(b"\\", b"")
    assert b"17.58.101.5" in program


@pytest.mark.parametrize("provider", reporters.names())
def test_a_word_that_no_release_knows_is_sent_as_it_is_ordered(provider: str) -> None:
    assert b"teleported" in written(provider, Kind.OTHER, word="teleported")[1]


@pytest.mark.parametrize(
    ("provider", "recipient", "end"),
    [
        ("ses", "bounce+label@simulator.amazonses.com", (Kind.BOUNCED,)),
        ("ses", "complaint@simulator.amazonses.com", (Kind.DELIVERED, Kind.COMPLAINED)),
        ("postmark", "Hard_Bounce@bounce-testing.postmarkapp.com", (Kind.BOUNCED,)),
        ("mailgun", "bounce@simulator.amazonses.com", (Kind.DELIVERED,)),
    ],
)
def test_test_addresses_end_as_their_vendor_documents(provider: str, recipient: str, end: tuple[Kind, ...]) -> None:
    assert end_of(provider, recipient) == end


def destination(provider: str) -> Destination:
    topic = TOPIC if provider == "ses" else ""
    return Destination(3, provider, None, URL, SECRETS[provider], topic)


def sent(provider: str) -> Sent:
    name = "effect_id" if provider == "postmark" else "effect-id"
    return Sent(provider, "main", "a-mails-id", KEY, BEGIN - 10, "Ada <ada@example.com>", ("bob@example.org",), "Hello",
                headers=(("List-Id", "news"),), variables={name: KEY}, labels=("news",))  # fmt: skip


def occurrence(kind: Kind, **more: Any) -> Occurrence:
    link = "https://example.com/offer" if kind == Kind.CLICKED else ""
    return Occurrence(kind, BEGIN - 1.5, "bob@example.org", f"one|{kind}", link=link, **more)


def signing(copy: int = 0, at: float = BEGIN) -> Signing:
    return Signing(BEGIN, at, copy, SANDBOX)


def written(
    provider: str, kind: Kind, *, copy: int = 0, at: float = BEGIN, **more: Any
) -> tuple[Mapping[str, str], bytes]:
    what = occurrence(kind, **more)
    return reporters.get(provider).write(what, sent(provider), destination(provider), signing(copy, at))


def event(provider: str, *, copy: int) -> tuple[str, object]:
    """Return the key of a delivery, and the event in it."""
    headers, body = written(provider, Kind.DELIVERED, copy=copy)
    delivery = Delivery("POST", URL, {name.lower(): value for name, value in headers.items()}, body)
    key = schemes.get(SCHEMES[provider]).verify(delivery, Allowed([SECRETS[provider]], BEGIN, 300.0, {}))
    content = json.loads(body)
    return key, content.get("event-data", content)


def verify(envelope: Mapping[str, str], names: tuple[str, ...]) -> None:
    """Verify as the SNS developer guide says, "Verifying the signatures of Amazon SNS messages"."""
    signed = "".join(f"{name}\n{envelope[name]}\n" for name in names).encode()
    key = x509.load_pem_x509_certificate(sns.certificate().pem).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(envelope["Signature"]), signed, padding.PKCS1v15(), hashes.SHA256())


def opened(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the payload with the JSON inside its message read."""
    return payload | {"Message": json.loads(payload["Message"])} if "Message" in payload else payload


def paths(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each field's path and the type of its value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from paths(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for inner in value[:1]:
            yield from paths(inner, f"{path}[]")
    else:
        yield path, "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__

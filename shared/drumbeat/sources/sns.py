"""Amazon SNS: RSA with SHA-256 over the named fields of the body; what signs is a certificate that SNS publishes.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from drumbeat.sources.signature import (
    Allowed,
    Delivery,
    NoMatch,
    Option,
    Reply,
    Scheme,
    Untimely,
    Unverified,
    from_base64,
)

NOTIFICATION = "Notification"
SUBSCRIBED, UNSUBSCRIBED = "SubscriptionConfirmation", "UnsubscribeConfirmation"
_CONFIRMED = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
# What is signed, each name and value on a line of its own, by the type of message.
SIGNED: Mapping[str, tuple[str, ...]] = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIBED: _CONFIRMED,
    UNSUBSCRIBED: _CONFIRMED,
}
OPTIONAL = "Subject"
_NOTICES = {SUBSCRIBED: "subscribed", UNSUBSCRIBED: "unsubscribed"}
# SNS goes on for an hour at most with the first signature ("Amazon SNS message delivery retries"); the rest is for
# clocks and for what lies between SNS's acceptance and its first try.
TOLERANCE_SECONDS = 2 * 3600.0
_TOPIC = re.compile(r"arn:(?P<partition>aws(?:-[a-z]+)*):sns:(?P<region>[a-z0-9-]+):\d{12}:[A-Za-z0-9_-]{1,256}")
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-f]{8,64}\.pem")
_ID = re.compile(r"[A-Za-z0-9-]{1,255}")
# Where a sandbox imitates SNS: below its own address, as its other vendors are.
_IN_SANDBOX = "/ses"


class Sns(Scheme):
    """A delivery is named by its message's id, which is signed and which a retry keeps.

    SNS is asked for signatures of version 2: those of version 1 are made of SHA-1. A subscription is confirmed by
    visiting the address that a verified confirmation for the configured topic names.
    """

    name = "sns"
    options: Mapping[str, Option] = {
        "topic": Option(
            "the ARN of the topic; messages of any other are refused",
            required=True,
            problem=lambda value: (
                None
                if _TOPIC.fullmatch(value)
                else "topic must be a topic's ARN, like arn:aws:sns:eu-central-1:123456789012:mail-events"
            ),
        )
    }
    tolerance = TOLERANCE_SECONDS
    has_secrets = False
    max_bytes = 1024 * 1024  # a message has 256 KiB, and JSON writes some characters longer

    def certificate_url(self, delivery: Delivery, allowed: Allowed) -> str:
        """Return where the certificate is, once nothing but the signature is left to check."""
        message = _checked(delivery, allowed)
        return str(message["SigningCertURL"])

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its message's id."""
        message = _checked(delivery, allowed)
        names = (name for name in SIGNED[message["Type"]] if name != OPTIONAL or name in message)
        signed = "".join(f"{name}\n{_text(message, name)}\n" for name in names).encode("utf-8", "surrogatepass")
        if not _verifies(allowed, from_base64(_text(message, "Signature")), signed):
            raise NoMatch("no signature matches")
        return _text(message, "MessageId")

    def visit(self, delivery: Delivery, allowed: Allowed) -> str | None:
        """Return the address that confirms the subscription, where it can do nothing else."""
        message = _checked(delivery, allowed)
        if message["Type"] != SUBSCRIBED:
            return None
        url, topic = _text(message, "SubscribeURL"), _text(message, "TopicArn")
        origin, _, query = url.partition("/?")
        wanted = [("Action", "ConfirmSubscription"), ("Token", _text(message, "Token")), ("TopicArn", topic)]
        if origin not in _origins(topic, allowed) or sorted(parse_qsl(query)) != wanted or not url.isascii():
            raise Unverified("SubscribeURL is not the one that confirms a subscription of this topic")
        return url

    def answer(self, delivery: Delivery) -> Reply | None:
        """Return the answer to what says that a subscription begins or has ended."""
        notice = _NOTICES.get(_text(_message(delivery.body), "Type"))
        return Reply(notice=notice) if notice else None

    def read(self, body: bytes) -> object:
        """Return what was published: JSON where it is, else its text."""
        try:
            published = _text(_message(body), "Message")
        except Unverified as error:  # of another scheme: the source had another before
            raise ValueError(str(error)) from None
        try:
            return json.loads(published)
        except ValueError:
            return published


def _checked(delivery: Delivery, allowed: Allowed) -> dict[str, Any]:
    """Return the message whose signature alone is still to be checked; the cheapest check comes first."""
    if delivery.headers.get("x-amz-sns-rawdelivery", "").lower() == "true":
        raise Unverified("raw message delivery has no signature: turn it off for this subscription")
    message = _message(delivery.body)
    if message.get("TopicArn") != allowed.options.get("topic"):
        raise Unverified("it is of another topic")
    if _text(message, "Type") not in SIGNED:
        raise Unverified("its type is none of SNS's")
    if message.get("SignatureVersion") != "2":
        raise Unverified("its signature is not of version 2: set the topic's SignatureVersion to 2")
    url = _text(message, "SigningCertURL")
    if not any(
        url.startswith(o) and _CERTIFICATE.fullmatch(url[len(o) :]) for o in _origins(message["TopicArn"], allowed)
    ):
        raise Unverified("the certificate is not at SNS's own address")
    if not _ID.fullmatch(_text(message, "MessageId")):
        raise Unverified("the message has no usable id")
    _fresh(_text(message, "Timestamp"), allowed)
    return message


def _message(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise Unverified("the body is not a message of SNS")
    return message


def _text(message: Mapping[str, Any], name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str):
        raise Unverified(f"the field {name} is missing")
    return value


def _origins(topic: str, allowed: Allowed) -> list[str]:
    """Return where SNS is for a topic, and where it is imitated."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        return []
    china = ".cn" if found["partition"] == "aws-cn" else ""
    origins = [f"https://sns.{found['region']}.amazonaws.com{china}"]
    return origins if allowed.sandbox_url is None else [*origins, f"{allowed.sandbox_url}{_IN_SANDBOX}"]


def _fresh(timestamp: str, allowed: Allowed) -> None:
    try:
        at = datetime.fromisoformat(timestamp)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Unverified("the signed time is not a time")
    if abs(allowed.now - at.timestamp()) > allowed.tolerance:
        raise Untimely


def _verifies(allowed: Allowed, signature: bytes, signed: bytes) -> bool:
    """Return whether the certificate is valid now, and its key made the signature."""
    # Only sources of this scheme pay for these imports.
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509 import load_pem_x509_certificate

    if allowed.certificate is None:
        return False
    try:
        certificate = load_pem_x509_certificate(allowed.certificate)
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise Unverified("the certificate cannot be read") from None
    now = datetime.fromtimestamp(allowed.now, UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Unverified("the certificate is not valid at this time")
    if not isinstance(key, RSAPublicKey):
        raise Unverified("the certificate is not of an RSA key")
    try:
        key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


SCHEME = Sns()

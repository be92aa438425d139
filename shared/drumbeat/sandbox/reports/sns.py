"""Amazon SNS: the envelope of a message, its canonical string, and the key and certificate that sign it.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from drumbeat.sandbox.http_messages import encode
from drumbeat.sandbox.reports.base import Destination, Signing, Written, iso, made, made_uuid

KEY_BITS = 2048
BEGINS, ENDS = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
NAME_CHARACTERS = 32
SIGNED = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
AGENT = "Amazon Simple Notification Service Agent"


@dataclass(frozen=True)
class Certificate:
    """A key of SNS's, and what anyone may fetch to verify its signatures."""

    key: rsa.RSAPrivateKey

    @cached_property
    def pem(self) -> bytes:
        """The self-signed certificate, valid on any clock that a test or a person may have set."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(BEGINS)
            .not_valid_after(ENDS)
            .sign(self.key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)

    @cached_property
    def path(self) -> str:
        """Where the sandbox serves it; the name follows from what it holds, so it may be kept for ever."""
        return f"/ses/SimpleNotificationService-{sha256(self.pem).hexdigest()[:NAME_CHARACTERS]}.pem"

    def signature(self, fields: Mapping[str, Any]) -> str:
        """Return the signature of version 2, in base64."""
        signed = self.key.sign(canonical(fields), padding.PKCS1v15(), hashes.SHA256())
        return base64.b64encode(signed).decode()


@cache
def certificate() -> Certificate:
    """Return this process's certificate: made once, because a key costs a tenth of a second."""
    return Certificate(rsa.generate_private_key(65537, KEY_BITS))


def canonical(fields: Mapping[str, Any]) -> bytes:
    """Return the bytes that are signed: each name and value on a line of its own, sorted by name.

    A Notification has no SubscribeURL and no Token; what signs one is left out of the other by not being there.
    """
    return "".join(f"{name}\n{fields[name]}\n" for name in SIGNED if name in fields).encode()


def notification(message: str, name: str, destination: Destination, signing: Signing) -> Written:
    """Return a Notification that carries a message. `name` gives it its id: the same for a retry, not for a copy."""
    arn = subscription_arn(destination)
    links = {"UnsubscribeURL": _url(signing, Action="Unsubscribe", SubscriptionArn=arn)}
    return _enveloped("Notification", message, made_uuid(name, signing.copy), destination, signing, {}, links)


def confirmation(destination: Destination, signing: Signing) -> Written:
    """Return the SubscriptionConfirmation that asks to visit SubscribeURL."""
    message = (
        f"You have chosen to subscribe to the topic {destination.topic}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message."
    )
    token = token_of(destination)
    url = _url(signing, Action="ConfirmSubscription", TopicArn=destination.topic, Token=token)
    own = {"Token": token, "SubscribeURL": url}
    id = made_uuid("confirm", token, signing.copy)
    return _enveloped("SubscriptionConfirmation", message, id, destination, signing, own, {})


def token_of(destination: Destination) -> str:
    """Return what confirms the subscription of this destination."""
    return made(64, "token", destination.number, destination.url, destination.topic)


def subscription_arn(destination: Destination) -> str:
    """Return the name of the subscription."""
    return f"{destination.topic}:{made_uuid(destination.number, destination.url)}"


def _enveloped(
    type: str, message: str, id: str, destination: Destination, signing: Signing, own: dict[str, str],
    links: dict[str, str],
) -> Written:  # fmt: skip
    fields = {"Type": type, "MessageId": id, "TopicArn": destination.topic, "Message": message,
              "Timestamp": iso(signing.first_at), **own}  # fmt: skip
    kept = certificate()
    body = encode({
        **fields, "SignatureVersion": "2", "Signature": kept.signature(fields),
        "SigningCertURL": f"{signing.base_url}{kept.path}", **links,
    }).encode()  # fmt: skip
    headers = {
        "Content-Type": "text/plain; charset=UTF-8", "User-Agent": AGENT, "x-amz-sns-message-type": type,
        "x-amz-sns-message-id": id, "x-amz-sns-topic-arn": destination.topic,
    }  # fmt: skip
    if links:
        headers["x-amz-sns-subscription-arn"] = subscription_arn(destination)
    return headers, body


def _url(signing: Signing, **parameters: str) -> str:
    return f"{signing.base_url}/ses/?{urlencode(parameters)}"

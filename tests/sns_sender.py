"""Amazon SNS as its documents say it signs, with a key and a self-signed certificate made for the test."""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from drumbeat.sources.signature import Delivery

TOPIC = "arn:aws:sns:eu-central-1:123456789012:mail-events"
ORIGIN = "https://sns.eu-central-1.amazonaws.com"
FILE = f"/SimpleNotificationService-{'ab' * 16}.pem"
NOW = 1_700_000_000
URL = "https://hooks.example.com/v1/webhooks/vector"
ID = "19ba9823-d7f2-53c1-860e-cb10e0d13dfc"


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    """Return the key that SNS signs with."""
    return rsa.generate_private_key(65537, 2048)


def certificate(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None, *, begins: float = -1.0, ends: float = 1.0
) -> bytes:
    """Return the certificate of a key in PEM; valid from so many days before NOW to so many after it."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.fromtimestamp(NOW, UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key((key or rsa_key()).public_key())
        .serial_number(1)
        .not_valid_before(now + timedelta(days=begins))
        .not_valid_after(now + timedelta(days=ends))
        .sign(key or rsa_key(), hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def notification(**changed: str | None) -> Delivery:
    """Return a signed Notification; `changed` before it is signed, None leaves a field out."""
    message = json.dumps({"eventType": "Delivery", "mail": {"messageId": "0102-abc"}})
    return signed({"Type": "Notification", "Message": message} | changed)


def confirmation(kind: str = "SubscriptionConfirmation", *, origin: str = ORIGIN, **changed: str | None) -> Delivery:
    """Return a signed confirmation, with the address to visit."""
    query = urlencode({"Action": "ConfirmSubscription", "TopicArn": TOPIC, "Token": "2336412f37"})
    asked = {"Type": kind, "Message": "You have chosen to subscribe.", "Token": "2336412f37"}
    return signed(asked | {"SubscribeURL": f"{origin}/?{query}"} | changed, origin=origin)


def signed(
    fields: Mapping[str, str | None], *, origin: str = ORIGIN, hash: hashes.HashAlgorithm | None = None
) -> Delivery:
    """Return a delivery of these fields, with those that every message has."""
    stamp = datetime.fromtimestamp(NOW, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    every: dict[str, str | None] = {"MessageId": ID, "TopicArn": TOPIC, "Timestamp": stamp, "SignatureVersion": "2"}
    every |= {"SigningCertURL": f"{origin}{FILE}"} | dict(fields)
    message = {name: value for name, value in every.items() if value is not None}
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    signature = rsa_key().sign(text.encode(), PKCS1v15(), hash or hashes.SHA256())
    message.setdefault("Signature", b64encode(signature).decode())
    headers = {"content-type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": message.get("Type", "")}
    return Delivery("POST", URL, headers, json.dumps(message).encode())


def altered(delivery: Delivery, **changed: object) -> Delivery:
    """Return a delivery with fields changed after it was signed."""
    message = json.loads(delivery.body) | changed
    return Delivery("POST", URL, delivery.headers, json.dumps(message).encode())

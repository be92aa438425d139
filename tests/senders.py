"""The senders of every signature scheme, as their documents say they sign: what a test posts at a door."""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from drumbeat.sources.signature import Delivery

SECRET = "c2VzYW1lIG9wZW5zIHRoZSBkb29y"  # base64, and a text as good as any other
NOW = 1_700_000_000
URL = "https://hooks.example.com/v1/webhooks/vector"
_PRIVATE = generate_private_key(SECP256R1())
PUBLIC = b64encode(_PRIVATE.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()

type Headers = Mapping[str, str]
type Sign = Callable[[bytes, bytes, str], Headers]


@dataclass(frozen=True)
class Sender:
    """One vendor: how it signs a body under a key at a time, and a body as it sends them."""

    sign: Sign
    body: bytes = b'{"id": "e-1", "event_id": "e-1", "data": {"email": "ada@example.com"}}'
    secret: str = SECRET
    in_base64: bool = False  # the key is what the secret says in base64

    def delivery(self, body: bytes | None = None, *, key: bytes | None = None, now: int = NOW) -> Delivery:
        """Return a request that is signed under the sender's own key, or under this one."""
        sent = self.body if body is None else body
        signed = self.sign(sent, SECRET.encode() if key is None else key, str(now))
        return Delivery("POST", URL, {name.lower(): value for name, value in signed.items()}, sent)


def _mac(key: bytes, *parts: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.new(key, b"".join(parts), algorithm).digest()


def _text(raw: bytes) -> str:
    return b64encode(raw).decode()


def _standard(prefix: str) -> Sign:
    def sign(body: bytes, key: bytes, time: str) -> Headers:
        signature = f"v1,{_text(_mac(key, f'msg_1.{time}.'.encode(), body))}"
        return {f"{prefix}-id": "msg_1", f"{prefix}-timestamp": time, f"{prefix}-signature": signature}

    return sign


def _sendgrid(body: bytes, key: bytes, time: str) -> Headers:
    name = "X-Twilio-Email-Event-Webhook"
    signature = _text(_PRIVATE.sign(time.encode() + body, ECDSA(SHA256())))
    return {f"{name}-Signature": signature, f"{name}-Timestamp": time}


def _twilio(body: bytes, key: bytes, time: str) -> Headers:
    fields = "".join(name + value for name, value in sorted(parse_qsl(body.decode(), keep_blank_values=True)))
    return {"X-Twilio-Signature": _text(_mac(key, URL.encode(), fields.encode(), algorithm="sha1"))}


def _hubspot_v3(body: bytes, key: bytes, time: str) -> Headers:
    signed = (b"POST", URL.encode(), body, f"{time}000".encode())
    return {"X-HubSpot-Request-Timestamp": f"{time}000", "X-HubSpot-Signature-v3": _text(_mac(key, *signed))}


def _postmark(body: bytes, key: bytes, time: str) -> Headers:
    return {"Authorization": f"Basic {_text(b'postmark:' + key)}"}


def mailgun(event: str = "delivered", *, key: bytes = SECRET.encode(), now: int = NOW, token: str = "t" * 50) -> bytes:
    """Return a body of Mailgun's webhooks, which holds its own signature."""
    signature = _mac(key, f"{now}{token}".encode()).hex()
    signed = {"timestamp": str(now), "token": token, "signature": signature}
    return json.dumps({"signature": signed, "event-data": {"event": event}}).encode()


SENDERS: Mapping[str, Sender] = {
    "calendly": Sender(
        lambda body, key, time: {
            "Calendly-Webhook-Signature": f"t={time},v1={_mac(key, time.encode(), b'.', body).hex()}"
        }
    ),
    "github": Sender(lambda body, key, time: {"X-Hub-Signature-256": f"sha256={_mac(key, body).hex()}"}),
    "hmac": Sender(lambda body, key, time: {"X-Signature": _mac(key, body).hex()}),
    "hubspot_v1": Sender(
        lambda body, key, time: {"X-HubSpot-Signature": hashlib.sha256(key + body).hexdigest()},
        b'[{"eventId": 1, "attemptNumber": 0}]',
    ),
    "hubspot_v3": Sender(_hubspot_v3, b'[{"eventId": 1, "attemptNumber": 0}]'),
    "lemonsqueezy": Sender(lambda body, key, time: {"X-Signature": _mac(key, body).hex()}),
    "mailgun": Sender(lambda body, key, time: {}, mailgun()),
    "meta": Sender(
        lambda body, key, time: {"X-Hub-Signature-256": f"sha256={_mac(key, body).hex()}"},
        b'{"object": "page", "entry": [{"id": "1", "changes": [{"field": "leadgen", "value": {"leadgen_id": "7"}}]}]}',
    ),
    "paddle": Sender(
        lambda body, key, time: {"Paddle-Signature": f"ts={time};h1={_mac(key, time.encode(), b':', body).hex()}"}
    ),
    "postmark": Sender(_postmark, b'{"RecordType": "Delivery", "MessageID": "m-1"}', secret=f"postmark:{SECRET}"),
    "resend": Sender(_standard("svix"), in_base64=True),
    "sendgrid": Sender(_sendgrid, b'[{"event": "delivered", "sg_event_id": "s-1"}]', PUBLIC),
    "shopify": Sender(lambda body, key, time: {"X-Shopify-Hmac-Sha256": _text(_mac(key, body))}),
    "slack": Sender(
        lambda body, key, time: {
            "X-Slack-Request-Timestamp": time,
            "X-Slack-Signature": f"v0={_mac(key, b'v0:', time.encode(), b':', body).hex()}",
        }
    ),
    "standard_webhooks": Sender(_standard("webhook"), in_base64=True),
    "stripe": Sender(
        lambda body, key, time: {"Stripe-Signature": f"t={time},v1={_mac(key, time.encode(), b'.', body).hex()}"}
    ),
    "twilio": Sender(_twilio, b"Body=hi&From=%2B49"),
    "typeform": Sender(lambda body, key, time: {"Typeform-Signature": f"sha256={_text(_mac(key, body))}"}),
}

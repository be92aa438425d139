"""SendGrid: ECDSA P-256 over time and body; the source's secret is the public key (base64 DER).

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

from drumbeat.sources.signature import Allowed, Delivery, Scheme, Unverified, content_key, fresh, from_base64


class SendGrid(Scheme):
    """A delivery is a batch without a name of its own; a repeat has the same bytes."""

    name = "sendgrid"
    signed_in = ("X-Twilio-Email-Event-Webhook-Signature",)

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its content."""
        signature = from_base64(delivery.header("X-Twilio-Email-Event-Webhook-Signature"))
        time = delivery.header("X-Twilio-Email-Event-Webhook-Timestamp")
        fresh(time, allowed)
        if not any(_verifies(key, signature, time.encode() + delivery.body) for key in allowed.secrets):
            raise Unverified("no signature matches")
        return content_key(delivery.body)


def _verifies(public_key: str, signature: bytes, signed: bytes) -> bool:
    # Only sources of this scheme pay for this import.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(from_base64(public_key))
        if not isinstance(key, EllipticCurvePublicKey):
            return False
        key.verify(signature, signed, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


SCHEME = SendGrid()

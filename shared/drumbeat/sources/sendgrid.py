"""SendGrid: ECDSA P-256 over time and body; the source's secret is the public key (base64 DER).

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

import re
from typing import TYPE_CHECKING

from drumbeat.sources.secret_forms import cleaned, key_bytes
from drumbeat.sources.signature import Allowed, Delivery, NoMatch, Scheme, content_key, fresh, from_base64

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

_ARMOR = re.compile("-----(BEGIN|END) PUBLIC KEY-----")


class SendGrid(Scheme):
    """A delivery is a batch without a name of its own; a repeat has the same bytes.

    What is not answered 2xx is sent again for 24 hours:
    https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
    """

    name = "sendgrid"
    mistaken = (("SG.", "an API key"),)
    signed_in = ("X-Twilio-Email-Event-Webhook-Signature",)

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its content."""
        signature = from_base64(delivery.header("X-Twilio-Email-Event-Webhook-Signature"))
        time = delivery.header("X-Twilio-Email-Event-Webhook-Timestamp")
        fresh(time, allowed)
        if not any(_verifies(key, signature, time.encode() + delivery.body) for key in allowed.secrets):
            raise NoMatch("no signature matches")
        return content_key(delivery.body)

    def fact_name(self, fact: object) -> str | None:
        """Name an event by its id: a batch may hold what another has held, with other neighbours.

        https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/troubleshooting
        """
        name = fact.get("sg_event_id") if isinstance(fact, dict) else None
        return name if isinstance(name, str) and name else None

    def secret_problem(self, secret: str) -> str | None:
        """Ask for the verification key."""
        problem = super().secret_problem(secret)
        if problem is None and _public_key(cleaned(secret)) is None:
            return "is not the verification key of SendGrid's signed event webhook"
        return problem


def _public_key(text: str) -> "EllipticCurvePublicKey | None":
    # Only sources of this scheme pay for this import.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(key_bytes(_ARMOR.sub("", text)))
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, EllipticCurvePublicKey) else None


def _verifies(public_key: str, signature: bytes, signed: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    key = _public_key(public_key)
    if key is None:
        return False
    try:
        key.verify(signature, signed, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


SCHEME = SendGrid()

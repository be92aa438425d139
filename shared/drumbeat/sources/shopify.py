"""Shopify: base64 HMAC of the body. https://shopify.dev/docs/apps/build/webhooks/subscribe/https"""

from drumbeat.sources.signature import (
    TRUST_OPTION,
    Allowed,
    Delivery,
    Reply,
    Scheme,
    base64_text,
    content_key,
    digest,
    key_of,
    require,
    trusted_key,
)

_ID = "x-shopify-webhook-id"


class Shopify(Scheme):
    """The delivery's id is in a header that is not signed.

    Shopify asks for "a 200 OK response", and sends again for four hours:
    https://shopify.dev/docs/apps/build/webhooks/troubleshooting-webhooks
    """

    name = "shopify"
    signed_in = ("X-Shopify-Hmac-Sha256",)
    options = TRUST_OPTION
    reply = Reply()
    mistaken = (("shpat_", "an access token"), ("shppa_", "an access token"), ("shpca_", "an access token"))

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its content, which a retry keeps."""
        given = delivery.header("X-Shopify-Hmac-Sha256")
        require((base64_text(digest(secret, delivery.body)) for secret in allowed.secrets), [given])
        return trusted_key(delivery.headers.get(_ID), content_key(delivery.body), allowed)

    def former_key(self, delivery: Delivery, allowed: Allowed) -> str | None:  # noqa: ARG002 - the contract's
        """Name the delivery by its webhook id."""
        name = delivery.headers.get(_ID)
        return key_of(name) if name else None


SCHEME = Shopify()

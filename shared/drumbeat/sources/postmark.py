"""Postmark signs nothing: what it sends is known by a user name and password, or by a header of one's own.

https://postmarkapp.com/developer/webhooks/webhooks-overview, "Protecting your webhook"
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from drumbeat.sources.signature import (
    Allowed,
    Delivery,
    Option,
    Reply,
    Scheme,
    Unverified,
    content_key,
    from_base64,
    require,
)

_HEADER = "header"
_BASIC = "Authorization"
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)  # RFC 9110, 5.6.2


def _header_problem(value: str) -> str | None:
    return None if _TOKEN.fullmatch(value) else "header must be the name of a header, like X-Webhook-Secret"


class Postmark(Scheme):
    """The secret is `user:password`, as Postmark's address of the webhook has them, or the value of a header.

    Postmark sends again what is not answered 200, with the same bytes.
    """

    name = "postmark"
    reply = Reply()
    signed_in = (_BASIC,)
    options: Mapping[str, Option] = {
        _HEADER: Option(
            "the header, set under Custom headers of Postmark's webhook, whose value is the secret; without it the"
            " secret is `user:password`, as in the webhook's address",
            problem=_header_problem,
        )
    }

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its content."""
        header = allowed.options.get(_HEADER)
        if header:
            require(allowed.secrets, [delivery.header(str(header)).strip()])
        else:
            pairs = [secret for secret in allowed.secrets if ":" in secret]
            if allowed.secrets and not pairs:
                raise Unverified("the secret is not written as user:password")
            require(pairs, [_credentials(delivery.header(_BASIC))])
        return content_key(delivery.body)

    def signature_headers(self, options: Mapping[str, Any]) -> Sequence[str]:
        """Return the header that holds the secret."""
        return (str(options.get(_HEADER) or _BASIC),)


def _credentials(header: str) -> str:
    """Read Basic credentials (RFC 7617); raises Unverified."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        raise Unverified(f"the header {_BASIC} holds no Basic credentials")
    try:
        return from_base64(encoded.strip()).decode()
    except UnicodeDecodeError:
        raise Unverified("the credentials are not UTF-8") from None


SCHEME = Postmark()

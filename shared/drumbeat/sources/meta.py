"""Meta (Facebook, Instagram, WhatsApp): `sha256=` and the HMAC of the body under the app's secret.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started
"""

import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from drumbeat.sources.signature import (
    Allowed,
    Delivery,
    Option,
    Reply,
    Scheme,
    Unverified,
    content_key,
    digest,
    require,
)

_TOKEN = "verify_token"  # noqa: S105 - the name of an option
_CHALLENGE = re.compile(r"[0-9A-Za-z_.-]{1,256}")  # it is sent back as it came
_LISTS = ("changes", "messaging", "standby")  # of an entry, each of whose elements is a fact
_VALUES = ("messages", "statuses")  # of WhatsApp's changes, likewise


class Meta(Scheme):
    """Deliveries carry no name of their own; a repeat has the same bytes. They batch up to 1,000 updates.

    Meta asks for "200 OK HTTPS" and sends again for 36 hours.
    """

    name = "meta"
    options: Mapping[str, Option] = {
        _TOKEN: Option(
            "the secret with the verify token that you give Meta for this address; without it the address is confirmed"
            " to whatever app asks, whose deliveries are still refused unless your app's secret signs them",
            secret=True,
        )
    }
    reply = Reply()
    verify_token = _TOKEN
    mistaken = (("EAA", "an access token"),)
    signed_in = ("X-Hub-Signature-256",)

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its content."""
        given = delivery.header("X-Hub-Signature-256")
        require((f"sha256={digest(secret, delivery.body).hex()}" for secret in allowed.secrets), [given])
        return content_key(delivery.body)

    def confirm(self, delivery: Delivery, token: str | None) -> Reply:
        """Send `hub.challenge` back where `hub.verify_token` is the configured one."""
        query = parse_qs(urlsplit(delivery.url).query, keep_blank_values=True)
        mode, given, challenge = (query.get(f"hub.{name}", [""])[-1] for name in ("mode", _TOKEN, "challenge"))
        if mode != "subscribe" or not _CHALLENGE.fullmatch(challenge):
            raise Unverified("it does not ask as Meta does, with hub.mode and hub.challenge")
        if token is not None and not (token and hmac.compare_digest(token.encode(), given.encode())):
            raise Unverified("hub.verify_token is another one than the source's verify_token")
        return Reply(media_type="text/plain", body=challenge)

    def facts(self, delivered: object) -> int:
        """Count the updates of all entries."""
        entries = delivered.get("entry") if isinstance(delivered, dict) else None
        return sum(map(_updates, entries)) if isinstance(entries, list) else super().facts(delivered)


def _updates(entry: object) -> int:
    """Count the updates of one entry; one that lists none is one itself."""
    listed = [update for name in _LISTS for update in _list(entry, name)]
    return sum(max(1, sum(len(_list(_value(update), name)) for name in _VALUES)) for update in listed) or 1


def _value(update: object) -> object:
    return update.get("value") if isinstance(update, dict) else None


def _list(holder: object, name: str) -> list[object]:
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, list) else []


SCHEME = Meta()

"""Resend's words: the bodies of its webhooks.

https://resend.com/docs/webhooks/event-types and the page of each event below it.
"""

from collections.abc import Mapping

from drumbeat.core.feedback import Kind, Report
from drumbeat.providers.words.base import (
    Words,
    by_machine,
    fields,
    instant,
    name_of,
    our_key,
    reference_of,
    text,
    within,
    word,
    words,
)
from drumbeat.providers.words.ses_bounces import PERMANENT, bounced_as

_BOUNCED = "email.bounced"
_LISTED = "suppression.added"
_KINDS = {
    "email.sent": Kind.ACCEPTED,
    "email.scheduled": Kind.ACCEPTED,
    "email.delivered": Kind.DELIVERED,
    "email.delivery_delayed": Kind.DELAYED,
    "email.complained": Kind.COMPLAINED,
    "email.opened": Kind.OPENED,
    "email.clicked": Kind.CLICKED,
    "email.failed": Kind.REFUSED,
    # Not sent: the address is on Resend's list. Why it is there, by a bounce, a complaint or by hand, is not said.
    "email.suppressed": Kind.REFUSED,
}
_ORIGINS = {"bounce": Kind.BOUNCED, "complaint": Kind.COMPLAINED}  # of an address on Resend's list
_DETAILS = ("bounce", "failed", "suppressed", "delivery_delayed", "complaint")  # objects that say more
_EFFECT_ID = "effect-id"


class Resend(Words):
    """One event for each webhook. It is named by its content: the body holds no id of it, and a repeat is the same."""

    def read(self, fact: object) -> Report:
        """Read a webhook's body."""
        given = fields(fact)
        name = given.get("type")
        if not isinstance(name, str):
            raise ValueError("a report of Resend's has the text `type`")
        data = fields(given.get("data"))
        kind = _kind(name, data)
        key = our_key(_tag(data.get("tags")))
        reference = reference_of(data.get("email_id"), key)
        address = _recipient(data)
        link = text(within(data, "click", "link")) if kind is Kind.CLICKED else ""
        seen = fields(data.get("click" if kind is Kind.CLICKED else "open"))
        return Report(
            name=name_of("resend", name, key or reference or address, given.get("created_at"), link),
            kind=kind,
            word=word(name, within(data, "bounce", "type"), within(data, "bounce", "subType")),
            at=instant(given.get("created_at")),
            key=key,
            reference=reference,
            address=address or None,
            said=_said(data),
            link=link,
            machine=by_machine(kind, seen.get("userAgent"), seen.get("ipAddress")),
        )


def _kind(name: str, data: Mapping[str, object]) -> Kind:
    if name == _LISTED:
        return _ORIGINS.get(text(data.get("origin")), Kind.OTHER)
    if name != _BOUNCED:
        return _KINDS.get(name, Kind.OTHER)
    type, part = (text(within(data, "bounce", name)) for name in ("type", "subType"))
    return bounced_as(type or PERMANENT, part)  # the event itself says "permanently rejected"


def _tag(tags: object) -> object:
    """Return our tag, of an object of them or a list of pairs."""
    pairs = tags if isinstance(tags, list) else []
    return fields(tags).get(_EFFECT_ID) or next(
        (fields(pair).get("value") for pair in pairs if fields(pair).get("name") == _EFFECT_ID), None
    )


def _recipient(data: Mapping[str, object]) -> str:
    """Return the address that an event is about; '': it was sent to several, and which of them is not said."""
    to = data.get("to", data.get("email"))
    if isinstance(to, list):
        to = to[0] if len(to) == 1 else None
    return text(to)


def _said(data: Mapping[str, object]) -> str:
    details = [fields(data.get(name)) for name in _DETAILS]
    texts = [detail.get(name) for detail in details for name in ("message", "reason")]
    return next((said for said in map(words, texts) if said), "")


WORDS: Words = Resend()

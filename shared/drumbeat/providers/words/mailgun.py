"""Mailgun's words: the `event-data` of its webhooks.

https://documentation.mailgun.com/docs/mailgun/user-manual/events/events and, for what `failed` may hold,
https://documentation.mailgun.com/docs/mailgun/user-manual/events/event-structure
"""

from collections.abc import Mapping

from drumbeat.core.feedback import Kind, Report
from drumbeat.providers.words.base import (
    Words,
    by_machine,
    fields,
    instant,
    named,
    our_key,
    reference_of,
    text,
    within,
    word,
    words,
)
from drumbeat.providers.words.smtp import refused_by_server

_KINDS = {
    "accepted": Kind.ACCEPTED,
    "delivered": Kind.DELIVERED,
    "rejected": Kind.REFUSED,
    "opened": Kind.OPENED,
    "clicked": Kind.CLICKED,
    "unsubscribed": Kind.UNSUBSCRIBED,
    "complained": Kind.COMPLAINED,
}
_FAILED = "failed"
_TEMPORARY, _PERMANENT = "temporary", "permanent"
# `reason` of a permanent failure. Those of `suppress-` were not sent: the address is on one of Mailgun's lists.
_REASONS = {
    "suppress-bounce": Kind.BOUNCED,
    "suppress-complaint": Kind.COMPLAINED,
    "suppress-unsubscribe": Kind.UNSUBSCRIBED,
    "old": Kind.SOFT_BOUNCED,  # tried for as long as Mailgun tries
    "espblock": Kind.BLOCKED,
}
_BOUNCE = "bounce"


class Mailgun(Words):
    """One event for each webhook. Its id is unique within a day only, so that a report is named by id and day."""

    def read(self, fact: object) -> Report:
        """Read a webhook's body."""
        event = fields(fields(fact).get("event-data"))
        name = event.get("event")
        if not isinstance(name, str):
            raise ValueError("a report of Mailgun's has event-data with the text `event`")
        message_id = text(within(event, "message", "headers", "message-id")).strip("<>")
        key = our_key(within(event, "user-variables", "effect-id")) or our_key(message_id.partition("@")[0])
        at = instant(event.get("timestamp"))
        kind = _kind(name, event)
        reference = reference_of(message_id, key)
        address = text(event.get("recipient"))
        link = text(event.get("url")) if kind is Kind.CLICKED else ""
        id = text(event.get("id"))
        return Report(
            name=named(
                f"{id} {at:%Y-%m-%d}" if id and at else id,
                *("mailgun", name, key or reference or address, event.get("timestamp"), link),
            ),
            kind=kind,
            word=word(name, event.get("severity"), event.get("reason")),
            at=at,
            key=key,
            reference=reference,
            address=address or None,
            said=_said(event),
            link=link,
            machine=_by_machine(kind, event),
        )


def _kind(name: str, event: Mapping[str, object]) -> Kind:
    if name != _FAILED:
        return _KINDS.get(name, Kind.OTHER)
    if event.get("severity") == _TEMPORARY:
        return Kind.SOFT_BOUNCED
    if event.get("severity") != _PERMANENT:
        return Kind.OTHER
    reason = text(event.get("reason"))
    if reason in _REASONS:
        return _REASONS[reason]
    # `bounce` and `generic` are what a mail server answered; only the former is about the address in Mailgun's reading.
    about = refused_by_server(_answer(event), _code(event))
    return about or (Kind.BOUNCED if reason == _BOUNCE else Kind.SOFT_BOUNCED)


def _answer(event: Mapping[str, object]) -> str:
    status = fields(event.get("delivery-status"))
    return " ".join(text(status.get(name)) for name in ("enhanced-code", "message"))


def _code(event: Mapping[str, object]) -> int | None:
    code = within(event, "delivery-status", "code")
    return code if isinstance(code, int) else None


def _said(event: Mapping[str, object]) -> str:
    status = fields(event.get("delivery-status"))
    texts = (status.get("message"), status.get("description"), within(event, "reject", "reason"))
    return next((said for said in map(words, texts) if said), "")


def _by_machine(kind: Kind, event: Mapping[str, object]) -> bool:
    client = fields(event.get("client-info"))
    bot = bool(text(client.get("bot")))
    return by_machine(kind, client.get("user-agent"), event.get("ip"), known=bot)


WORDS: Words = Mailgun()

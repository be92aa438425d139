"""Ordering a report: which mail it is of, and whether its provider can say that."""

from collections.abc import Mapping
from typing import Any

from drumbeat.core.feedback import Kind
from drumbeat.sandbox.errors import InvalidCommand
from drumbeat.sandbox.mailbox import Mail
from drumbeat.sandbox.reports.sent import read_sent
from drumbeat.sandbox.state import State

FIELDS = ("provider", "key", "id", "kind", "times", "after", "word", "said", "link", "email", "machine", "unknown")
MAX_TIMES, MAX_AFTER_SECONDS = 100, 1e7


def order_of_mail(state: State, mail: Mail, kind: str, **more: object) -> dict[str, Any]:
    """Return the order of a report about this mail. Raises InvalidCommand."""
    return _order(state, mail.number, mail.item, {"kind": kind, **more})


def parse_order(state: State, command: Mapping[str, Any]) -> dict[str, Any]:
    """Return the order that a command's fields make: of the newest mail or call with that key or id.

    Raises InvalidCommand: a field is wrong, there is no such mail, or it cannot be reported.
    """
    if unknown := sorted(set(command) - set(FIELDS)):
        raise InvalidCommand(f"feedback has no {', '.join(map(repr, unknown))}; it has {', '.join(FIELDS)}")
    provider, name = str(command.get("provider") or ""), str(command.get("key") or command.get("id") or "")
    found = places_of(state, provider, name) if name else []
    if not found:
        raise InvalidCommand("no mail or call with that key or id was accepted; name one by key or id, and provider")
    entry, item = max(found, key=lambda place: (place[0], place[1] or 0))
    return _order(state, entry, item, command)


def places_of(state: State, provider: str, name: str) -> list[tuple[int, int | None]]:
    """Return where the record has the accepted mails and calls with this key or id; '' is any provider."""
    mails = [(mail.number, mail.item) for mail in state.mailbox.named(name) if provider in ("", mail.provider)]
    calls: list[tuple[int, int | None]] = []
    if provider in ("", "http"):
        trail = [(number, state.record.entry(number)) for number in state.counts.trail("http", name)]
        calls = [(number, None) for number, entry in trail if entry["did"] == "accepted"]
    return [*mails, *calls]


def _order(state: State, entry: int, item: int | None, command: Mapping[str, Any]) -> dict[str, Any]:
    sent = read_sent(state.record.entry(entry), item)
    says = state.feedback.kinds(sent)
    kind = str(command.get("kind") or "")
    if not says:
        raise InvalidCommand(
            f"no webhook that is confirmed is registered for {sent.provider} {sent.account}, so nothing is reported; "
            "register one with POST /_sandbox/webhooks"
        )
    if kind not in says:
        raise InvalidCommand(f"{sent.provider} reports {', '.join(sorted(says))}; not {kind!r}")
    order = {name: command[name] for name in ("word", "said", "link", "email") if command.get(name)}
    flags = {name: True for name in ("machine", "unknown") if command.get(name) in (True, "true", "yes", "1", "on")}
    link = {"link": "https://example.com/"} if kind == Kind.CLICKED and "link" not in order else {}
    times, after = _number(command, "times", 1.0, MAX_TIMES), _number(command, "after", 0.0, MAX_AFTER_SECONDS)
    if times < 1:
        raise InvalidCommand("times is how often it is told, 1 at least")
    return {"entry": entry, "item": item, "kind": kind, "times": int(times), "after": after, **order, **flags, **link}


def _number(command: Mapping[str, Any], name: str, default: float, most: float) -> float:
    try:
        number = float(command.get(name, default))
    except (TypeError, ValueError):
        number = -1.0
    if not 0.0 <= number <= most:
        raise InvalidCommand(f"{name} is a number from 0 to {most:g}")
    return number

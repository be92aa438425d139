"""Where each account's webhooks go: what a vendor's dashboard would know."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from drumbeat.sandbox.errors import InvalidCommand
from drumbeat.sandbox.origin import is_loopback
from drumbeat.sandbox.reports import registry
from drumbeat.sandbox.reports.base import Destination, Sent, domain

FIELDS = ("provider", "account", "url", "secret", "topic", "header", "ahead")


def parse(number: int, command: Mapping[str, Any]) -> Destination:
    """Check the fields and return their destination. Raises InvalidCommand."""
    if unknown := sorted(set(command) - set(FIELDS)):
        raise InvalidCommand(f"a webhook has no {', '.join(map(repr, unknown))}; it has {', '.join(FIELDS)}")
    provider, url = str(command.get("provider") or ""), str(command.get("url") or "")
    if provider not in registry.names():
        raise InvalidCommand(f"provider {provider!r} reports nothing here; these do: {', '.join(registry.names())}")
    if not _on_this_machine(url):
        raise InvalidCommand("url is an http address with a port on this machine; webhooks are sent nowhere else")
    try:
        ahead = float(command.get("ahead") or 0.0)
    except (TypeError, ValueError):
        raise InvalidCommand("ahead is a number of seconds") from None
    named = {name: str(command.get(name) or "") for name in ("secret", "topic", "header")}
    account = str(command["account"]) if command.get("account") else None
    destination = Destination(number, provider, account, url, **named, ahead=ahead, confirmed=provider != "ses")
    if (problem := registry.get(provider).problem(destination)) is not None:
        raise InvalidCommand(problem)
    return destination


class Destinations:
    """The destinations in force, in the order in which they were registered."""

    def __init__(self) -> None:
        self._destinations: dict[int, Destination] = {}

    def __bool__(self) -> bool:
        return bool(self._destinations)

    def __iter__(self) -> Iterator[Destination]:
        return iter(self._destinations.values())

    def get(self, number: int) -> Destination | None:
        """Return the destination of this number, or None: it was taken away."""
        return self._destinations.get(number)

    def same(self, other: Destination) -> Destination | None:
        """Return the one in force that is no different, or None."""
        return next((one for one in self if replace(other, number=one.number, confirmed=one.confirmed) == one), None)

    def add(self, destination: Destination) -> None:
        """Put it in force, in the place of one of the same account and address."""
        for one in list(self):
            if (one.provider, one.account, one.url) == (destination.provider, destination.account, destination.url):
                del self._destinations[one.number]
        self._destinations[destination.number] = destination

    def remove(self, number: int | None) -> None:
        """Take one away, or all of them for None."""
        if number is None:
            self._destinations.clear()
        else:
            self._destinations.pop(number, None)

    def confirm(self, number: int) -> None:
        """Note that its subscription was confirmed."""
        if (found := self._destinations.get(number)) is not None:
            self._destinations[number] = replace(found, confirmed=True)

    def of(self, sent: Sent) -> list[Destination]:
        """Return where reports of this mail go: by its account, or the domain that it is from."""
        names = (None, sent.account, domain(sent.sender))
        return [one for one in self if one.provider == sent.provider and one.account in names]

    def to_json(self) -> list[dict[str, Any]]:
        """Return them as the control API shows them; secrets are left out."""
        return [
            {"id": one.number, "provider": one.provider, "account": one.account, "url": one.url, "topic": one.topic,
             "header": one.header, "ahead": one.ahead, "secret": bool(one.secret), "confirmed": one.confirmed}
            for one in self
        ]  # fmt: skip


def _on_this_machine(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and is_loopback(parts.hostname or "") and parts.port is not None
    except ValueError:
        return False

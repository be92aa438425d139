"""Two Mondays at nine in twelve time zones, before and after the clocks of Europe go forward on 29 March 2026."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tests.chaos.newsletter.people import DOMAIN

MONDAYS = (datetime(2026, 3, 23, 9), datetime(2026, 3, 30, 9))
OFFICE = "Europe/Berlin"
ZONES = (
    "Pacific/Kiritimati",
    "Pacific/Auckland",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Africa/Nairobi",
    "Africa/Cairo",
    OFFICE,
    "Europe/London",
    "America/Sao_Paulo",
    "America/New_York",
    "America/Los_Angeles",
    "Pacific/Pago_Pago",
)
DIGEST, OFFICE_DIGEST = "digest", "office"
NO_ZONE, ODD_ZONE = "none", "Mars/Olympus"  # both have the campaign's fallback


@dataclass(frozen=True, slots=True)
class Due:
    """The mails that are due at one instant, as (address, subject)."""

    at: datetime
    mails: frozenset[tuple[str, str]]


def readers(people: int) -> Mapping[str, Mapping[str, str]]:
    """Return the addresses of so many people with what each says of themselves; some say no zone, or none there is."""
    said = (*ZONES, NO_ZONE, ODD_ZONE)
    zones = {f"reader-{number}@{DOMAIN}": said[number % len(said)] for number in range(people)}
    return {address: {} if zone == NO_ZONE else {"timezone": zone} for address, zone in zones.items()}


def firings(number: int) -> Mapping[str, datetime]:
    """Return when each campaign fires for a Monday: with the first zone, and with its own."""
    return {
        DIGEST: _instant(MONDAYS[number], "Pacific/Kiritimati"),
        OFFICE_DIGEST: _instant(MONDAYS[number], OFFICE),
    }


def due(people: Mapping[str, Mapping[str, str]], number: int) -> Iterator[Due]:
    """Yield what is due for a Monday, instant by instant."""
    at: dict[datetime, set[tuple[str, str]]] = {}
    for address, said in people.items():
        own = said.get("timezone", OFFICE)
        at.setdefault(_instant(MONDAYS[number], own if own in ZONES else OFFICE), set()).add(
            (address, f"{DIGEST} {number}")
        )
        at.setdefault(_instant(MONDAYS[number], OFFICE), set()).add((address, f"{OFFICE_DIGEST} {number}"))
    yield from (Due(instant, frozenset(at[instant])) for instant in sorted(at))


def _instant(wall: datetime, zone: str) -> datetime:
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)

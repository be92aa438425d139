"""Time zones as the pinned `tzdata` package knows them: the machine's own database is never read.

Two machines whose systems were updated at different times would otherwise disagree about when a campaign is due.
"""

from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

NOWHERE = "Factory"  # what a machine has whose zone no one has set


@cache
def names() -> frozenset[str]:
    """Return the name of every zone."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split()) - {NOWHERE}


@cache
def zone(name: str) -> ZoneInfo:
    """Return a zone. Raises LookupError when no zone has that name."""
    if name not in names():
        raise LookupError(f"there is no time zone {name}; write one like Europe/Berlin, or UTC")
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)

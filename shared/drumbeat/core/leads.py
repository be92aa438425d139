"""A lead as the texts of a campaign see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Lead:
    """What is known of one address."""

    email: str  # in the spelling that came last
    attributes: Mapping[str, Any] = field(default_factory=dict)


def lead_of(address: str, attributes: Mapping[str, Mapping[str, Any]]) -> Lead:
    """Return a lead of its address and its attributes as the ledger keeps them; those that were taken away are none."""
    return Lead(address, {name: entry["v"] for name, entry in attributes.items() if "v" in entry})

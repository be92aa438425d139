"""The id that a caller names: whole, or by its beginning where that means one alone."""

import re
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from drumbeat.api.query import Parameter, identifier
from drumbeat.core.errors import Ambiguous, NotFound
from drumbeat.services import services
from drumbeat.views.beginnings import CANDIDATES_SHOWN, Kind, beginning

WRITTEN = {
    "type": "string",
    "pattern": "^[0-9a-fA-F]{4}[0-9a-fA-F-]{0,32}$",
    "description": "an id, or how it begins: four digits of it or more, where that means one alone",
}
_BEGINS = re.compile("[0-9a-fA-F]{4}[0-9a-fA-F-]{0,31}", re.ASCII)


@dataclass(frozen=True)
class Named(Parameter):
    """The id of something that there is; reading it may ask the ledger."""

    name: Kind

    def read(self, text: str) -> UUID:
        """Read one. Raises Invalid, Ambiguous, and NotFound where none begins so."""
        return named(self.name, text)

    def schema(self) -> dict[str, Any]:
        """Describe it."""
        return dict(WRITTEN)


type EventId = Annotated[UUID, Named("event")]
type EffectId = Annotated[UUID, Named("effect")]
type RunId = Annotated[UUID, Named("run")]


def event_id(text: str) -> UUID:
    """Return the id of an event. Raises Invalid, Ambiguous, and NotFound where none begins so."""
    return named("event", text)


def effect_id(text: str) -> UUID:
    """Return the id of an effect. Raises Invalid, Ambiguous, and NotFound where none begins so."""
    return named("effect", text)


def run_id(text: str) -> UUID:
    """Return the id of a run. Raises Invalid, Ambiguous, and NotFound where none begins so."""
    return named("run", text)


def named(kind: Kind, text: str) -> UUID:
    """Return the one id of this kind that is written so or begins so; of a whole id the ledger is not asked."""
    if (found := only(kind, text)) is None:
        raise NotFound(f"the id of no {kind} begins with {text}; nothing was changed")
    return found


def only(kind: Kind, text: str) -> UUID | None:
    """Return the same; None: none begins so. Raises Invalid and Ambiguous."""
    digits = text.replace("-", "").lower()
    if len(digits) >= 32 or not _BEGINS.fullmatch(text):
        return identifier(text)
    found = beginning(services().db, kind, digits)
    if len(found) > 1:
        raise Ambiguous(_candidates(kind, text, found), [str(id) for id in found[:CANDIDATES_SHOWN]])
    return found[0] if found else None


def _candidates(kind: Kind, text: str, found: list[UUID]) -> str:
    shown = ", ".join(map(str, found[:CANDIDATES_SHOWN]))
    more = " and more" if len(found) > CANDIDATES_SHOWN else ""
    return f"the ids of several {kind}s begin with {text}: {shown}{more}. Write more of the one; nothing was changed"

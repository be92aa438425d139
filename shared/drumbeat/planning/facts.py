"""The facts of a delivery that holds several: each becomes an event of its own. Pure, the same on every machine."""

import json
from dataclasses import dataclass
from uuid import UUID

from drumbeat.core import ids
from drumbeat.core.configuration import Config
from drumbeat.core.events import Event
from drumbeat.planning.payload import Unmappable, split
from drumbeat.sources import registry
from drumbeat.sources.signature import FACT, key_of

MOST_FACTS = 2_000  # of one delivery; senders send up to 1,000
MOST_BYTES = 8 * 1024 * 1024  # of all facts of a delivery, written apart


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of a delivery, as the event that it becomes."""

    id: UUID
    key: str
    body: bytes  # its JSON alone


def facts_of(event: Event, config: Config) -> tuple[Fact, ...]:
    """Return the facts that a delivery is split into by its source; none where the event is acted on itself.

    A fact that its sender names has that name in whatever delivery it comes, so that one which comes again beside
    others is the same event; any other is named by its delivery and its place there. A delivery of one fact without a
    name is acted on itself: its key says as much, and a release before has recorded it so.

    Raises:
        Unmappable: the delivery cannot be split. Nothing is done for any of its facts, and all are kept.
    """
    source = config.sources.get(event.source)
    if event.door != "webhook" or event.delivery is not None or event.body is None:
        return ()
    if source is None or source.split is None:
        return ()
    found = split(event.body, source)
    if len(found) > MOST_FACTS:
        raise Unmappable(
            f"the delivery holds {len(found):,} facts, and one is split into {MOST_FACTS:,} at most: nothing was done "
            "for any of them, and all are kept in its body"
        )
    names = [registry.get(source.scheme).fact_name(fact) for fact in found]
    if names == [None]:
        return ()
    facts = {
        key: Fact(ids.event_id(event.source, key), key, body)
        for place, (name, body) in enumerate(zip(names, _written(found), strict=True), 1)
        for key in [key_of(f"{FACT}{name}") if name else f"{FACT}{place} of {event.key}"]
    }
    return tuple(facts.values())


def _written(facts: list[object]) -> list[bytes]:
    """Write each fact as JSON: in ASCII, which also holds what is not Unicode, as half of a surrogate pair."""
    try:
        bodies = [json.dumps(fact, separators=(",", ":")).encode() for fact in facts]
    except RecursionError:
        raise Unmappable("a fact of the delivery is nested too deeply; all are kept in its body") from None
    if sum(map(len, bodies)) > MOST_BYTES:
        raise Unmappable("the facts that split makes of the delivery are too large; all are kept in its body")
    return bodies

"""The four kinds of rows that traces are made of, and the next of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

from drumbeat.ledger.database import Database, Row
from drumbeat.observability.traces import effects, events, otlp, traces_sql
from drumbeat.observability.traces.spans import Span
from drumbeat.observability.traces.traces_sql import Position, Progress

type Make = Callable[[Database, Sequence[Row]], Sequence[Sequence[Span]]]


@dataclass(frozen=True, slots=True)
class Item:
    """What one row gives: it is exported whole."""

    stream: str
    position: Position
    spans: tuple[str, ...]  # as JSON

    @property
    def size(self) -> int:
        """How many bytes it has in a request; the JSON is ASCII."""
        return sum(len(span) + 1 for span in self.spans)


def _each(make: Callable[[Row], Sequence[Span]]) -> Make:
    return lambda _, rows: [make(row) for row in rows]


STREAMS: Mapping[str, tuple[LiteralString, Make]] = {
    "plans": (traces_sql.PLANS, _each(events.of_plan)),
    "ends": (traces_sql.ENDS, effects.spans),
    "outcomes": (traces_sql.OUTCOMES, _each(events.of_outcome)),
    "feedback": (traces_sql.FEEDBACK, _each(events.of_report)),
}


def upcoming(db: Database, stream: str, progress: Progress, limit: int) -> list[Item]:
    """Return what is exported next of a stream, in its order."""
    statement, make = STREAMS[stream]
    rows = traces_sql.page(db, statement, progress.positions[stream], progress.horizon, limit)
    made = make(db, rows) if rows else []
    return [
        Item(stream, Position(row["tx"], row["id"], row["n"]), tuple(map(otlp.written, spans)))
        for row, spans in zip(rows, made, strict=True)
    ]

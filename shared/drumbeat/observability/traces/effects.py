"""The trace of an effect: one span for each end of it, and below that its waits and attempts, from the journal's rows.

An effect that a person has sent again ends again: that is a further span below the first one. Each span is made of rows
that never change, so what is exported twice is the same.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit
from uuid import UUID

from drumbeat.core import tracing
from drumbeat.core.status import Status
from drumbeat.core.tracing import SpanContext
from drumbeat.ledger.database import Database, Row
from drumbeat.observability.traces import traces_sql
from drumbeat.observability.traces.spans import Code, Kind, Moment, Span, described

CODES: Mapping[str, Code] = {Status.ACCEPTED: Code.OK, Status.REFUSED: Code.ERROR}
MOST_MOMENTS = 64

type Attempts = Mapping[tuple[UUID, int], Row]


def spans(db: Database, ends: Sequence[Row]) -> list[list[Span]]:
    """Return the spans of each of these ends."""
    rows = traces_sql.moves(db, ends)
    opened = [(row["id"], row["fence"]) for row in rows if row["to_status"] == Status.SENDING]
    attempts = {(row["id"], row["n"]): row for row in traces_sql.attempts(db, opened)} if opened else {}
    moves: dict[tuple[UUID, int], list[Row]] = defaultdict(list)
    for row in rows:
        moves[row["id"], row["last"]].append(row)
    return [_story(end, moves[end["id"], end["n"]], attempts) for end in ends]


def server_of(identity: str) -> dict[str, str]:
    """Return the provider and the host of an account's identity, by their names in a trace."""
    provider, url, *_ = [*identity.split(" "), ""]
    host = urlsplit(url).hostname
    return {"drumbeat.provider": provider, **({"server.address": host} if host else {})}


def _story(end: Row, moves: Sequence[Row], attempts: Attempts) -> list[Span]:
    first = end["before"] is None
    whole = tracing.of_effect(end["id"])
    top = whole if first else SpanContext(whole.trace_id, tracing.span_id(end["id"], "effect", end["before"] + 1))
    begins = moves[0]["at"] if moves else end["at"]
    told = [
        Moment(move["to_status"], move["at"], described(reason=move["reason_code"]))
        for move in moves
        if move["to_status"] in (Status.UNKNOWN, Status.HELD, Status.WAITING)
        and move["from_status"] not in (None, Status.CLAIMED)
    ]
    span = Span(
        top,
        f"effect {end['action']}",
        begins,
        max(begins, end["at"]),
        parent=None if first else whole,
        attributes=described(
            effect__id=str(end["id"]),
            event__id=str(end["event_id"]),
            flow=end["flow"],
            step=end["step"],
            account=end["account"],
            action=end["action"],
            campaign=end["campaign"],
            version=end["version"],
            status=end["status"],
            reason=end["reason_code"],
            maybe_sent=end["maybe_sent"],
        )
        | _error(end["status"] == Status.REFUSED, end["reason_code"]),
        moments=tuple(told[-MOST_MOMENTS:]),
        moments_left_out=max(0, len(told) - MOST_MOMENTS),
        link=tracing.of_event(end["event_id"], tracing.restored(end["trace"])),
        code=CODES.get(end["status"], Code.UNSET),
    )
    return [span, *_parts(end, moves, attempts, top)]


def _parts(end: Row, moves: Sequence[Row], attempts: Attempts, top: SpanContext) -> list[Span]:
    """Follow the rows: what waits, waits until an attempt is opened, or until the end."""
    parts: list[Span] = []
    since: int | None = None
    back: list[Row] = []  # claims that were put back while it waits
    attempt: Row | None = None
    for move in moves:
        if attempt is not None:
            parts.append(_attempt(attempt, move, top))
            attempt = None
        match move["from_status"], move["to_status"]:
            case Status.CLAIMED, Status.WAITING:
                back.append(move)
            case None, Status.WAITING:
                since, back = max(move["at"], end["due_at"] or 0), []
            case _, Status.WAITING | Status.HELD:
                since, back = move["at"], []
            case _, to:
                if since is not None:
                    parts.append(_wait(move, since, back, top))
                since = None
                if to == Status.SENDING:
                    attempt = attempts.get((move["id"], move["fence"]))
    return parts


def _wait(until: Row, since: int, back: Sequence[Row], top: SpanContext) -> Span:
    """Return a wait: from when it was due, or could go on, until an attempt was opened, or something ended it."""
    return Span(
        SpanContext(top.trace_id, tracing.span_id(until["id"], "wait", until["seq"])),
        "wait",
        min(since, until["at"]),
        until["at"],
        parent=top,
        attributes=described(put_back=len(back), until=until["to_status"]),
        moments=tuple(Moment("put back", one["at"], described(reason=one["reason_code"])) for one in back),
    )


def _attempt(attempt: Row, closed: Row, top: SpanContext) -> Span:
    """Return an attempt: from before its request left until its outcome was recorded, or its lease had ended."""
    failed = closed["to_status"] != Status.ACCEPTED
    reason = attempt["reason_code"] or closed["reason_code"]
    return Span(
        SpanContext(top.trace_id, tracing.of_attempt(attempt["id"], attempt["n"]).span_id),
        "attempt",
        attempt["opened_at"],
        max(attempt["opened_at"], closed["at"]),
        parent=top,
        kind=Kind.CLIENT,
        attributes=server_of(attempt["identity"])
        | described(
            attempt=attempt["n"],
            generation=attempt["generation"],
            outcome=attempt["kind"],
            status=closed["to_status"],
            reason=reason,
        )
        | _error(failed, reason),
        code=Code.ERROR if failed else Code.OK,
    )


def _error(failed: bool, reason: str | None) -> dict[str, str]:
    return {"error.type": reason or "_OTHER"} if failed else {}

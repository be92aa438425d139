"""What a person asked for on a page of ours: to leave lists, or to be on one. It is recorded, or waits to be.

A withdrawal counts from the commit that records it: an attempt that is opened later sees it in its contact's row. A
confirmation is an event like any other, counts once it is planned, and is about the one list that its mail asked about.
What is recorded at once has the ledger's time; what waited has that of its queue.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from drumbeat.core import fingerprint, ids
from drumbeat.core.consent import CONFIRMED_WITHIN, document
from drumbeat.core.events import Arrival, EventType
from drumbeat.ingest import recording
from drumbeat.ingest.door import Door
from drumbeat.ingest.single import UNREACHABLE
from drumbeat.people import wishes_sql
from drumbeat.people.wishes_sql import Pending

UNSUBSCRIBE_SOURCE = "drumbeat:unsubscribe"


class WishKind(StrEnum):
    """What is asked for."""

    WITHDRAW = "withdraw"
    CONFIRM = "confirm"


class Taken(StrEnum):
    """What became of a wish."""

    RECORDED = "recorded"  # committed in the ledger, now or before
    WAITING = "waiting"  # in the queue of wishes: recorded before any marketing goes on
    NOTHING = "nothing"  # the mail that it names is not known, or what the mail asked about was erased
    EXPIRED = "expired"  # the sign-up is too old to be confirmed
    LEFT = "left"  # it was confirmed, and the person has left the list since: an old link brings no one back


@dataclass(frozen=True, slots=True)
class Wish:
    """One wish. It names no address: whose it is stands in the ledger."""

    kind: WishKind
    mail: UUID  # the effect whose mail it came from
    id: UUID  # of a withdrawal: its key
    lists: tuple[str | None, ...] | None  # to leave; ("*",): all; None, also among names: the mail's own
    received_at: datetime  # by the clock of the process that took it; of one that waited by that of its queue
    evidence: Mapping[str, str]


def take(wish: Wish, door: Door) -> Taken:
    """Record a wish, or let it wait while the ledger is unreachable; returns only when one of the two is certain.

    Raises:
        Unavailable: neither ledger nor queue took it.
    """
    try:
        return record(wish, door)
    except UNREACHABLE:
        from drumbeat.people import waiting_wishes

        waiting_wishes.put(wish, door)
        return Taken.WAITING


def record(wish: Wish, door: Door, *, waited: bool = False) -> Taken:
    """Record a wish; harmless to repeat. One that `waited` takes nothing back that its person said since `received_at`.

    Raises:
        psycopg.OperationalError: Postgres is unreachable; whether the wish was recorded is then unknown.
    """
    act = _withdraw if wish.kind is WishKind.WITHDRAW else _confirm
    return act(wish, door, waited=waited)


def _withdraw(wish: Wish, door: Door, *, waited: bool) -> Taken:
    lists = (None,) if wish.lists is None else wish.lists
    said = [{"list": name, "kind": "withdrawn"} for name in lists]
    body = _json({"payload": {}, "consent": said, "mail": str(wish.mail), "evidence": dict(wish.evidence)})
    event = ids.event_id(UNSUBSCRIBE_SOURCE, str(wish.id))
    arrival = Arrival(
        id=event,
        source=UNSUBSCRIBE_SOURCE,
        key=str(wish.id),
        type=EventType.CONSENT,
        door="unsubscribe",
        fingerprint=fingerprint.of_raw(body),
        scheduled_at=None,
        received_at=wish.received_at,
        body=body,
    )
    known = False

    def commit() -> list[UUID]:
        nonlocal known
        withdrawn = wishes_sql.withdraw(door.services.db, arrival, mail=wish.mail, lists=lists, waited=waited)
        known = withdrawn.known
        return [event] if withdrawn.inserted else []

    recording.announced([event], door, commit)
    return Taken.RECORDED if known else Taken.NOTHING


def _confirm(wish: Wish, door: Door, *, waited: bool) -> Taken:
    pending = wishes_sql.pending(door.services.db, wish.mail)
    body = None if pending is None else _confirming(pending, wish)
    if pending is None or body is None:
        return Taken.NOTHING
    if not pending.confirmed and wish.received_at - pending.received_at > CONFIRMED_WITHIN:
        return Taken.EXPIRED
    if pending.left:
        return Taken.LEFT
    arrival = Arrival(
        id=ids.event_id(pending.source, pending.key),
        source=pending.source,
        key=pending.key,
        # A sign-up by a form becomes the lead that flows act on; a program's event was one already.
        type=EventType.LEAD_CAPTURE if pending.type == EventType.CONSENT else EventType.CONSENT,
        door="confirm",
        fingerprint=fingerprint.of_raw(body),
        scheduled_at=None,
        received_at=wish.received_at if waited else max(wish.received_at, pending.now),
        body=body,
    )
    recording.record(arrival, door)  # pressed again, it is the event that was first
    return Taken.RECORDED


def _confirming(pending: Pending, wish: Wish) -> bytes | None:
    """Return the body of the event that confirms one list; None where what asked about it was erased."""
    body = document(pending.body)
    if not isinstance(body, dict):
        return None
    given = [{"list": pending.list, "kind": "given"}]
    payload = body.get("payload") or {}
    return _json({"payload": payload, "consent": given, "mail": str(wish.mail), "evidence": dict(wish.evidence)})


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()

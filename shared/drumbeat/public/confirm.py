"""The page of a confirmation mail's link: it shows a button, and only a person's press of it confirms."""

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from drumbeat.core import ids
from drumbeat.core.consent import UNVERIFIED_SOURCE
from drumbeat.core.errors import Invalid, NotFound
from drumbeat.core.events import Arrival, EventType
from drumbeat.core.scanners import is_scanner
from drumbeat.ingest import buffer, recording
from drumbeat.ingest.door import Door
from drumbeat.ingest.single import UNREACHABLE
from drumbeat.people import wishes_sql
from drumbeat.people.tokens import Kind, Tokens
from drumbeat.people.wishes import Taken, Wish, WishKind, take
from drumbeat.public import fields, stamps
from drumbeat.public.languages import of_link
from drumbeat.public.visit import Visit

DOOR = "confirm"
BUCKET_SECONDS = 600  # a scanner's presses of one link are one event within so long


class Pressed(StrEnum):
    """What a press of the button did."""

    CONFIRMED = "confirmed"  # now or before
    RECEIVED = "received"  # it waits for the ledger, which alone knows whether it is too old, or the person has left
    AGAIN = "again"  # it may have been a program: a person is asked to press again
    EXPIRED = "expired"
    LEFT = "left"  # it was confirmed before, and the person has left the list since
    UNKNOWN = "unknown"  # the mail is not known, or what it asked about was erased


_PRESSED = {
    Taken.RECORDED: Pressed.CONFIRMED,
    Taken.WAITING: Pressed.RECEIVED,
    Taken.EXPIRED: Pressed.EXPIRED,
    Taken.LEFT: Pressed.LEFT,
    Taken.NOTHING: Pressed.UNKNOWN,
}


def read(token: str, door: Door) -> UUID:
    """Return the mail that a link came in; nothing is asked but our keys. Raises NotFound."""
    if (mail := Tokens.of(door.services).read(Kind.CONFIRM, token)) is None:
        raise NotFound("This link is not one of ours, or it is not complete. Nothing was changed.")
    return mail


def first_use(mail: UUID) -> str:
    """Return what the stamp of a page is for that is shown to anyone."""
    return f"confirm {mail}"


def second_use(mail: UUID) -> str:
    """Return what the stamp of a page is for that asks to press again."""
    return f"confirm again {mail}"


def press(mail: UUID, visit: Visit, door: Door) -> Pressed:
    """Confirm what a mail asks; pressed again, the same. What may be a program's press is kept and changes nothing.

    Raises:
        TooLarge: the body is. Unavailable: neither ledger nor queue took it.
    """
    stamp = _posted(visit)
    now = door.services.clock.now()
    if why := _doubt(mail, stamp, visit, door):
        _keep_unverified(mail, why, visit, now, door)
        return Pressed.AGAIN
    taken = take(Wish(WishKind.CONFIRM, mail, uuid4(), None, now, _evidence(visit, door)), door)
    return _PRESSED[taken]


def _posted(visit: Visit) -> str:
    """Return the stamp that came; "": none that could be read."""
    body = visit.body()
    try:
        return str(fields.read(visit.headers.get("content-type", ""), body).get(stamps.FIELD, ("",))[0])
    except (Invalid, fields.Flawed):
        return ""


def _doubt(mail: UUID, stamp: str, visit: Visit, door: Door) -> str | None:
    """Say why a press may be a program's; None: it is a person's.

    On the page that asks to press again the name of a browser does not count, so that no person is locked out.
    """
    first = stamps.read(first_use(mail), stamp, door.services)
    shown = first or stamps.read(second_use(mail), stamp, door.services)
    if shown is None:
        return "it did not come from the page"
    if stamps.is_too_fast(shown, door.services):
        return f"it was pressed within {stamps.PERSON_SECONDS:g} seconds of the page"
    if first is not None and is_scanner(visit.user_agent):
        return "its browser calls itself a scanner of links"
    return None


def _keep_unverified(mail: UUID, why: str, visit: Visit, now: datetime, door: Door) -> None:
    """Record that the button was pressed and by what it may have been; once in ten minutes for each mail."""
    key = f"{mail}:{int(now.timestamp()) // BUCKET_SECONDS}"
    try:
        pending = wishes_sql.pending(door.services.db, mail)
        payload = _person(pending.body if pending else None)
        if payload is None:
            return  # there is nothing that could be confirmed
        recording.record(_unverified(mail, key, payload, why, visit, now, door), door)
    except UNREACHABLE:
        buffer.put([_unverified(mail, key, {}, why, visit, now, door)], door)


def _person(body: bytes | None) -> dict[str, str] | None:
    """Return who was asked, so that the press is found by their address; None: it is not there."""
    try:
        payload = json.loads(body or b"null")["payload"]
        return {"email": str(payload["email"])} if "email" in payload else {}
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _unverified(
    mail: UUID, key: str, payload: dict[str, str], why: str, visit: Visit, now: datetime, door: Door
) -> Arrival:
    evidence = _evidence(visit, door) | {"unverified": why, "user_agent": visit.user_agent}
    body = {"payload": payload, "consent": [], "mail": str(mail), "evidence": evidence}
    return Arrival(
        id=ids.event_id(UNVERIFIED_SOURCE, key),
        source=UNVERIFIED_SOURCE,
        key=key,
        type=EventType.CONSENT,
        door=DOOR,
        fingerprint=hashlib.sha256(key.encode()).digest(),  # the first press is kept, and stands for the others
        scheduled_at=None,
        received_at=now,
        body=json.dumps(body, ensure_ascii=False).encode(),
    )


def _evidence(visit: Visit, door: Door) -> dict[str, str]:
    return {"form": "confirmation page", "locale": of_link(visit, door), "ip": visit.network}

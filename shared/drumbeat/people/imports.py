"""Leads that come in a file: each row is an event, named by the file's hash and its number: a repeat adds nothing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from uuid import UUID

from drumbeat.access.keys import ApiKey
from drumbeat.core import fingerprint, ids
from drumbeat.core.address import Keys, keys_of, normalise
from drumbeat.core.clock import in_order
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.consent import EVERY_LIST, ConsentKind
from drumbeat.core.errors import Invalid, InvalidAddress
from drumbeat.core.events import Arrival, EventType
from drumbeat.ingest import recording
from drumbeat.ingest import sql as ingest_sql
from drumbeat.ingest.door import Door
from drumbeat.ingest.request import MAX_EVENT_BYTES
from drumbeat.people import imports_sql, lists, lists_sql
from drumbeat.planning.plan import IMPORTED

DOOR = "import"


class Mode(StrEnum):
    """What the rows of a file say about their people."""

    NONE = "none"  # nothing of consent
    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    SUPPRESS = "suppress"


SILENT = (Mode.WITHDRAWN, Mode.SUPPRESS)  # no flow acts on it, and of its person no more than the address is kept


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a file, by number, and what they say. `consent` is where it comes from, in the importer's words."""

    file: str  # SHA-256 of its bytes, hex
    rows: Sequence[tuple[int, Mapping[str, object]]]
    mode: Mode = Mode.NONE
    list: str | None = None  # None: every list, where it is withdrawn
    consent: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not recorded, and why; the others were."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of some rows. `replayed` were recorded before, with the same content."""

    added: int
    replayed: int
    stay_out: int  # of both, rows that give consent for people who left the list: it gives no one back
    refused: tuple[Refused, ...]


def record(rows: Rows, door: Door, *, caller: ApiKey, actor: str) -> Imported:
    """Record each row as an event of its own. Withdrawals and suppressions hold as soon as this returns.

    Sending the same rows again adds what is missing and nothing else. Of rows about one person the later one counts.

    Raises:
        Invalid: the options do not fit each other, or there is no such list. Nothing was stored.
        Unauthorized: the caller's key was revoked, or never made here. Nothing was stored.
        psycopg.OperationalError: the ledger is unreachable; whether the rows were recorded is then unknown.
    """
    _check(rows, door)
    read = list(_read(rows, door, actor))
    arrivals = [entry for entry, _ in read if isinstance(entry, Arrival)]
    people = {entry.id: keys for entry, keys in read if isinstance(entry, Arrival) and keys}
    commit = _commit(rows, people, actor)
    recorded = iter(recording.record_all(arrivals, door, caller=caller, commit=commit))
    added, refused, taken = 0, [], []
    for (number, _), (entry, keys) in zip(rows.rows, read, strict=True):
        if isinstance(entry, Refused):
            refused.append(entry)
        elif (one := next(recorded)) is None:
            refused.append(Refused(number, "the ledger cannot hold it"))
        elif one.fingerprint != entry.fingerprint:
            refused.append(Refused(number, OTHERWISE))
        else:
            added += one.inserted
            taken.append(keys)
    return Imported(added, len(taken) - added, _stay_out(rows, taken, door), tuple(refused))


OTHERWISE = (
    "this row of the file was imported before with other fields or other words about consent, and stays as it was"
)


def _check(rows: Rows, door: Door) -> None:
    match rows.mode:
        case Mode.GIVEN if rows.list is None or rows.consent is None:
            raise Invalid("given needs a list, and consent: where it comes from. Nothing was stored.")
        case Mode.NONE | Mode.SUPPRESS if rows.list is not None:
            raise Invalid(f"{rows.mode} is of no list: the mode given or withdrawn is. Nothing was stored.")
    if rows.list is not None and rows.list not in (known := lists_sql.names(door.services.db)):
        raise Invalid(f"{lists.unknown(rows.list, known)} Nothing was stored.")


def _commit(rows: Rows, people: Mapping[UUID, Keys], actor: str) -> recording.Commit:
    match rows.mode:
        case Mode.WITHDRAWN:
            return partial(imports_sql.withdraw, people=people, list=rows.list or EVERY_LIST)
        case Mode.SUPPRESS:
            reason = rows.consent or "in an imported list of addresses that must not be mailed"
            return partial(imports_sql.suppress, people=people, reason=reason, actor=actor)
    return ingest_sql.record_all


def _stay_out(rows: Rows, taken: Sequence[Keys | None], door: Door) -> int:
    if rows.mode is not Mode.GIVEN or rows.list is None:
        return 0
    return imports_sql.stay_out(door.services.db, [keys for keys in taken if keys], rows.list)


def _read(rows: Rows, door: Door, actor: str) -> Iterator[tuple[Arrival | Refused, Keys | None]]:
    evidence = {"form": IMPORTED, "mode": rows.mode.value, "by": actor}
    instants = in_order(door.services.clock.now(), len(rows.rows))
    for (number, fields), at in zip(rows.rows, instants, strict=True):
        try:
            address = normalise(_text(fields.get("email")), SEMANTICS)
            arrival = _arrival(rows, number, fields, evidence, at)
        except InvalidAddress as error:
            yield Refused(number, f"email is not an address: {error}"), None
        except Invalid as error:
            yield Refused(number, error.detail), None
        else:
            yield arrival, None if rows.mode is Mode.NONE else keys_of(door.services.contact_secret, address)


def _arrival(
    rows: Rows, number: int, fields: Mapping[str, object], evidence: Mapping[str, str], received_at: datetime
) -> Arrival:
    silent = rows.mode in SILENT
    payload = {"email": fields["email"]} if silent else dict(fields)
    type, consent = EventType.CONSENT if silent else EventType.LEAD_CAPTURE, _consent(rows)
    text = json.dumps({"payload": payload, "consent": consent, "evidence": evidence}, separators=(",", ":"))
    if len(text) > MAX_EVENT_BYTES:
        raise Invalid(f"it has {len(text)} bytes, and may have {MAX_EVENT_BYTES}")
    key = _key(rows, number)
    return Arrival(
        id=ids.event_id(IMPORTED, key),
        source=IMPORTED,
        key=key,
        type=type,
        door=DOOR,
        fingerprint=fingerprint.of_api(type, {"payload": payload, "consent": consent}, None),
        scheduled_at=None,
        received_at=received_at,
        body=text.encode(),
    )


def _consent(rows: Rows) -> list[dict[str, str]]:
    text = {"text": rows.consent} if rows.consent else {}
    match rows.mode:
        case Mode.GIVEN:
            return [{"list": rows.list or "", "kind": ConsentKind.GIVEN.value, **text}]
        case Mode.WITHDRAWN:
            return [{"list": rows.list or EVERY_LIST, "kind": ConsentKind.WITHDRAWN.value, **text}]
    return []


def _key(rows: Rows, number: int) -> str:
    """Name a row: what the same file says when it is imported in another mode is something else."""
    said = [] if rows.mode is Mode.NONE else [rows.mode.value, *([rows.list] if rows.list else [])]
    return ":".join((rows.file, str(number), *said))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidAddress("it is missing" if value is None else "it is no text")
    return value

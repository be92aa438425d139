"""What the ledger holds about people, with the moment of each commit.

A statement that opens an attempt or changes consent holds the lock of the person's row until its commit, so the moments
of the commits are the order in which they held it. The trial's Postgres keeps them: `DatedPostgres`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

import psycopg
from psycopg.rows import class_row, dict_row

from drumbeat.local.frames import Json
from drumbeat.local.servers import Postgres
from tests.chaos.workload import SOURCE

EVENTS = """
    SELECT e.id, e.source, e.door, convert_from(p.body, 'UTF8') AS body
      FROM events e LEFT JOIN payloads p ON p.event_id = e.id
     WHERE e.source <> %s AND e.door <> 'webhook'
"""
MAILS = """
    SELECT id, event_id AS event, contact, list, confirms, account, status, reason_code AS reason
      FROM effects
     WHERE list IS NOT NULL
"""
ATTEMPTS = """
    SELECT a.effect_id AS mail, extract(epoch FROM a.opened_at)::float8 AS opened,
           extract(epoch FROM pg_xact_commit_timestamp(a.xmin))::float8 AS committed,
           (SELECT extract(epoch FROM max(j.at))::float8 FROM journal j
             WHERE j.effect_id = a.effect_id AND j.to_status = 'claimed' AND j.fence = a.n) AS claimed
      FROM attempts a JOIN effects e ON e.id = a.effect_id
     WHERE e.list IS NOT NULL
"""
STOPPED = """
    SELECT j.effect_id AS mail, extract(epoch FROM pg_xact_commit_timestamp(j.xmin))::float8 AS committed
      FROM journal j JOIN effects e ON e.id = j.effect_id
     WHERE e.list IS NOT NULL AND j.to_status = 'cancelled' AND j.reason_code = 'no_consent'
"""
FACTS = """
    SELECT contact, list, event_id AS event, kind, by_person, extract(epoch FROM at)::float8 AS at,
           extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS committed
      FROM consents
"""


class DatedPostgres(Postgres):
    """A Postgres that keeps when each transaction committed."""

    def command(self) -> list[str]:
        """Run the server in the foreground."""
        return [*super().command(), "-c", "track_commit_timestamp=on"]


@dataclass(frozen=True, slots=True)
class Event:
    """An event about a person. Without a body: they were erased."""

    id: UUID
    source: str
    door: str
    body: Json


@dataclass(frozen=True, slots=True)
class Planned:
    """A mail of a list, or one that asks to confirm it."""

    id: UUID
    event: UUID
    contact: bytes
    list: str
    confirms: bool
    account: str
    status: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An opened attempt. All times are in seconds of the epoch."""

    mail: UUID
    opened: float
    committed: float
    claimed: float


@dataclass(frozen=True, slots=True)
class Stop:
    """A mail that was not sent because there was no consent."""

    mail: UUID
    committed: float


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement about a person's consent to a list."""

    contact: bytes
    list: str
    event: UUID
    kind: str
    by_person: bool
    at: float
    committed: float


@dataclass
class PeoplesLedger:
    """All of it."""

    events: Mapping[UUID, Event] = field(default_factory=dict)
    mails: Mapping[UUID, Planned] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)

    @classmethod
    def read(cls, url: str) -> Self:
        """Read it as the owner."""
        with psycopg.connect(url, autocommit=True) as owner:
            rows = owner.cursor(row_factory=dict_row).execute(EVENTS, [SOURCE]).fetchall()
            events = (Event(**row | {"body": row["body"] and json.loads(row["body"])}) for row in rows)
            return cls(
                {event.id: event for event in events},
                {mail.id: mail for mail in _rows(owner, Planned, MAILS)},
                _rows(owner, Attempt, ATTEMPTS),
                _rows(owner, Stop, STOPPED),
                _rows(owner, Fact, FACTS),
            )


def _rows[T](owner: psycopg.Connection[Any], kind: type[T], query: str) -> list[T]:
    return owner.cursor(row_factory=class_row(kind)).execute(query).fetchall()

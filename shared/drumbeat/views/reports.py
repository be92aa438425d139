"""What providers reported of mails, as it is shown: in the provider's order, with what programs did marked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.ledger.database import Database, Row


@dataclass(frozen=True, slots=True)
class ReportItem:
    """One report. `machine`: a program opened or clicked, as far as can be seen; it never decides anything."""

    event_id: UUID
    account: str
    kind: str
    word: str
    said: str
    at: datetime
    effect_id: UUID | None  # None: it is about no mail of ours that this account sent
    generation: int | None
    mail: str | None  # flow and step of that effect
    reference: str | None
    machine: bool


# People do not open within two seconds of the delivery, nor follow three links of a mail within one.
_MACHINE = """
    found.kind IN ('opened', 'clicked')
    AND (found.machine
         OR EXISTS (SELECT
                      FROM feedback delivered
                     WHERE delivered.effect_id = found.effect_id AND delivered.generation = found.generation
                       AND delivered.kind = 'delivered' AND found.at < delivered.at + interval '2 seconds')
         OR (found.kind = 'clicked'
             AND EXISTS (SELECT
                           FROM feedback begun
                          WHERE begun.effect_id = found.effect_id AND begun.kind = 'clicked'
                            AND begun.at BETWEEN found.at - interval '1 second' AND found.at
                            AND (SELECT count(DISTINCT link)
                                   FROM feedback beside
                                  WHERE beside.effect_id = found.effect_id AND beside.kind = 'clicked'
                                    AND beside.at BETWEEN begun.at AND begun.at + interval '1 second') >= 3)))
"""
_SHOWN = f"""
    found.event_id, found.account, found.kind, found.word, found.said, found.at, found.effect_id, found.generation,
    (SELECT flow || '.' || step FROM effects WHERE effects.id = found.effect_id) AS mail, found.reference,
    {_MACHINE} AS machine
"""  # noqa: S608 - put together from constants

# Of each effect the newest.
OF_EFFECTS = f"""
    SELECT {_SHOWN}
      FROM unnest(%(ids)s::uuid[]) AS wanted (id)
     CROSS JOIN LATERAL (SELECT *
                           FROM feedback
                          WHERE feedback.effect_id = wanted.id
                          ORDER BY at DESC, name DESC
                          LIMIT %(limit)s) AS found
     ORDER BY found.effect_id, found.at, found.name
"""  # noqa: S608 - put together from constants

OF_EVENTS = f"SELECT {_SHOWN} FROM feedback found WHERE found.event_id = ANY (%(ids)s)"  # noqa: S608 - the same


def of_effects(db: Database, ids: Sequence[UUID], limit: int) -> list[Row]:
    """Return the newest reports of each of these effects, in their order; `limit` of each."""
    return db.run(OF_EFFECTS, {"ids": list(ids), "limit": limit})


def of_events(db: Database, ids: Sequence[UUID]) -> dict[UUID, ReportItem]:
    """Return what these events reported, by event; one that reported nothing new is not in the answer."""
    rows = db.run(OF_EVENTS, {"ids": list(ids)})
    return {row["event_id"]: ReportItem(**row) for row in rows}


# Mails, not reports: one that was opened ten times was opened. What a program did is left out where it says so itself.
MAILS = """
    SELECT f.kind, count(DISTINCT f.effect_id) AS mails
      FROM effects
      JOIN feedback f ON f.effect_id = effects.id
     WHERE effects.event_id = %(event)s AND NOT f.machine
     GROUP BY f.kind
"""


@dataclass(frozen=True, slots=True)
class MailReports:
    """What became of the mails of one event, such as a campaign's."""

    mails: Mapping[str, int]  # kind -> mails of which it was reported
    complaint_rate: float | None  # of those delivered; None: none was


def of_mails(db: Database, event: UUID) -> MailReports:
    """Count what was reported of an event's mails."""
    mails = {row["kind"]: row["mails"] for row in db.run(MAILS, {"event": event})}
    delivered = mails.get("delivered", 0)
    return MailReports(mails, mails.get("complained", 0) / delivered if delivered else None)


RECENT_DAYS = 7
RECENT = """
    SELECT account, kind, count(*) AS reports
      FROM feedback
     WHERE at >= drumbeat_now() - make_interval(days => %(days)s)
     GROUP BY account, kind
"""


def recent(db: Database) -> dict[str, dict[str, int]]:
    """Count the reports of the last RECENT_DAYS days, by account and kind."""
    counted: dict[str, dict[str, int]] = {}
    for row in db.run(RECENT, {"days": RECENT_DAYS}):
        counted.setdefault(row["account"], {})[row["kind"]] = row["reports"]
    return counted


COMPLAINTS_BEFORE = """
    SELECT count(*) AS complaints
      FROM feedback
     WHERE kind = 'complained'
       AND at >= drumbeat_now() - make_interval(days => 2 * %(days)s)
       AND at < drumbeat_now() - make_interval(days => %(days)s)
"""


def complaints_before(db: Database) -> int:
    """Count the complaints of the RECENT_DAYS days that came before those that `recent` counts."""
    complaints: int = db.run(COMPLAINTS_BEFORE, {"days": RECENT_DAYS})[0]["complaints"]
    return complaints

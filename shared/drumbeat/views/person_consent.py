"""What was said of one person's consent, with what proves it, and whether it changed anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from drumbeat.core.consent import document, evidence
from drumbeat.ledger.database import Database, Row


@dataclass(frozen=True, slots=True)
class ConsentFact:
    """One statement about consent, with what proves it. The evidence goes with the event's body."""

    list: str
    kind: str  # pending | given | withdrawn
    by_person: bool
    at: datetime
    recorded_at: datetime
    event_id: UUID
    source: str
    door: str
    no_effect: str | None  # why consent stood as before: left | given_before
    evidence: Mapping[str, object] | None


# How consent stood before a statement is what `consent_state` reads from those before it: what the person had decided,
# or else what a machine gave, of which the contact's row keeps the first.
SAID = """
    SELECT said.list, said.kind, said.by_person, said.at, said.recorded_at, said.event_id, events.source, events.door,
           CASE WHEN events.door <> 'webhook'
                THEN (SELECT octet_length(body) FROM payloads WHERE payloads.event_id = said.event_id) END AS bytes,
           CASE WHEN said.kind <> 'withdrawn' AND NOT said.by_person AND stood.kind = 'withdrawn' THEN 'left'
                WHEN (said.kind = 'pending' OR NOT said.by_person) AND said.kind <> 'withdrawn'
                     AND stood.kind = 'given' THEN 'given_before' END AS no_effect
      FROM unnest(%(ats)s::timestamptz[], %(events)s::uuid[]) AS wanted (at, event_id)
     CROSS JOIN LATERAL (SELECT *
                           FROM consents
                          WHERE consents.contact = %(contact)s AND consents.at = wanted.at
                            AND consents.event_id = wanted.event_id
                         OFFSET 0) AS said
     CROSS JOIN LATERAL (SELECT source, door FROM events WHERE events.id = said.event_id OFFSET 0) AS events
      LEFT JOIN LATERAL (
            SELECT decided.kind
              FROM (VALUES (said.list), ('*')) AS about (list)
             CROSS JOIN LATERAL (
                   SELECT consents.kind, consents.at
                     FROM consents
                    WHERE consents.contact = said.contact AND consents.list = about.list
                      AND (consents.kind = 'withdrawn' OR (consents.kind = 'given' AND consents.by_person))
                      AND (consents.at, consents.event_id) < (said.at, said.event_id)
                    ORDER BY consents.at DESC, consents.kind DESC
                    LIMIT 1) AS decided
             ORDER BY decided.at DESC, decided.kind DESC
             LIMIT 1) AS decided ON said.kind = 'pending' OR NOT said.by_person
      LEFT JOIN LATERAL (
            SELECT 'given' AS kind
              FROM contacts
             WHERE contacts.key = %(contact)s
               AND ((contacts.consents #>> ARRAY[said.list, 'm', '0'])::bigint,
                    (contacts.consents #>> ARRAY[said.list, 'm', '2'])::uuid)
                   < (microseconds(said.at), said.event_id)) AS by_machine ON true
     CROSS JOIN LATERAL (SELECT coalesce(decided.kind, by_machine.kind) AS kind) AS stood
     ORDER BY said.at DESC, said.event_id DESC, said.list, said.kind
"""


def said(
    db: Database, contact: bytes | None, at: Sequence[tuple[datetime, UUID]]
) -> dict[tuple[datetime, UUID], list[Row]]:
    """Read what these events said of the person at these instants; `bytes`: of the body that has the evidence."""
    wanted = {"contact": contact, "ats": [instant for instant, _ in at], "events": [event for _, event in at]}
    found: dict[tuple[datetime, UUID], list[Row]] = {}
    for row in db.run(SAID, wanted) if at else ():
        found.setdefault((row["at"], row["event_id"]), []).append(row)
    return found


def facts(said: Sequence[Row], body: bytes | None) -> list[ConsentFact]:
    """Make what one event said, with the evidence of its body."""
    made = []
    for row in said:
        shown: dict[str, Any] = {name: value for name, value in row.items() if name != "bytes"}
        made.append(ConsentFact(**shown, evidence=evidence(document(body), row["door"], row["list"]) or None))
    return made

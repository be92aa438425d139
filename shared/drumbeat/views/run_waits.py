"""What a run that is being sent waits for: its next mail, where none can go now."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.ledger.database import Database
from drumbeat.ledger.effects_of_runs import FREE, RUN, WAITS


@dataclass(frozen=True, slots=True)
class NextMail:
    """The first mail of a run that is not sent yet. `at` None: there is none. `now`: the ledger's."""

    now: datetime
    at: datetime | None
    reason_code: str | None


# The first entry of the index of what is free is the answer, however many mails wait.
NEXT = f"""
    SELECT drumbeat_now() AS now, first.at, first.reason_code
      FROM (SELECT) AS always
      LEFT JOIN LATERAL (SELECT due_at AS at, reason_code::text
                           FROM effects
                          WHERE {RUN} = %(run)s AND {FREE} AND {WAITS}
                          ORDER BY {RUN}, due_at, id
                          LIMIT 1) AS first ON true
"""  # noqa: S608 - put together from constants


def next_mail(db: Database, run: UUID) -> NextMail:
    """Return the mail of a run that is due first."""
    return NextMail(**db.run(NEXT, {"run": run})[0])

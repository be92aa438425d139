"""How many people of a run have as many mails as their campaign's cap lets through, by what is sent so far."""

from uuid import UUID

from drumbeat.core.campaigns import Cap
from drumbeat.ledger.database import Database

# As the opening counts them, at the instant for which each person is planned.
COUNT = """
    SELECT count(*) AS people
      FROM recipients
      JOIN contacts ON contacts.key = recipients.contact
     WHERE run_id = %(run)s
       AND (left_out IS NULL OR array_position(left_out, NULL) IS NOT NULL)
       AND jsonb_array_length(mailed) >= %(most)s
       AND %(most)s <= (SELECT count(*)
                          FROM jsonb_array_elements(mailed) AS entry
                         WHERE (entry ->> 0)::bigint
                               > microseconds(greatest(due_at, drumbeat_now()) - make_interval(secs => %(seconds)s)))
"""


def people_at_cap(db: Database, run: UUID, cap: Cap) -> int:
    """Count the people of a run that has not begun who may not be mailed by it, if nothing else is sent until then."""
    people: int = db.run(COUNT, {"run": run, "most": cap.most, "seconds": cap.seconds})[0]["people"]
    return people

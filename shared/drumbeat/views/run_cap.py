"""To how many people of a run the cap of its campaign lets through less than all mails, by what is sent so far."""

from collections.abc import Sequence
from uuid import UUID

from drumbeat.core.campaigns import Cap
from drumbeat.ledger.database import Database

# As the opening counts them, at the instant for which each person is planned: only mails of a list count.
COUNT = """
    SELECT count(*) AS people
      FROM recipients
      JOIN contacts ON contacts.key = recipients.contact
     CROSS JOIN (SELECT drumbeat_now() AS now OFFSET 0) AS clock
     CROSS JOIN LATERAL (SELECT count(*) AS n
                           FROM unnest(%(places)s::int[]) AS place
                          WHERE left_out[place] IS NULL) AS planned
     WHERE run_id = %(run)s
       AND planned.n > 0
       AND jsonb_array_length(mailed) + planned.n > %(most)s
       AND %(most)s - planned.n < (SELECT count(*)
                                     FROM jsonb_array_elements(mailed) AS entry
                                    WHERE (entry ->> 0)::bigint
                                          > microseconds(greatest(due_at, now) - make_interval(secs => %(seconds)s)))
"""


def people_over_cap(db: Database, run: UUID, cap: Cap, places: Sequence[int]) -> int:
    """Count the people of a run that has not begun who will not get all its mails, if nothing else is sent until then.

    `places`: those of the steps, from 1 on, whose mails go to a list.
    """
    parameters = {"run": run, "most": cap.most, "seconds": cap.seconds, "places": list(places)}
    people: int = db.run(COUNT, parameters)[0]["people"]
    return people

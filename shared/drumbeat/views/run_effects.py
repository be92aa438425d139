"""The effects of a run, a page at a time: by its people, for there is no index by run that a million would not fill."""

from uuid import UUID

from drumbeat.core.errors import Invalid
from drumbeat.ledger.database import Database
from drumbeat.views.pages import INVALID_CURSOR

LOOKED_AT = 5_000  # people, for one page

STEPS = "SELECT steps, 'campaign:' || campaign AS flow FROM runs WHERE id = %(run)s"

# The effects of whole persons: a person has one for each step.
PAGE = """
    WITH looked_at AS MATERIALIZED (
        SELECT contact
          FROM recipients
         WHERE run_id = %(run)s AND contact > %(after)s
         ORDER BY contact
         LIMIT %(looked_at)s
    ), found AS MATERIALIZED (
        SELECT looked_at.contact, array_agg(effects.id ORDER BY steps.place) AS ids
          FROM looked_at
         CROSS JOIN unnest(%(steps)s::text[]) WITH ORDINALITY AS steps (step, place)
          JOIN effects ON effects.id = drumbeat_id(%(run)s::uuid::text, %(flow)s, steps.step,
                                                   encode(looked_at.contact, 'hex'))
         WHERE (%(status)s::text IS NULL OR effects.status = %(status)s)
           AND (%(account)s::text IS NULL OR effects.account = %(account)s)
         GROUP BY looked_at.contact
         ORDER BY looked_at.contact
         LIMIT %(people)s
    )
    SELECT (SELECT array_agg(id) FROM (SELECT unnest(ids) AS id FROM found ORDER BY contact) AS each) AS ids,
           (SELECT max(contact) FROM found) AS last, (SELECT count(*) FROM found) AS people,
           (SELECT max(contact) FROM looked_at) AS reached, (SELECT count(*) FROM looked_at) AS seen
"""


def page_of_run(
    db: Database, run: UUID, *, status: str | None, account: str | None, cursor: str | None, limit: int
) -> tuple[list[UUID], str | None] | None:
    """Return a page of ids and where the next begins; None: it is no run. A page may be short while there are more.

    Raises Invalid for a cursor that is not valid.
    """
    rows = db.run(STEPS, {"run": run})
    if not rows:
        return None
    most = max(limit // len(rows[0]["steps"]), 1)
    found = db.run(
        PAGE,
        {
            **rows[0],
            "run": run,
            "after": _read(cursor),
            "status": status,
            "account": account,
            "looked_at": LOOKED_AT,
            "people": most,
        },
    )[0]
    if found["people"] == most:
        following = found["last"].hex()
    else:
        following = found["reached"].hex() if found["seen"] == LOOKED_AT else None
    return found["ids"] or [], following


def _read(cursor: str | None) -> bytes:
    try:
        return bytes.fromhex(cursor or "")
    except ValueError:
        raise Invalid(INVALID_CURSOR) from None

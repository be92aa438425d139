"""What the ledger knows about accounts: which there are, and the effects that wait for one of them."""

from uuid import UUID

from drumbeat.core.reasons import PAUSES, ReasonCode
from drumbeat.ledger import legacy
from drumbeat.ledger.database import Database
from drumbeat.views.counts import COUNTED_EFFECTS

HASTENED = [*PAUSES, ReasonCode.NOT_SENT, ReasonCode.NOT_UNDERSTOOD]

# What waits for a pause, for its next try after a call that failed, or for a release that understands it. A planned
# delay keeps its time, and so does what is unknown: its time is when the provider can know.
HASTEN = f"""
    WITH paused AS (
        SELECT id
          FROM effects
         WHERE account = %(account)s
           AND status = 'waiting'
           AND due_at > drumbeat_now()
           AND due_at < 'infinity'
           AND (reason_code = ANY (%(reasons)s) OR {legacy.WAITS_FOR_PAUSE})
         ORDER BY due_at, id
         LIMIT %(limit)s
           FOR UPDATE SKIP LOCKED
    )
    UPDATE effects
       SET due_at = drumbeat_now(), slot = NULL
      FROM paused
     WHERE effects.id = paused.id
 RETURNING effects.id
"""  # noqa: S608 - put together from constants


def hasten(db: Database, account: str, *, limit: int) -> list[UUID]:
    """Make effects of an account due now that wait for no planned time; their status stays as it is."""
    parameters = {"account": account, "reasons": HASTENED, "limit": limit}
    return [row["id"] for row in db.run(HASTEN, parameters)]


# (A configuration that this release does not understand has accounts all the same, and they can be stopped.)
ACCOUNTS = f"""
    SELECT account FROM ({COUNTED_EFFECTS}) AS counted
     UNION
    SELECT jsonb_object_keys(compiled -> 'accounts') FROM configs WHERE version = (SELECT max(version) FROM configs)
"""  # noqa: S608 - put together from constants


def accounts(db: Database) -> list[str]:
    """Name the accounts that are configured, and those that effects belong to."""
    return [row["account"] for row in db.run(ACCOUNTS)]

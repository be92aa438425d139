"""What the ledger knows about accounts: the effects that wait for one of them."""

from uuid import UUID

from drumbeat.store.db import Database

# Only what waits for the pause or the breaker itself; backoff and planned delays keep their time.
HASTEN = """
    WITH paused AS (
        SELECT id
          FROM effects
         WHERE account = %(account)s
           AND status = 'waiting'
           AND due_at > drumbeat_now()
           AND due_at < 'infinity'
           AND (reason LIKE 'paused:%%' OR reason = 'circuit breaker open')
         ORDER BY due_at, id
         LIMIT %(limit)s
           FOR UPDATE SKIP LOCKED
    )
    UPDATE effects
       SET due_at = drumbeat_now(), slot = NULL
      FROM paused
     WHERE effects.id = paused.id
 RETURNING effects.id
"""


def hasten(db: Database, account: str, *, limit: int) -> list[UUID]:
    """Make effects due now that wait for the end of their account's pause; their status stays as it is."""
    return [row["id"] for row in db.run(HASTEN, {"account": account, "limit": limit})]

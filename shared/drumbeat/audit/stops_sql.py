"""Attempts that were opened while their account, or everything, was stopped."""

from drumbeat.audit.findings_sql import Finding
from drumbeat.audit.spans_sql import Span, effects_of_span
from drumbeat.ledger.database import Database

# The row of stops is locked by each opening and each stop, so their times are in the lock's order. Of the same instant
# either may have come first.
STOPPED = f"""
    WITH scope AS MATERIALIZED (
{effects_of_span("id, account", "AND fence > 0")}
    ), stopped AS MATERIALIZED (
        SELECT *
          FROM (SELECT account, stopped, at AS since,
                       coalesce(lead(at) OVER (PARTITION BY account, invariant ORDER BY id), 'infinity') AS until
                  FROM stop_journal) AS lines
         WHERE stopped
    )
    SELECT DISTINCT ON (a.effect_id, a.n) 'while-stopped' AS kind, a.effect_id AS id,
           jsonb_build_object('n', a.n, 'account', scope.account) AS facts
      FROM scope
     CROSS JOIN LATERAL (SELECT * FROM attempts WHERE effect_id = scope.id OFFSET 0) AS a
      JOIN stopped ON coalesce(stopped.account, scope.account) = scope.account
                  AND a.opened_at > stopped.since AND a.opened_at < stopped.until
     WHERE EXISTS (SELECT FROM stopped)
     ORDER BY a.effect_id, a.n
"""  # noqa: S608 - put together from constants


def findings(db: Database, span: Span) -> list[Finding]:
    """List the attempts of a span that no stop should have let through."""
    return [Finding(**row) for row in db.run(STOPPED, span.bounds)]

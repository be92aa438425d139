"""What ingest has to know before it takes anything: sources and lists in force, and which API keys were revoked."""

from typing import Any

from drumbeat.ledger.database import Database

# Not the whole configuration: accounts, flows and templates are many times as large.
READ = """
    SELECT coalesce(newest.version, 0) AS version,
           coalesce(newest.compiled -> 'must_understand', '[]') AS must_understand,
           coalesce(newest.compiled -> 'sources', '{}') AS sources,
           coalesce(newest.compiled -> 'lists', '{}') AS lists,
           newest.compiled ->> 'public_url' AS public_url,
           ARRAY(SELECT jsonb_object_keys(newest.compiled -> 'campaigns')) AS campaigns,
           ARRAY(SELECT id FROM api_keys WHERE revoked_at IS NOT NULL ORDER BY id) AS revoked
      FROM (SELECT) AS always
      LEFT JOIN (SELECT version, compiled FROM configs ORDER BY version DESC LIMIT 1) AS newest ON true
"""


def read(db: Database) -> dict[str, Any]:
    """Return all of it as of one instant, as JSON can hold it."""
    return db.run(READ)[0]

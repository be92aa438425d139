"""What is known without the ledger: sources and lists in force, and which API keys are good, and which were revoked."""

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
           ARRAY(SELECT id FROM api_keys WHERE revoked_at IS NOT NULL ORDER BY id) AS revoked,
           (SELECT coalesce(jsonb_object_agg(id, to_jsonb(scopes)), '{}')
              FROM (SELECT id, scopes FROM api_keys WHERE revoked_at IS NULL ORDER BY created_at DESC LIMIT %(most)s)
                AS newest_keys) AS keys
      FROM (SELECT) AS always
      LEFT JOIN (SELECT version, compiled FROM configs ORDER BY version DESC LIMIT 1) AS newest ON true
"""


MOST_KEYS = 1_000  # of the good ones: the newest


def read(db: Database) -> dict[str, Any]:
    """Return all of it as of one instant, as JSON can hold it."""
    return db.run(READ, {"most": MOST_KEYS})[0]

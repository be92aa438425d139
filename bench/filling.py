"""Filling an empty ledger by SQL: rows of a seed break no rule, and indexes are sorted once, after them."""

from collections.abc import Iterator
from contextlib import contextmanager

from drumbeat.ledger.database import Database

_INDEXES = """
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
      FROM pg_index
      JOIN pg_class ON pg_class.oid = indrelid AND relnamespace = 'public'::regnamespace
     WHERE NOT indisunique
"""


@contextmanager
def filling(owner: Database) -> Iterator[None]:
    """Run what fills a ledger without its triggers, and with no index but those of keys; then build the others.

    What triggers count is not counted: `count_anew()` does.
    """
    owner.run("SET session_replication_role = replica")
    indexes = owner.run(_INDEXES)
    for index in indexes:
        owner.run(f"DROP INDEX {index['name']}")
    yield
    for index in indexes:
        owner.run(index["definition"])
    owner.run("SET session_replication_role = DEFAULT")

"""The end of a statement that Postgres stops to resolve a deadlock, at a row that a test names."""

from uuid import UUID

from drumbeat.ledger.database import Database


def deadlock(owner: Database, table: str, **row: UUID | str) -> None:
    """Let each insert into a table of a row with this value end as the victim of a deadlock."""
    ((column, value),) = row.items()
    owner.run(
        "CREATE OR REPLACE FUNCTION deadlock() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END $$"
    )
    owner.run(
        f"CREATE TRIGGER deadlock BEFORE INSERT ON {table}"
        f" FOR EACH ROW WHEN (NEW.{column} = '{value}') EXECUTE FUNCTION deadlock()"
    )


def resolved(owner: Database, table: str) -> None:
    """Let these inserts go on."""
    owner.run(f"DROP TRIGGER deadlock ON {table}")

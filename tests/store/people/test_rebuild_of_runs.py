"""A rebuild beside runs: they change no view of people, and what they sent whom lately is made again."""

import pytest

from drumbeat.ledger.database import Database
from tests.store.audit.conftest import stage as stage
from tests.store.audit.staged_runs import corrupt, finished, found, populated
from tests.store.people.test_any_order import rebuilt
from tests.store.runs.stage import Stage

MAILED = "SELECT key, jsonb_array_length(mailed) AS n, mailed #>> '{0,1}' AS effect FROM contacts ORDER BY key"


def kinds(stage: Stage, *, check: bool = True) -> list[str]:
    """Name what differs but the leads, which a stage makes up."""
    return [item.kind for chunk in rebuilt(stage, check=check) for item in chunk.items if item.kind != "lead"]


def test_a_run_changes_no_view_of_people(stage: Stage, owner: Database) -> None:
    populated(stage, owner)
    before = [chunk.checksum for chunk in rebuilt(stage, check=True)]

    finished(stage)

    assert kinds(stage) == []
    assert [chunk.checksum for chunk in rebuilt(stage, check=True)] == before


@pytest.mark.parametrize("gone", ["'[]'", "jsonb_set(mailed, '{0,0}', '1')"])
def test_what_runs_sent_is_noted_again_in_the_rows_that_lost_it(stage: Stage, owner: Database, gone: str) -> None:
    populated(stage, owner)
    finished(stage)
    before = owner.run(MAILED)
    corrupt(owner, "UPDATE contacts SET mailed = " + gone + " WHERE key = (SELECT min(key) FROM contacts)")

    assert kinds(stage) == ["mailed"]
    assert kinds(stage, check=False) == ["mailed"]
    assert (kinds(stage), owner.run(MAILED), found(stage)) == ([], before, [])

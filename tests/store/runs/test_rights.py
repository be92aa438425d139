"""What the application's login may do with runs: what was decided and frozen stays, whatever the application does."""

from typing import LiteralString

import psycopg
import pytest

from tests.conftest import TestDatabase

FORBIDDEN: tuple[LiteralString, ...] = (
    "DELETE FROM runs",
    "DELETE FROM run_journal",
    "DELETE FROM approvals",
    "DELETE FROM run_progress",
    "DELETE FROM recipients",
    "DELETE FROM beginnings",
    "UPDATE beginnings SET campaign = ''",
    "UPDATE run_journal SET to_state = 'planned'",
    "UPDATE run_journal SET at = now()",
    "UPDATE approvals SET hash = ''",
    "UPDATE runs SET campaign = ''",
    "UPDATE runs SET version = 1",
    "UPDATE runs SET steps = '{}'",
    "UPDATE runs SET content = ''",
    "UPDATE runs SET starts_at = now()",
    "UPDATE run_progress SET as_of = now()",
    "UPDATE run_progress SET chunks = 1",
    "UPDATE recipients SET contact = ''",
    "UPDATE recipients SET due_at = now()",
    "UPDATE recipients SET zone = ''",
    "UPDATE recipients SET left_out = NULL",
    "UPDATE effects SET of_run = true",
    "SELECT erase_effects('{}')",
    "SELECT erase_run_mails('', '')",
)


@pytest.mark.parametrize("forbidden", FORBIDDEN)
def test_the_application_may_not_change_what_was_frozen(database: TestDatabase, forbidden: LiteralString) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        database.run(forbidden)

"""The journal: every move is in it, no other move is possible, and nothing is taken out again."""

import psycopg
import pytest

from drumbeat.core.status import ALLOWED, Status
from drumbeat.delivery import attempts_sql
from tests.conftest import TestDatabase
from tests.store.rows import closing, journal, sending


def test_the_journals_check_is_the_state_machine(database: TestDatabase) -> None:
    (row,) = database.run("SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = 'journal_moves'")

    in_database = {move for move in row["text"].split("'") if ">" in move and "||" not in move}

    assert in_database - {">"} == {f"{before or ''}>{after}" for before, after in ALLOWED}


def test_every_sum_of_moves_is_what_the_effect_says(database: TestDatabase) -> None:
    effect = sending(database)
    attempts_sql.close_attempts(database, [closing(effect, "unknown", Status.UNKNOWN)])

    moves = journal(database, effect.id)

    assert moves == [">waiting", "waiting>claimed", "claimed>sending", "sending>unknown"]
    assert database.run("SELECT seq FROM effects WHERE id = %s", (effect.id,)) == [{"seq": len(moves)}]


@pytest.mark.parametrize("table", ["events", "plans", "attempts", "outcomes", "journal", "payloads", "requests"])
@pytest.mark.parametrize("command", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_applications_role_cannot_unwrite_history(database: TestDatabase, table: str, command: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        database.run(command.format(table))

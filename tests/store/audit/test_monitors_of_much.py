"""The monitors find what was added to a ledger that holds much, and read no table whole."""

import pytest

from drumbeat.audit import watch, watching_sql
from drumbeat.ledger.database import Database
from tests.store.audit.staged_runs import corrupt, finished, populated
from tests.store.rows import pass_time
from tests.store.runs.stage import Stage

EFFECTS = 20_000
# Of a year ago, with the moves that each has made.
HISTORY = """
    INSERT INTO journal (effect_id, seq, from_status, to_status, fence, actor, at)
    SELECT effects.id, move.seq, move.before, move.after, 0, 'worker',
           drumbeat_now() - interval '1 year' + place * interval '1 s'
      FROM (SELECT gen_random_uuid() AS id, place FROM generate_series(1, %s) AS place) AS effects
     CROSS JOIN (VALUES (1, NULL, 'waiting'), (2, 'waiting', 'claimed'), (3, 'claimed', 'sending'),
                        (4, 'sending', 'accepted')) AS move (seq, before, after)
     ORDER BY place, seq
"""
READ = """
    SELECT relname AS name, seq_tup_read AS read
      FROM pg_stat_user_tables
     WHERE relname IN ('journal', 'outcomes', 'effects', 'attempts', 'recipients', 'violations')
"""


@pytest.fixture
def much(stage: Stage, owner: Database) -> Stage:
    corrupt(owner, HISTORY, EFFECTS, least=EFFECTS)
    owner.run("VACUUM ANALYZE journal")
    populated(stage, owner)
    return stage


def read_in_full(db: Database) -> dict[str, int]:
    db.run("SELECT pg_stat_force_next_flush()")
    db.run("SELECT 1")
    return {row["name"]: row["read"] for row in db.run(READ)}


def test_a_look_reads_what_was_added_alone(much: Stage) -> None:
    finished(much)
    direct = Database(much.db.url, direct=True)  # whose statements are prepared, and read no table whole
    before = read_in_full(direct)
    position = watching_sql.position(direct)

    batch, _ = watching_sql.journaled(direct, position, position.journal)

    after = read_in_full(direct)
    direct.close()
    assert len(batch.effects) == 9
    assert after["journal"] == before["journal"]


def test_a_look_after_days_without_one_ends_at_the_present(much: Stage) -> None:
    much.db.run(
        "INSERT INTO monitor_state (outcomes, journal, looked_at, looking_since)"
        " VALUES (0, drumbeat_now() - interval '2 days', drumbeat_now(), drumbeat_now())"
    )
    finished(much)

    assert watch.look(much, lambda: True) == []

    (state,) = much.db.run("SELECT drumbeat_now() - journal < interval '2 minutes' AS there FROM monitor_state")
    assert state["there"]


def test_a_look_that_has_no_time_left_goes_on_where_it_stopped(
    much: Stage, owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching_sql, "ROWS_PER_BATCH", 5)
    watch.look(much, lambda: True)
    finished(much)
    pass_time(owner, minutes=5)
    begun = watching_sql.position(much.db)

    places = [begun]
    for _ in range(3):
        times = iter([True] * 5)
        watch.look(much, lambda times=times: next(times, False))  # type: ignore[misc]
        places.append(watching_sql.position(much.db))

    assert [each.journal for each in places] == sorted({each.journal for each in places})
    assert [each.outcomes for each in places] == sorted(each.outcomes for each in places)

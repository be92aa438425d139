"""Counts are kept by the ledger itself: whatever writes, in whatever batches, they are what counting would give."""

from drumbeat import views
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.ledger.database import Database
from drumbeat.operations.decisions_sql import decidable, decide
from drumbeat.views.counts import COUNTED_EFFECTS, COUNTED_MINUTES
from tests.conftest import TestDatabase
from tests.store.rows import closing, configured, recorded, sending, waiting

EFFECTS = f"SELECT account, status, sum(n)::int AS n FROM ({COUNTED_EFFECTS}) AS c GROUP BY 1, 2 HAVING sum(n) <> 0"
COUNTED = "SELECT account, counted_as(status) AS status, count(*)::int AS n FROM effects GROUP BY 1, 2"
MINUTES = f"SELECT sum(events)::int AS events, sum(effects)::int AS effects FROM ({COUNTED_MINUTES}) AS m"


def rows(db: Database, sql: str) -> set[tuple[object, ...]]:
    return {tuple(row.values()) for row in db.run(sql)}


def test_counts_follow_every_move(database: TestDatabase, owner: Database) -> None:
    waiting(database, account="crm")
    sending(database)
    accepted, refused = sending(database), sending(database)
    attempts_sql.close_attempts(database, [closing(accepted, "accepted", Status.ACCEPTED)])
    why = Reason(ReasonCode.REFUSED_BY_PROVIDER, "HTTP 400")
    attempts_sql.close_attempts(database, [closing(refused, "refused", Status.REFUSED, reason=why)])
    assert rows(database, EFFECTS) == rows(database, COUNTED)

    seen = decidable(database, refused.id)
    assert seen is not None
    again = Reason(ReasonCode.DECIDED, "again")
    decide(database, [seen], takes=(Status.REFUSED,), to=Status.WAITING, reason=again, actor="person:ada")

    assert (
        rows(database, EFFECTS)
        == rows(database, COUNTED)
        == {("crm", "open", 1), ("mail", "open", 2), ("mail", "accepted", 1)}
    )
    assert views.totals(database).effects == {"waiting": 2, "sending": 1, "accepted": 1}
    before = rows(database, MINUTES)
    owner.run("SELECT count_anew()")
    assert rows(database, EFFECTS) == rows(database, COUNTED)
    assert rows(database, MINUTES) == before == {(4, 4)}


def test_what_is_not_added_up_stays_little(database: TestDatabase) -> None:
    configured(database)
    for _ in range(3):
        database.run(
            "INSERT INTO events (id, source, key, type, door, fingerprint, received_at)"
            " SELECT gen_random_uuid(), 's', n::text, 'FEEDBACK', 'api', '', drumbeat_now() - make_interval(mins => n)"
            "   FROM generate_series(1, 400) AS n"
        )
    recorded(database)

    ((left,),) = rows(database, "SELECT count(*) FROM uncounted")
    assert isinstance(left, int)
    assert left < 500
    assert rows(database, MINUTES) == {(1201, 0)}
    assert views.usage(database).events == 1201


def test_a_repeat_counts_once(database: TestDatabase) -> None:
    recorded(database, key="one")

    database.run(
        "INSERT INTO events (id, source, key, type, door, fingerprint, received_at)"
        " SELECT id, source, key, type, door, fingerprint, received_at FROM events ON CONFLICT DO NOTHING"
    )

    assert rows(database, MINUTES) == {(1, 0)}


def test_the_application_cannot_change_a_count(database: TestDatabase) -> None:
    rights = database.run(
        "SELECT name, has_table_privilege(name, 'INSERT, UPDATE, DELETE, TRUNCATE') AS may"
        "  FROM unnest(ARRAY['uncounted', 'minutes', 'effect_counts']) AS name"
    )

    assert not any(row["may"] for row in rights)
    assert not database.run("SELECT has_function_privilege('count_anew()', 'EXECUTE') AS may")[0]["may"]


def test_an_effect_that_the_release_before_writes_is_known_to_be_of_a_campaign(database: TestDatabase) -> None:
    configured(database)
    events = {type: recorded(database, type=type) for type in ("CAMPAIGN_TRIGGER", "LEAD_CAPTURE")}
    for event in events.values():
        database.run("INSERT INTO plans (event_id, version, hash) VALUES (%s, 1, '')", (event,))
        database.run(
            "INSERT INTO effects (id, event_id, version, flow, step, account, action, base_due_at, status, seq, due_at)"
            " VALUES (gen_random_uuid(), %s, 1, 'f', 's', 'mail', 'send_email', drumbeat_now(), 'waiting', 1,"
            "         drumbeat_now())",
            (event,),
        )

    assert rows(database, "SELECT event_id, campaign FROM effects") == {
        (events["CAMPAIGN_TRIGGER"], True),
        (events["LEAD_CAPTURE"], False),
    }

"""Reasons in the ledger: the list is closed, the release before may go on writing, and its rows say what they are."""

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest

from drumbeat import views
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.ledger import leases, legacy, steps
from drumbeat.ledger.database import Database
from drumbeat.local.servers import Postgres
from drumbeat.operations import decisions_sql, resume_sql
from drumbeat.operations.decisions_sql import Selection
from tests.conftest import TestDatabase
from tests.store.rows import (
    LEASE,
    claimed,
    closing,
    configured,
    opening,
    pass_time,
    recorded,
    sending,
    waiting,
)

# A statement of the release before, as it was: the relay's, which moves an effect and writes its journal.
RECOVER_BEFORE = """
    WITH dead AS MATERIALIZED (
        SELECT id, status
          FROM effects
         WHERE status IN ('claimed', 'sending', 'unknown')
           AND lease_until <= drumbeat_now()
           AND (due_at <= drumbeat_now() OR %(full)s)
         ORDER BY id
         LIMIT %(limit)s
           FOR UPDATE SKIP LOCKED
    ), moved AS (
        UPDATE effects e
           SET status = CASE dead.status WHEN 'claimed' THEN 'waiting' ELSE 'unknown' END,
               seq = e.seq + CASE dead.status WHEN 'unknown' THEN 0 ELSE 1 END,
               crashes = e.crashes + 1,
               tries = e.tries + CASE dead.status WHEN 'sending' THEN 1 ELSE 0 END,
               looks = CASE dead.status WHEN 'sending' THEN 0 ELSE e.looks END,
               reason = CASE dead.status WHEN 'claimed' THEN 'its lease ended before an attempt was opened'
                                         WHEN 'sending' THEN 'its lease ended with the attempt open'
                                         ELSE e.reason END,
               due_at = drumbeat_now(),
               lease_until = NULL,
               updated_at = drumbeat_now()
          FROM dead
         WHERE e.id = dead.id
     RETURNING e.id, dead.status AS before, e.status, e.seq, e.fence, e.reason
    ), journaled AS (
        INSERT INTO journal (effect_id, seq, from_status, to_status, fence, reason, actor)
        SELECT id, seq, before, status, fence, reason, 'relay' FROM moved WHERE before <> status
    )
    SELECT id FROM moved
"""
OUTCOME_BEFORE = """
    INSERT INTO outcomes (effect_id, n, generation, identity, origin, kind, reference, detail)
    VALUES (%s, 1, 1, 'identity', 'answer', 'unknown', NULL, 'HTTP 500')
"""
HOLD_BEFORE = "UPDATE effects SET status = 'held', lease_until = NULL, reason = %s WHERE id = %s"
EFFECT_BEFORE = """
    INSERT INTO effects (id, event_id, version, flow, step, account, action, base_due_at, status, seq, due_at, reason)
    VALUES (gen_random_uuid(), %(event)s, 1, 'welcome', 'hello', 'mail', 'send_email', drumbeat_now(), %(status)s, 1,
            drumbeat_now(), %(reason)s)
 RETURNING id
"""
ROW = "SELECT reason_code, reason_detail, reason, maybe_sent FROM effects WHERE id = %s"
LAST = """
    SELECT reason_code, reason_detail, reason, maybe_sent
      FROM journal WHERE effect_id = %s ORDER BY seq DESC LIMIT 1
"""
LOST = "its lease ended before an attempt was opened"
UNPROVABLE = "outcome unknown, and nothing can prove it"


def written(db: Database, statement: LiteralString, effect: UUID) -> tuple[str | None, str | None, str | None, object]:
    """Return code, detail, sentence and whether it may have been sent."""
    (row,) = db.run(statement, (effect,))
    return row["reason_code"], row["reason_detail"], row["reason"], row["maybe_sent"]


def put_back(db: Database, reason: Reason | None) -> UUID:
    """Return an effect that waits for this reason, due now."""
    effect = claimed(db, waiting(db))
    attempts_sql.open_attempts(db, [opening(effect, "waiting", reason=reason)])
    return effect.id


def held(db: Database, reason: Reason, **changes: Any) -> UUID:
    """Return an effect that is held for this reason."""
    effect = claimed(db, waiting(db, **changes))
    attempts_sql.open_attempts(db, [opening(effect, "held", reason=reason)])
    return effect.id


# ---------------------------------------------------------------- the list


def test_the_ledger_takes_every_code_and_no_other(owner: Database) -> None:
    (row,) = owner.run("SELECT pg_get_constraintdef(oid) AS list FROM pg_constraint WHERE conname = 'reason_codes'")

    assert set(re.findall(r"'(\w+)'", row["list"])) == set(ReasonCode)


def test_a_code_that_is_not_listed_is_refused_by_the_ledger(database: TestDatabase) -> None:
    effect = put_back(database, None)

    with pytest.raises(psycopg.errors.CheckViolation):
        database.run("UPDATE effects SET reason = 'x', reason_code = 'unheard_of' WHERE id = %s", (effect,))


@pytest.mark.parametrize("table", ["effects", "journal", "outcomes"])
def test_the_application_may_not_rewrite_the_reasons_of_the_past(database: TestDatabase, table: LiteralString) -> None:
    effect = sending(database)
    attempts_sql.close_attempts(
        database, [closing(effect, "unknown", Status.UNKNOWN, learned=Reason(ReasonCode.OUTCOME_UNKNOWN, "HTTP 500"))]
    )
    rewrite: LiteralString = f"UPDATE {table} SET reason_code = 'expired'"

    if table == "effects":  # a view of the journal
        database.run(rewrite)
    else:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            database.run(rewrite)


# ---------------------------------------------------------------- what this release writes


def test_a_move_keeps_code_detail_and_sentence_in_effect_and_journal(database: TestDatabase) -> None:
    reason = Reason(ReasonCode.PAUSED, "HTTP 429")

    effect = put_back(database, reason)

    assert written(database, ROW, effect) == ("paused", "HTTP 429", reason.sentence, False)
    assert written(database, LAST, effect) == written(database, ROW, effect)


def test_a_move_without_a_reason_leaves_nothing_of_the_last_one(database: TestDatabase) -> None:
    effect = put_back(database, Reason(ReasonCode.PAUSED, "HTTP 429"))

    attempts_sql.open_attempts(database, [opening(claimed(database, effect))])

    assert written(database, ROW, effect) == (None, None, None, None)


@pytest.mark.parametrize("tries", [0, 1])
def test_sql_words_a_suppression_as_the_table_does(database: TestDatabase, tries: int) -> None:
    key = b"ada"
    effect = claimed(database, waiting(database, contact=key))
    database.run("UPDATE effects SET tries = %s", (tries,))
    database.run("UPDATE contacts SET suppressed_at = drumbeat_now(), suppression_reason = 'a {detail} of hers'")

    attempts_sql.open_attempts(database, [opening(effect)])

    reason = Reason(ReasonCode.SUPPRESSED, "a {detail} of hers", maybe_sent=tries > 0)
    assert written(database, ROW, effect.id) == (reason.code, reason.detail, reason.sentence, reason.maybe_sent)
    assert written(database, LAST, effect.id) == written(database, ROW, effect.id)


def test_the_relay_says_where_a_lease_ended_and_keeps_the_reason_of_what_was_looked_up(
    database: TestDatabase, owner: Database
) -> None:
    idle, sent = claimed(database, waiting(database)), sending(database)
    looked_into = sending(database)
    why = Reason(ReasonCode.OUTCOME_UNKNOWN, "HTTP 500")
    attempts_sql.close_attempts(database, [closing(looked_into, "unknown", Status.UNKNOWN, reason=why, learned=why)])
    claimed(database, looked_into.id)
    pass_time(owner, seconds=LEASE.total_seconds() + 1)

    leases.recover(database, limit=10)

    before, during = Reason(ReasonCode.LEASE_ENDED), Reason(ReasonCode.LEASE_ENDED_SENDING)
    assert written(database, ROW, idle.id) == (before.code, None, before.sentence, False)
    assert written(database, LAST, sent.id) == (during.code, None, during.sentence, False)
    assert written(database, ROW, looked_into.id) == (why.code, why.detail, why.sentence, False)


def test_what_was_learned_has_the_code_of_its_sentence(database: TestDatabase) -> None:
    effect = sending(database)
    met = Reason(ReasonCode.OUTCOME_UNKNOWN, "HTTP 500")

    attempts_sql.close_attempts(database, [closing(effect, "unknown", Status.UNKNOWN, learned=met, reason=met)])

    (row,) = database.run("SELECT reason_code, detail FROM outcomes")
    assert row == {"reason_code": "outcome_unknown", "detail": "HTTP 500"}


# ---------------------------------------------------------------- what the release before writes


@pytest.mark.point(61)
def test_a_statement_of_the_release_before_leaves_no_code_of_this_one_standing(
    database: TestDatabase, owner: Database
) -> None:
    effect = put_back(database, Reason(ReasonCode.SUPPRESSED, "asked", maybe_sent=True))
    claimed(database, effect)
    pass_time(owner, seconds=LEASE.total_seconds() + 1)

    database.run(RECOVER_BEFORE, {"limit": 10, "full": False})

    assert written(database, ROW, effect) == ("legacy", LOST, LOST, None)
    assert written(database, LAST, effect) == ("legacy", LOST, LOST, None)


@pytest.mark.point(61)
def test_the_release_before_takes_a_reason_away_with_its_code(database: TestDatabase) -> None:
    effect = put_back(database, Reason(ReasonCode.PAUSED, "HTTP 429"))

    database.run("UPDATE effects SET reason = NULL WHERE id = %s", (effect,))

    assert written(database, ROW, effect) == (None, None, None, None)


@pytest.mark.point(61)
def test_an_outcome_of_the_release_before_is_legacy(database: TestDatabase) -> None:
    database.run(OUTCOME_BEFORE, (sending(database).id,))

    assert database.run("SELECT reason_code, detail FROM outcomes") == [{"reason_code": "legacy", "detail": "HTTP 500"}]


@pytest.mark.point(61)
def test_this_release_goes_on_with_what_the_release_before_wrote(database: TestDatabase) -> None:
    effect = put_back(database, None)
    database.run("UPDATE effects SET reason = 'rate limit' WHERE id = %s", (effect,))

    attempts_sql.open_attempts(
        database, [opening(claimed(database, effect), "waiting", reason=Reason(ReasonCode.RATE_LIMITED))]
    )

    assert written(database, ROW, effect) == ("rate_limited", None, "rate limit", False)


# ---------------------------------------------------------------- a ledger from before

ADDITIONS = 7  # so many steps change no row


@pytest.fixture
def old(postgres: Postgres) -> Iterator[Database]:
    """A ledger at step 001 that holds three effects: one is put back, one is held, one waits for a pause."""
    name = f"o{uuid.uuid4().hex}"
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        with psycopg.connect(postgres.url(name), autocommit=True) as owner:
            steps.apply(owner, steps.packaged()[:1])
        database = Database(postgres.url(name))
        yield database
        database.close()
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def upgrade(old: Database, postgres: Postgres, to: int | None = None) -> None:
    """Apply the steps that came later, or those up to one of them."""
    (row,) = old.run("SELECT current_database() AS name")
    with psycopg.connect(postgres.url(row["name"]), autocommit=True) as owner:
        steps.apply(owner, steps.packaged()[:to])


def from_before(old: Database, status: str, reason: str) -> UUID:
    """Return an effect as the release before left it, in a ledger that has nothing of the steps after it."""
    event = recorded(old)
    configured(old)
    old.run("INSERT INTO plans (event_id, version, hash) VALUES (%s, 1, 'hash')", (event,))
    (row,) = old.run(EFFECT_BEFORE, {"event": event, "status": status, "reason": reason})
    effect: UUID = row["id"]
    return effect


@pytest.mark.point(61)
def test_nothing_of_an_old_ledger_is_rewritten_and_its_effects_go_on(old: Database, postgres: Postgres) -> None:
    effect = from_before(old, "waiting", "rate limit")
    before = old.run("SELECT ctid::text, xmin::text FROM effects")

    upgrade(old, postgres, to=ADDITIONS)

    assert old.run("SELECT ctid::text, xmin::text FROM effects") == before
    assert written(old, ROW, effect) == (None, None, "rate limit", None)
    upgrade(old, postgres)  # the last one notes of open effects whether a campaign sends them
    taken = claimed(old, effect)
    assert written(old, ROW, effect) == ("legacy", "rate limit", "rate limit", None)
    assert attempts_sql.open_attempts(old, [opening(taken)])[effect].status is Status.SENDING


@pytest.mark.point(61)
def test_views_show_a_reason_from_before_as_legacy(old: Database, postgres: Postgres) -> None:
    effect = from_before(old, "held", UNPROVABLE)
    upgrade(old, postgres)

    (item,) = views.effects(old, views.EffectFilter(status="held")).items
    story = views.event(old, item.event_id)

    assert (item.effect_id, item.reason_code, item.reason_detail) == (effect, "legacy", UNPROVABLE)
    assert story is not None
    assert (story.effects[0].reason_code, story.effects[0].reason) == ("legacy", UNPROVABLE)


@pytest.mark.point(61)
def test_the_end_of_a_pause_frees_what_the_release_before_put_back(old: Database, postgres: Postgres) -> None:
    later = timedelta(hours=1)
    paused = [from_before(old, "waiting", why) for why in ("paused: HTTP 401", "circuit breaker open")]
    backing_off = from_before(old, "waiting", "connection refused")
    old.run("UPDATE effects SET due_at = due_at + %s", (later,))
    upgrade(old, postgres)

    freed = resume_sql.hasten(old, "mail", limit=10)

    assert set(freed) == set(paused)
    assert backing_off not in freed


# ---------------------------------------------------------------- who selects


def test_the_end_of_a_pause_frees_what_waits_because_of_its_account_and_nothing_else(database: TestDatabase) -> None:
    reasons = [
        Reason(ReasonCode.PAUSED, "HTTP 429"),
        Reason(ReasonCode.CREDENTIALS_REFUSED, "HTTP 401"),
        Reason(ReasonCode.BREAKER_OPEN),
        Reason(ReasonCode.RATE_LIMITED),
        Reason(ReasonCode.NOT_SENT, "no route"),
        None,
    ]
    put = [put_back(database, reason) for reason in reasons]
    database.run("UPDATE effects SET due_at = due_at + interval '1 hour'")

    assert set(resume_sql.hasten(database, "mail", limit=10)) == {*put[:3], put[4]}


def test_what_is_held_is_grouped_by_code_and_detail(database: TestDatabase) -> None:
    held(database, Reason(ReasonCode.WORKER_CRASHED, "3"))
    for _ in range(2):
        held(database, Reason(ReasonCode.UNPROVABLE))
        database.run(HOLD_BEFORE, (UNPROVABLE, put_back(database, None)))

    groups = views.groups(database, Status.HELD).groups

    assert [(each.reason_code, each.reason_detail, each.reason, each.effects) for each in groups] == [
        ("legacy", UNPROVABLE, UNPROVABLE, 2),
        ("unprovable", None, UNPROVABLE, 2),
        ("worker_crashed", "3", "its worker ended without a result 3 times in a row", 1),
    ]


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("not_configured", {"crm", "mail"}),
        ("account crm is not configured any more", {"crm", "before"}),
        ("legacy", {"before"}),
        ("unprovable", set[str]()),
        (None, {"crm", "mail", "before"}),
    ],
)
def test_a_cause_selects_by_code_or_by_the_sentence_of_the_release_before(
    database: TestDatabase, asked: str | None, meant: set[str]
) -> None:
    ids = {account: held(database, Reason(ReasonCode.NOT_CONFIGURED, account)) for account in ("crm", "mail")}
    ids["before"] = put_back(database, None)
    database.run(HOLD_BEFORE, ("account crm is not configured any more", ids["before"]))
    (row,) = database.run("SELECT drumbeat_now() AS now")
    cause = legacy.cause(asked) if asked else None

    found = decisions_sql.selected(database, Selection((Status.HELD,), row["now"], cause=cause), limit=10)

    assert {each.id for each in found} == {ids[name] for name in meant}

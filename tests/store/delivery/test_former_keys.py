"""Consent under two keys: the one of today's reading, and the one that the same person had by the first reading."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from drumbeat import views
from drumbeat.core.address import Keys
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.delivery.effects import Moved
from drumbeat.ledger.database import Database
from drumbeat.people import imports_sql
from drumbeat.people import sql as people_sql
from tests.conftest import TestDatabase
from tests.store.rows import claimed, new_effect, opening, planned, recorded, status, waiting

KEY, FORMER = b"today", b"a former one"
BOTH = Keys(KEY, FORMER)
SUPPRESS = "UPDATE contacts SET suppressed_at = drumbeat_now(), suppression_reason = 'unsubscribed' WHERE key = %s"


def contacts(db: Database) -> dict[bytes, bytes | None]:
    return {row["key"]: row["former"] for row in db.run("SELECT key, former FROM contacts")}


def test_planning_remembers_the_former_key_and_makes_a_row_that_can_be_locked(database: TestDatabase) -> None:
    waiting(database, contact=KEY, former=FORMER)

    assert contacts(database) == {KEY: FORMER, FORMER: None}


def test_planning_reminds_a_contact_that_the_release_before_made(database: TestDatabase) -> None:
    waiting(database, contact=KEY)

    waiting(database, contact=KEY, former=FORMER)

    assert contacts(database) == {KEY: FORMER, FORMER: None}


def test_a_contact_may_be_the_former_one_of_another(database: TestDatabase) -> None:
    event = recorded(database)

    planned(
        database,
        new_effect(event, "one", contact=KEY, former=FORMER),
        new_effect(event, "two", contact=FORMER),
        new_effect(event, "three", contact=KEY, former=FORMER),
    )

    assert contacts(database) == {KEY: FORMER, FORMER: None}


@pytest.mark.parametrize("key", [KEY, FORMER])
def test_a_suppression_under_either_key_cancels_the_opening(database: TestDatabase, key: bytes) -> None:
    effect = claimed(database, waiting(database, contact=KEY, former=FORMER))
    database.run(SUPPRESS, (key,))

    moved = attempts_sql.open_attempts(database, [opening(effect)])

    assert moved[effect.id].status is Status.CANCELLED
    assert database.run("SELECT reason_detail FROM effects") == [{"reason_detail": "unsubscribed"}]


@pytest.mark.parametrize("key", [KEY, FORMER])
def test_a_claim_sees_a_suppression_under_either_key(database: TestDatabase, key: bytes) -> None:
    effect = waiting(database, contact=KEY, former=FORMER)
    database.run(SUPPRESS, (key,))

    assert claimed(database, effect).suppressed == "unsubscribed"


@pytest.mark.parametrize("key", [KEY, FORMER])
def test_an_opening_waits_for_a_suppression_in_progress_under_either_key(database: TestDatabase, key: bytes) -> None:
    effect = claimed(database, waiting(database, contact=KEY, former=FORMER))
    moved: list[Moved] = []

    def open_it() -> None:
        moved.extend(attempts_sql.open_attempts(database, [opening(effect)]).values())

    with psycopg.connect(database.url) as unsubscriber:
        unsubscriber.execute(SUPPRESS, (key,))
        worker = threading.Thread(target=open_it)
        worker.start()
        worker.join(0.3)
        still_waiting = worker.is_alive()
    worker.join()

    assert still_waiting
    assert [one.status for one in moved] == [Status.CANCELLED]


def test_another_person_is_mailed_all_the_same(database: TestDatabase) -> None:
    """A suppression under today's key alone says nothing about the person whose key the former one is."""
    other = claimed(database, waiting(database, contact=FORMER))
    waiting(database, contact=KEY, former=FORMER)
    database.run(SUPPRESS, (KEY,))

    attempts_sql.open_attempts(database, [opening(other)])

    assert status(database, other.id) == "sending"


SAY = """
    UPDATE contacts
       SET consents = consents_merged(consents, consent_fact('news', %s, true, drumbeat_now(), gen_random_uuid()))
     WHERE key = %s
"""


@pytest.mark.parametrize("other", ["given", "withdrawn"])
@pytest.mark.parametrize("own", [None, "given", "withdrawn"])
def test_consent_is_that_of_todays_key_where_it_is_shown_counted_and_acted_on(
    database: TestDatabase, own: str | None, other: str
) -> None:
    effect = claimed(database, waiting(database, contact=KEY, former=FORMER, list="news"))
    for kind, key in ((own, KEY), (other, FORMER)):
        if kind:
            database.run(SAY, (kind, key))
    database.run("UPDATE contacts SET complained_at = drumbeat_now() WHERE key = %s", (FORMER,))

    told = views.person(database, keys=BOTH.known, reading=lambda *_: None)
    stay_out = imports_sql.stay_out(database, [BOTH], "news")
    moved = attempts_sql.open_attempts(database, [opening(effect)])

    assert told and ([each.state for each in told.consent], told.suppressed) == ([own] if own else [], None)
    assert stay_out == (own == "withdrawn")
    assert (moved[effect.id].status is Status.SENDING) == (own == "given")


# ---------------------------------------------------------------- suppressing and lifting


@pytest.fixture
def other(database: TestDatabase) -> Iterator[Database]:
    second = Database(database.url)
    yield second
    second.close()


def suppressed(db: Database) -> set[bytes]:
    return {row["key"] for row in db.run("SELECT key FROM contacts WHERE suppressed_at IS NOT NULL")}


def test_suppressing_and_lifting_reach_both_keys(database: TestDatabase) -> None:
    added = people_sql.change(database, BOTH, reason="asked", actor="ada", lifted=False)
    between = suppressed(database)
    again = people_sql.change(database, BOTH, reason="asked", actor="ada", lifted=False)

    lifted = people_sql.change(database, BOTH, reason="asked again", actor="ada", lifted=True)

    assert (added, again, lifted) == (True, False, True)
    assert (between, suppressed(database)) == ({KEY, FORMER}, set())
    assert contacts(database) == {KEY: FORMER, FORMER: None}
    assert len(database.run("SELECT 1 FROM suppressions")) == 4


def kinds(db: Database) -> list[str | None]:
    return [row["kind"] for row in db.run("SELECT suppression_kind AS kind FROM contacts ORDER BY key")]


def test_who_is_lifted_has_no_kind_and_whom_a_person_suppresses_then_is_no_bounce(database: TestDatabase) -> None:
    people_sql.change(database, BOTH, reason="asked", actor="ada", lifted=False)
    first = kinds(database)
    database.run("UPDATE contacts SET suppression_kind = 'bounce'")

    people_sql.change(database, BOTH, reason="asked again", actor="ada", lifted=True)
    between = kinds(database)
    people_sql.change(database, BOTH, reason="left", actor="ada", lifted=False)

    assert (first, between, kinds(database)) == (["manual"] * 2, [None] * 2, ["manual"] * 2)


def test_lifting_reaches_a_suppression_that_the_release_before_wrote(database: TestDatabase) -> None:
    people_sql.change(database, Keys(FORMER), reason="asked", actor="before", lifted=False)

    assert people_sql.change(database, BOTH, reason="asked again", actor="ada", lifted=True)
    assert suppressed(database) == set()


def test_two_who_suppress_each_others_keys_do_not_lock_each_other_out(database: TestDatabase, other: Database) -> None:
    """Keys are locked in their order, whichever of them is whose former one."""
    for each in (KEY, FORMER):
        people_sql.change(database, Keys(each), reason="asked", actor="ada", lifted=False)
    with psycopg.connect(database.url) as first:
        first.execute("SELECT 1 FROM contacts WHERE key = %s FOR UPDATE", (min(KEY, FORMER),))
        waits = threading.Thread(target=lambda: people_sql.change(other, BOTH, reason="x", actor="eve", lifted=True))
        waits.start()
        waits.join(0.3)
        # It has not got past the lower key, so it cannot hold the higher one.
        first.execute("SELECT 1 FROM contacts WHERE key = %s FOR UPDATE NOWAIT", (max(KEY, FORMER),))
    waits.join()

    assert suppressed(database) == set()


def test_a_change_that_waited_for_another_is_appended_after_it(database: TestDatabase, other: Database) -> None:
    people_sql.change(database, Keys(KEY), reason="asked", actor="ada", lifted=False)
    with psycopg.connect(database.url) as first:
        first.execute("UPDATE contacts SET suppressed_at = NULL, suppression_reason = NULL WHERE key = %s", (KEY,))
        first.execute("INSERT INTO suppressions VALUES (%s, 2, 'asked', 'eve', true)", (KEY,))
        waits = threading.Thread(
            target=lambda: people_sql.change(other, Keys(KEY), reason="once more", actor="ada", lifted=False)
        )
        waits.start()
        waits.join(0.3)
    waits.join()

    assert suppressed(database) == {KEY}
    rows = database.run("SELECT seq, reason, lifted FROM suppressions ORDER BY seq")
    assert [tuple(row.values()) for row in rows] == [(1, "asked", False), (2, "asked", True), (3, "once more", False)]


def test_a_suppression_without_any_effect_is_unmatched(database: TestDatabase) -> None:
    waiting(database, contact=KEY, former=FORMER)
    for key in (KEY, FORMER, b"junk"):
        people_sql.change(database, Keys(key), reason="asked", actor="ada", lifted=False)

    assert [item.contact for item in people_sql.unmatched(database, after=None, limit=10)] == [b"junk"]
    assert people_sql.unmatched(database, after=b"junk", limit=10) == []

"""Consent is read in the contact's row, under the lock by which it is written: a withdrawal before stops a mail."""

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.delivery.effects import Moved
from drumbeat.ledger.database import Database, Row
from tests.conftest import TestDatabase
from tests.store.rows import claimed, opening, waiting

KEY = b"ada"
SAY = """
    UPDATE contacts
       SET consents = consents_merged(
               consents, consent_fact('news', %s, %s, drumbeat_now(), gen_random_uuid()))
     WHERE key = %s
"""


def say(db: Database, kind: str, *, by_person: bool = True) -> None:
    db.run(SAY, (kind, by_person, KEY))


def reason(db: Database) -> Row:
    (row,) = db.run("SELECT reason_code, reason_detail, reason, maybe_sent FROM effects")
    return row


def marketing(db: Database, **changes: Any) -> uuid.UUID:
    return waiting(db, contact=KEY, list="news", **changes)


def opened(db: Database, effect: uuid.UUID) -> Status:
    one = claimed(db, effect)
    return attempts_sql.open_attempts(db, [opening(one)])[effect].status


def test_marketing_goes_to_a_person_who_agreed(database: TestDatabase) -> None:
    effect = marketing(database)
    say(database, "given")

    assert opened(database, effect) is Status.SENDING


@pytest.mark.parametrize(
    ("said", "state"), [((), "none"), (("pending",), "pending"), (("given", "withdrawn"), "withdrawn")]
)
def test_marketing_goes_to_no_one_else(database: TestDatabase, said: tuple[str, ...], state: str) -> None:
    effect = marketing(database)
    for kind in said:
        say(database, kind)

    assert opened(database, effect) is Status.CANCELLED
    assert reason(database) == {
        "reason_code": "no_consent",
        "reason_detail": f"news: {state}",
        "reason": f"no consent: news: {state}",
        "maybe_sent": False,
    }


def test_what_a_person_withdrew_no_machine_gives_back(database: TestDatabase) -> None:
    effect = marketing(database)
    say(database, "withdrawn")
    say(database, "given", by_person=False)

    assert opened(database, effect) is Status.CANCELLED


def test_a_person_may_come_back(database: TestDatabase) -> None:
    effect = marketing(database)
    for kind in ("given", "withdrawn", "given"):
        say(database, kind)

    assert opened(database, effect) is Status.SENDING


def test_a_withdrawal_from_every_list_counts_for_each(database: TestDatabase) -> None:
    effect = marketing(database)
    say(database, "given")
    database.run(SAY.replace("'news'", "'*'"), ("withdrawn", True, KEY))

    assert opened(database, effect) is Status.CANCELLED


def test_a_transactional_mail_asks_for_no_consent(database: TestDatabase) -> None:
    effect = waiting(database, contact=KEY)
    say(database, "withdrawn")

    assert opened(database, effect) is Status.SENDING


def test_who_complained_gets_what_concerns_them_and_no_marketing(database: TestDatabase) -> None:
    news, receipt = marketing(database), waiting(database, contact=KEY)
    say(database, "given")
    database.run("UPDATE contacts SET complained_at = drumbeat_now() WHERE key = %s", (KEY,))

    assert (opened(database, news), opened(database, receipt)) == (Status.CANCELLED, Status.SENDING)
    rows = database.run("SELECT reason_code, reason_detail FROM effects WHERE id = %s", (news,))
    assert rows == [{"reason_code": "suppressed", "reason_detail": "complaint"}]


def test_a_suppression_is_the_reason_before_a_missing_consent(database: TestDatabase) -> None:
    effect = marketing(database)
    database.run(
        "UPDATE contacts SET suppressed_at = drumbeat_now(), suppression_reason = 'left' WHERE key = %s", (KEY,)
    )

    assert opened(database, effect) is Status.CANCELLED
    assert reason(database)["reason_code"] == "suppressed"


def test_a_mail_that_was_tried_and_is_no_longer_wanted_may_have_been_sent(
    database: TestDatabase, owner: Database
) -> None:
    effect = marketing(database)
    owner.run("UPDATE effects SET tries = 1")

    assert opened(database, effect) is Status.CANCELLED
    assert reason(database)["maybe_sent"]
    assert reason(database)["reason"].endswith("; may have been sent once")


def test_an_opening_waits_for_a_withdrawal_that_is_being_recorded_and_sees_it(database: TestDatabase) -> None:
    effect = marketing(database)
    say(database, "given")
    one = claimed(database, effect)
    moved: list[Moved] = []

    def open_it() -> None:
        moved.extend(attempts_sql.open_attempts(database, [opening(one)]).values())

    with psycopg.connect(database.url) as person:
        person.execute(SAY, ("withdrawn", True, KEY))
        worker = threading.Thread(target=open_it)
        worker.start()
        worker.join(0.3)
        still_waiting = worker.is_alive()
    worker.join()

    assert still_waiting
    assert [one.status for one in moved] == [Status.CANCELLED]


# ---------------------------------------------------------------- mails that ask to confirm


@pytest.fixture
def other(database: TestDatabase) -> Iterator[Database]:
    second = Database(database.url)
    yield second
    second.close()


def asking(db: Database, name: str = "news") -> uuid.UUID:
    return waiting(db, contact=KEY, list=name, confirms=True)


def ask(db: Database, *effects: uuid.UUID) -> list[Status]:
    openings = [opening(claimed(db, effect), counted=True) for effect in effects]
    moved = attempts_sql.open_attempts(db, openings)
    return [moved[effect].status for effect in effects]


def test_a_stranger_is_asked_to_confirm_three_times_a_day(database: TestDatabase) -> None:
    statuses = [ask(database, asking(database))[0] for _ in range(4)]

    assert statuses == [Status.SENDING] * 3 + [Status.CANCELLED]
    capped = database.run("SELECT reason FROM effects WHERE reason_code = 'capped'")
    assert capped == [{"reason": "sent often enough: 3 times within a day"}]


def test_those_of_one_batch_are_counted_together(database: TestDatabase) -> None:
    statuses = ask(database, *(asking(database) for _ in range(5)))

    assert sorted(statuses) == [Status.CANCELLED] * 2 + [Status.SENDING] * 3


def test_each_list_is_counted_by_itself_and_a_day_later_it_begins_again(
    database: TestDatabase, owner: Database
) -> None:
    ask(database, *(asking(database) for _ in range(3)))

    assert ask(database, asking(database, "offers")) == [Status.SENDING]
    owner.run("UPDATE clock SET shift = interval '25 hours'")
    assert ask(database, asking(database)) == [Status.SENDING]


def repeat(db: Database, owner: Database, *effects: uuid.UUID) -> list[Status]:
    """Open mails again whose calls surely did not send them."""
    owner.run(
        "UPDATE effects SET status = 'waiting', due_at = drumbeat_now(), lease_until = NULL WHERE id = ANY (%s)",
        (list(effects),),
    )
    return ask(db, *effects)


def test_a_mail_that_is_repeated_counts_once(database: TestDatabase, owner: Database) -> None:
    effects = [asking(database) for _ in range(3)]
    ask(database, *effects)

    assert repeat(database, owner, *effects[:2]) == [Status.SENDING] * 2
    (row,) = database.run("SELECT jsonb_array_length(confirmations -> 'news') AS n FROM contacts")
    assert row["n"] == 3


def test_a_mail_that_is_repeated_counts_from_its_last_opening(database: TestDatabase, owner: Database) -> None:
    effects = [asking(database) for _ in range(3)]
    ask(database, *effects)
    owner.run("UPDATE clock SET shift = interval '23 hours'")
    assert repeat(database, owner, *effects[:2]) == [Status.SENDING] * 2
    owner.run("UPDATE clock SET shift = interval '25 hours'")

    statuses = [ask(database, asking(database))[0] for _ in range(2)]

    assert statuses == [Status.SENDING, Status.CANCELLED]


def test_two_workers_count_each_others(database: TestDatabase, other: Database) -> None:
    ask(database, asking(database), asking(database))
    first, second = claimed(database, asking(database)), claimed(database, asking(database))
    moved: list[Moved] = []

    def open_it() -> None:
        moved.extend(attempts_sql.open_attempts(other, [opening(second, counted=True)]).values())

    with psycopg.connect(database.url) as writer:
        writer.execute("SELECT FROM contacts WHERE key = %s FOR NO KEY UPDATE", (KEY,))
        worker = threading.Thread(target=open_it)
        worker.start()
        worker.join(0.3)
        writer.execute(
            "UPDATE contacts SET confirmations = jsonb_insert(confirmations, '{news,0}',"
            " jsonb_build_array(microseconds(drumbeat_now()), %s::text)) WHERE key = %s",
            (str(first.id), KEY),
        )
    worker.join()

    assert [one.status for one in moved] == [Status.CANCELLED]


@pytest.mark.parametrize(("said", "asked"), [(None, True), ("pending", True), ("given", False), ("withdrawn", False)])
def test_a_programs_word_asks_only_a_person_who_has_not_decided(
    database: TestDatabase, said: str | None, asked: bool
) -> None:
    effect = asking(database)
    if said:
        say(database, said)

    assert ask(database, effect) == [Status.SENDING if asked else Status.CANCELLED]
    assert asked or reason(database)["reason"] == f"not asked to confirm, for the person has decided: news: {said}"


def test_a_person_who_signs_up_again_is_asked_whatever_they_said_before(
    database: TestDatabase, owner: Database
) -> None:
    effect = asking(database)
    owner.run("UPDATE events SET door = 'form'")
    say(database, "withdrawn")

    assert ask(database, effect) == [Status.SENDING]


def test_a_suppressed_person_is_not_asked_either(database: TestDatabase) -> None:
    effect = asking(database)
    database.run(
        "UPDATE contacts SET suppressed_at = drumbeat_now(), suppression_reason = 'left' WHERE key = %s", (KEY,)
    )

    assert ask(database, effect) == [Status.CANCELLED]

"""Withdrawals count from the commit that records them; confirmations are events of their own."""

import json
import threading
import uuid
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from drumbeat.core import ids
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.delivery.effects import Claimed, Moved
from drumbeat.ingest.door import Door
from drumbeat.ledger.database import Database
from drumbeat.people import wishes
from drumbeat.people.wishes import Taken
from tests.conftest import TestDatabase
from tests.store.people.conftest import KEY, confirming, leaving, mail, states
from tests.store.rows import as_json, claimed, configured, new_effect, opening, planned, recorded, status

JANUARY = datetime(2026, 1, 20, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
# As the opening statement would read consent, were it kept apart from the contact's row.
IN_A_TABLE = """
    consent_state((SELECT consents_merge(consent_fact(s.list, s.kind, s.by_person, s.at, s.event_id))
                     FROM consents s WHERE s.contact = own.key), e.list) <> 'given'
"""


# ---------------------------------------------------------------- withdrawals


def test_a_withdrawal_is_an_event_with_its_evidence_and_counts_at_once(database: TestDatabase, door: Door) -> None:
    effect = mail(database)
    wish = leaving(effect, at=JANUARY)

    assert wishes.take(wish, door) is Taken.RECORDED

    event = ids.event_id("drumbeat:unsubscribe", str(wish.id))
    assert states(database) == {"news": "withdrawn", "offers": "given"}
    assert database.run("SELECT source, key, type, door, received_at FROM events WHERE id = %s", (event,)) == [
        {
            "source": "drumbeat:unsubscribe",
            "key": str(wish.id),
            "type": "CONSENT",
            "door": "unsubscribe",
            "received_at": JANUARY,
        }
    ]
    (kept,) = database.run("SELECT body FROM payloads WHERE event_id = %s", (event,))
    assert json.loads(kept["body"]) == {
        "payload": {},
        "consent": [{"list": None, "kind": "withdrawn"}],
        "mail": str(effect),
        "evidence": {"ip": "203.0.113.0"},
    }
    assert database.run("SELECT contact, list, kind, by_person, at FROM consents WHERE event_id = %s", (event,)) == [
        {"contact": KEY, "list": "news", "kind": "withdrawn", "by_person": True, "at": JANUARY}
    ]
    assert database.run("SELECT contact FROM event_contacts WHERE event_id = %s", (event,)) == [{"contact": KEY}]
    assert door.services.queue.count() == 1  # a worker plans it, like every event


@pytest.mark.parametrize(
    ("lists", "left"),
    [
        (("offers",), {"news": "given", "offers": "withdrawn"}),
        (("offers", "news", "offers"), {"news": "withdrawn", "offers": "withdrawn"}),
        (("*",), {"news": "withdrawn", "offers": "withdrawn"}),
        ((None, "offers"), {"news": "withdrawn", "offers": "withdrawn"}),
    ],
)
def test_a_person_leaves_the_lists_that_they_name(
    database: TestDatabase, door: Door, lists: tuple[str | None, ...], left: dict[str, str]
) -> None:
    assert wishes.take(leaving(mail(database), *lists, at=JANUARY), door) is Taken.RECORDED

    assert states(database) == left


def test_a_mail_that_asks_for_confirmation_leads_out_of_its_list_as_well(database: TestDatabase, door: Door) -> None:
    assert wishes.take(leaving(mail(database, confirms=True), at=JANUARY), door) is Taken.RECORDED

    assert states(database)["news"] == "withdrawn"


def test_what_the_ledger_does_not_know_changes_nothing(database: TestDatabase, door: Door) -> None:
    transactional = mail(database, list=None)

    taken = [wishes.take(leaving(effect, at=JANUARY), door) for effect in (uuid.uuid4(), transactional)]

    assert taken == [Taken.NOTHING, Taken.NOTHING]
    assert database.run("SELECT 1 FROM events WHERE door = 'unsubscribe'") == []
    assert states(database) == {"news": "given", "offers": "given"}


def test_each_press_is_an_event_and_a_repeat_of_one_is_none(database: TestDatabase, door: Door) -> None:
    effect = mail(database)
    wish = leaving(effect, at=JANUARY)

    taken = [wishes.take(each, door) for each in (wish, wish, leaving(effect, at=JANUARY))]

    assert taken == [Taken.RECORDED] * 3
    assert len(database.run("SELECT 1 FROM events WHERE door = 'unsubscribe'")) == 2


def test_a_january_link_works_after_a_march_re_subscription(database: TestDatabase, door: Door) -> None:
    effect = mail(database)
    wishes.take(leaving(effect, at=JANUARY), door)
    database.run(
        "UPDATE contacts SET consents = consents_merged(consents, consent_fact('news', 'given', true, %s, %s))",
        (MARCH, uuid.uuid4()),
    )
    again = states(database)["news"]

    wishes.take(leaving(effect, at=MARCH + timedelta(days=1)), door)

    assert (again, states(database)["news"]) == ("given", "withdrawn")


def test_one_that_was_made_before_a_later_consent_takes_nothing_back(database: TestDatabase, door: Door) -> None:
    """It waited in the queue while the person came back."""
    assert left_after_consent(database, door, waited=True) == "given"


@pytest.mark.parametrize("lists", [(), ("*",)])
def test_one_that_did_not_wait_is_newer_than_all_that_was_said_whatever_the_clocks_say(
    database: TestDatabase, door: Door, lists: tuple[str, ...]
) -> None:
    """The person confirmed at a process whose clock is ahead, and leaves at another."""
    assert left_after_consent(database, door, *lists, waited=False) == "withdrawn"
    assert database.run("SELECT at FROM consents WHERE kind = 'withdrawn'") == [{"at": MARCH}]


def left_after_consent(database: TestDatabase, door: Door, *lists: str, waited: bool) -> str:
    """Return the state of a person who gave in March what they leave in January."""
    effect = mail(database)
    database.run(
        "UPDATE contacts SET consents = consents_merged(consents, consent_fact('news', 'given', true, %s, %s))",
        (MARCH, uuid.uuid4()),
    )

    wishes.record(leaving(effect, *lists, at=JANUARY), door, waited=waited)

    return states(database)["news"]


# ---------------------------------------------------------------- against the opening of an attempt


def test_an_attempt_that_is_opened_after_the_commit_knows(database: TestDatabase, door: Door) -> None:
    effect = claimed(database, mail(database))
    wishes.take(leaving(effect.id, at=JANUARY), door)

    moved = attempts_sql.open_attempts(database, [opening(effect)])

    assert moved[effect.id].status is Status.CANCELLED
    assert database.run("SELECT reason FROM effects") == [{"reason": "no consent: news: withdrawn"}]


def agree(db: Database) -> None:
    """Let the person agree to `news` as the product records it: in the contact's row and in the table of facts."""
    db.run(
        "WITH said AS (INSERT INTO consents (contact, list, event_id, kind, by_person, at)"
        " VALUES (%s, 'news', %s, 'given', true, '2026-01-01') RETURNING *)"
        " UPDATE contacts SET consents = consent_fact(list, kind, by_person, at, event_id)"
        "   FROM said WHERE key = said.contact",
        (KEY, recorded(db)),
    )


def opened_while_leaving(effect: Claimed, database: TestDatabase, door: Door) -> tuple[bool, Status]:
    """Open a mail while its person's withdrawal is not committed yet; return whether that waited, and how it ended."""
    moved: list[Moved] = []

    def open_it() -> None:
        moved.extend(attempts_sql.open_attempts(database, [opening(effect)]).values())

    other = Database(database.url)
    door.services.__dict__["db"] = other
    with other.transaction():
        wishes.take(leaving(effect.id, at=JANUARY), door)
        worker = threading.Thread(target=open_it)
        worker.start()
        worker.join(0.3)
        still_waiting = worker.is_alive()
    worker.join()
    other.close()
    return still_waiting, moved[0].status


def test_an_opening_waits_for_a_withdrawal_in_progress(database: TestDatabase, door: Door) -> None:
    effect = claimed(database, mail(database))
    agree(database)

    assert opened_while_leaving(effect, database, door) == (True, Status.CANCELLED)


def test_were_consent_read_in_another_table_who_left_meanwhile_would_be_mailed(
    database: TestDatabase, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read as it was when the statement began: this is why consent stands in the row that is locked."""
    in_the_row = "consent_state(own.consents, e.list) <> 'given'"
    assert attempts_sql.OPEN.count(in_the_row) == 1
    monkeypatch.setattr(attempts_sql, "OPEN", attempts_sql.OPEN.replace(in_the_row, IN_A_TABLE))
    effect = claimed(database, mail(database))
    agree(database)

    assert opened_while_leaving(effect, database, door) == (True, Status.SENDING)


@pytest.mark.parametrize("confirms", [False, True])
def test_a_withdrawal_waits_for_an_opening_in_progress_and_joins_what_it_left(
    database: TestDatabase, door: Door, *, confirms: bool
) -> None:
    effect = claimed(database, mail(database, confirms=confirms, door="form" if confirms else "api"))
    taken: list[Taken] = []
    other = Database(database.url)
    door.services.__dict__["db"] = other
    with database.transaction():
        attempts_sql.open_attempts(database, [opening(effect, counted=confirms)])
        person = threading.Thread(target=lambda: taken.append(wishes.take(leaving(effect.id, at=JANUARY), door)))
        person.start()
        person.join(0.3)
        still_waiting = person.is_alive()
        (before,) = database.run("SELECT drumbeat_now() AS it_goes_on")
    person.join()
    other.close()

    assert still_waiting
    assert taken == [Taken.RECORDED]
    assert status(database, effect.id) == "sending"
    assert states(database)["news"] == "withdrawn"
    (said,) = database.run("SELECT recorded_at FROM consents")  # verify compares it with the times of attempts
    assert said["recorded_at"] > before["it_goes_on"]
    assert bool(database.run("SELECT confirmations FROM contacts")[0]["confirmations"]) is confirms


def test_two_withdrawals_at_once_both_count(database: TestDatabase, door: Door) -> None:
    """The second waits for the first, and joins the row as that left it."""
    effect = mail(database)
    other = Database(database.url)
    with other.transaction():
        other.run(
            "UPDATE contacts SET consents = consents_merged(consents,"
            " consent_fact('offers', 'withdrawn', true, %s, %s)) WHERE key = %s",
            (JANUARY, uuid.uuid4(), KEY),
        )
        person = threading.Thread(target=lambda: wishes.take(leaving(effect, at=JANUARY), door))
        person.start()
        person.join(0.3)
        still_waiting = person.is_alive()
    person.join()
    other.close()

    assert still_waiting
    assert states(database) == {"news": "withdrawn", "offers": "withdrawn"}


# ---------------------------------------------------------------- confirmations


def signed_up(db: Database, type: str = "CONSENT", *, kind: str | None = "pending") -> UUID:
    said = {"list": "news"} | ({"kind": kind} if kind else {})
    body = {"payload": {"email": "ada@example.com", "name": "Ada"}, "consent": [said], "evidence": {"ip": "old"}}
    return recorded(db, body=as_json(body), type=type)


def asked(db: Database) -> UUID:
    """Return a sign-up whose mail that asks is planned."""
    pending = signed_up(db)
    configured(db)
    planned(db, new_effect(pending, contact=KEY, list="news", confirms=True))
    return pending


def said(db: Database, list: str, kind: str, *, at: datetime) -> None:
    """Let the person's row hold what they said."""
    db.run(
        "UPDATE contacts SET consents = consents_merged(consents, consent_fact(%s, %s, true, %s, %s)) WHERE key = %s",
        (list, kind, at, uuid.uuid4(), KEY),
    )


def test_a_confirmed_form_becomes_the_lead_that_flows_act_on(database: TestDatabase, door: Door) -> None:
    pending = signed_up(database)
    now = datetime.now(UTC)

    assert wishes.take(confirming(pending, at=now), door) is Taken.RECORDED

    event = ids.event_id("test", f"confirm:{pending}")
    assert database.run("SELECT source, key, type, door, received_at FROM events WHERE id = %s", (event,)) == [
        {
            "source": "test",
            "key": f"confirm:{pending}",
            "type": "LEAD_CAPTURE",
            "door": "confirm",
            "received_at": now,
        }
    ]
    (kept,) = database.run("SELECT body FROM payloads WHERE event_id = %s", (event,))
    assert json.loads(kept["body"]) == {
        "payload": {"email": "ada@example.com", "name": "Ada"},
        "consent": [{"list": "news", "kind": "given"}],
        "evidence": {"origin": "https://example.com"},
    }
    assert door.services.queue.count() == 1


def test_what_a_program_sent_is_confirmed_by_an_event_that_no_flow_acts_on(database: TestDatabase, door: Door) -> None:
    """Only the lists whose confirmation was asked for by mail: another that it named was given, not pending."""
    pending = signed_up(database, "LEAD_CAPTURE", kind=None)
    configured(database)
    asks = new_effect(pending, contact=KEY, list="offers", confirms=True)
    planned(database, asks)

    assert wishes.take(confirming(pending, at=datetime.now(UTC)), door) is Taken.RECORDED

    event = ids.event_id("test", f"confirm:{pending}")
    (kept,) = database.run("SELECT type, body FROM events JOIN payloads ON event_id = id WHERE id = %s", (event,))
    assert kept["type"] == "CONSENT"
    assert json.loads(kept["body"])["consent"] == [{"list": "offers", "kind": "given"}]


def test_pressed_again_it_is_the_same_event_also_when_its_time_is_over(database: TestDatabase, door: Door) -> None:
    pending = signed_up(database)
    now = datetime.now(UTC)

    taken = [wishes.take(confirming(pending, at=now + timedelta(days=days)), door) for days in (0, 1, 30)]

    assert taken == [Taken.RECORDED] * 3
    assert database.run("SELECT received_at FROM events WHERE door = 'confirm'") == [{"received_at": now}]


@pytest.mark.parametrize("left", ["news", "*"])
def test_an_old_link_brings_no_one_back_who_left_since(database: TestDatabase, door: Door, left: str) -> None:
    pending = asked(database)
    now = datetime.now(UTC)
    wishes.take(confirming(pending, at=now), door)
    said(database, left, "withdrawn", at=now + timedelta(days=1))

    gone = wishes.take(confirming(pending, at=now + timedelta(days=2)), door)
    said(database, "news", "given", at=now + timedelta(days=3))
    back = wishes.take(confirming(pending, at=now + timedelta(days=4)), door)

    assert (gone, back) == (Taken.LEFT, Taken.RECORDED)
    assert len(database.run("SELECT 1 FROM events WHERE door = 'confirm'")) == 1


def test_one_who_left_before_they_confirmed_has_come_back(database: TestDatabase, door: Door) -> None:
    """Also before the confirmation is planned, while the contact's row still says that they left."""
    pending = asked(database)
    now = datetime.now(UTC)
    said(database, "news", "withdrawn", at=now)

    taken = [wishes.take(confirming(pending, at=now + timedelta(days=days)), door) for days in (1, 2)]

    assert taken == [Taken.RECORDED] * 2
    assert states(database)["news"] == "withdrawn"


def test_a_sign_up_can_be_confirmed_for_seven_days(database: TestDatabase, door: Door) -> None:
    pending = signed_up(database)
    last = datetime.now(UTC) + timedelta(days=7)

    late = wishes.take(confirming(pending, at=last), door)
    in_time = wishes.take(confirming(pending, at=last - timedelta(minutes=1)), door)

    assert (late, in_time) == (Taken.EXPIRED, Taken.RECORDED)


def test_what_is_unknown_erased_or_waits_for_nothing_is_not_confirmed(
    database: TestDatabase, owner: Database, door: Door
) -> None:
    erased = signed_up(database)
    owner.run("DELETE FROM payloads WHERE event_id = %s", (erased,))
    asked_nothing = recorded(database)
    strange = recorded(database, body=b"[")
    senders_own = recorded(database, body=as_json({"consent": [{"list": "news", "kind": "pending"}]}))

    taken = [
        wishes.take(confirming(event, at=datetime.now(UTC)), door)
        for event in (uuid.uuid4(), erased, asked_nothing, strange, senders_own)
    ]

    assert taken == [Taken.NOTHING] * 5
    assert database.run("SELECT 1 FROM events WHERE door = 'confirm'") == []


# ---------------------------------------------------------------- Postgres


def test_an_answer_that_was_lost_is_not_taken_for_a_refusal(
    database: TestDatabase, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The withdrawal is committed, and waits in the queue as well: recorded twice it is recorded once."""
    effect = mail(database)
    wish = leaving(effect, at=JANUARY)
    run = database.run

    def cut(*args: object) -> object:
        run(*args)  # type: ignore[arg-type]
        raise psycopg.OperationalError("the answer was lost")

    monkeypatch.setattr(database, "run", cut)
    first = wishes.take(wish, door)
    monkeypatch.undo()
    again = wishes.take(wish, door)

    assert (first, again) == (Taken.WAITING, Taken.RECORDED)
    assert len(database.run("SELECT 1 FROM events WHERE door = 'unsubscribe'")) == 1

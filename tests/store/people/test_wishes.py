"""Withdrawals count from the commit that records them; confirmations are events of their own."""

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from drumbeat.configuration.document import compile_document
from drumbeat.core import ids
from drumbeat.core.address import contact_key
from drumbeat.core.events import Arrival
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.delivery.effects import Claimed, Moved
from drumbeat.delivery.planning import plan_events
from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.ingest import recording
from drumbeat.ingest.door import Door
from drumbeat.ledger import configs
from drumbeat.ledger.database import Database
from drumbeat.people import wishes
from drumbeat.people.wishes import Taken
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.store.people.conftest import KEY, confirming, leaving, mail, states
from tests.store.rows import as_json, claimed, new_effect, opening, planned, recorded, status

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
    assert database.run("SELECT source, key, type, door FROM events WHERE id = %s", (event,)) == [
        {"source": "drumbeat:unsubscribe", "key": str(wish.id), "type": "CONSENT", "door": "unsubscribe"}
    ]
    (kept,) = database.run("SELECT body FROM payloads WHERE event_id = %s", (event,))
    assert json.loads(kept["body"]) == {
        "payload": {},
        "consent": [{"list": None, "kind": "withdrawn"}],
        "mail": str(effect),
        "evidence": {"ip": "203.0.113.0"},
    }
    assert database.run("SELECT contact, list, kind, by_person FROM consents WHERE event_id = %s", (event,)) == [
        {"contact": KEY, "list": "news", "kind": "withdrawn", "by_person": True}
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


def test_an_old_link_works_again_after_its_person_came_back(database: TestDatabase, door: Door) -> None:
    effect = mail(database)
    wishes.take(leaving(effect, at=JANUARY), door)
    said(database, "news", "given", at=datetime.now(UTC))
    again = states(database)["news"]

    wishes.take(leaving(effect, at=JANUARY), door)

    assert (again, states(database)["news"]) == ("given", "withdrawn")


def test_one_that_did_not_wait_has_the_ledgers_time_whatever_the_clock_of_its_process_says(
    database: TestDatabase, door: Door
) -> None:
    wish = leaving(mail(database), at=JANUARY)
    (before,) = database.run("SELECT drumbeat_now() AS now")

    wishes.take(wish, door)

    (made,) = database.run("SELECT received_at, e.recorded_at, at FROM events e JOIN consents ON event_id = id")
    assert before["now"] < made["received_at"] <= made["recorded_at"]
    assert made["at"] == made["received_at"]


def test_one_that_was_made_before_a_later_consent_takes_nothing_back(database: TestDatabase, door: Door) -> None:
    """It waited in the queue while the person came back."""
    effect = mail(database)
    said(database, "news", "given", at=MARCH)

    wishes.record(leaving(effect, at=JANUARY), door, waited=True)

    assert states(database)["news"] == "given"
    assert database.run("SELECT at FROM consents") == [{"at": JANUARY}]


@pytest.mark.parametrize("lists", [(), ("*",)])
def test_one_that_did_not_wait_is_newer_than_all_that_was_said_also_after_the_ledgers_clock_went_back(
    database: TestDatabase, door: Door, lists: tuple[str, ...]
) -> None:
    effect = mail(database)
    ahead = datetime.now(UTC) + timedelta(days=1)
    said(database, "news", "given", at=ahead)

    wishes.take(leaving(effect, *lists, at=JANUARY), door)

    assert states(database)["news"] == "withdrawn"
    assert database.run("SELECT at FROM consents WHERE kind = 'withdrawn'") == [{"at": ahead}]


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


def signed_up(db: Database) -> UUID:
    """Return a form's sign-up for `news`."""
    return says(db, "CONSENT", {"list": "news", "kind": "pending"})


def says(db: Database, type: str, *consent: dict[str, str]) -> UUID:
    """Return an event that says this of Ada."""
    body = {"payload": {"email": "ada@example.com", "name": "Ada"}, "consent": consent, "evidence": {"ip": "old"}}
    return recorded(db, body=as_json(body), type=type)


def asking(db: Database, event: UUID, *lists: str) -> list[UUID]:
    """Return the mails of an event that ask about `news`, or these lists."""
    mails = [new_effect(event, f"mail {name}", contact=KEY, list=name, confirms=True) for name in lists or ("news",)]
    planned(db, *mails)
    return [mail.id for mail in mails]


def asked(db: Database) -> UUID:
    """Return the mail that asks about a form's sign-up."""
    return asking(db, signed_up(db))[0]


def said(db: Database, list: str, kind: str, *, at: datetime) -> None:
    """Let the person's row hold what they said."""
    db.run(
        "UPDATE contacts SET consents = consents_merged(consents, consent_fact(%s, %s, true, %s, %s)) WHERE key = %s",
        (list, kind, at, uuid.uuid4(), KEY),
    )


def confirmations(db: Database) -> dict[str, tuple[str, object]]:
    """Return what confirmed, by its key: its type, and what it says of consent."""
    rows = db.run("SELECT key, type, body FROM events JOIN payloads ON event_id = id WHERE door = 'confirm'")
    return {row["key"]: (row["type"], json.loads(row["body"])["consent"]) for row in rows}


def given(name: str) -> list[dict[str, str]]:
    return [{"list": name, "kind": "given"}]


def test_a_confirmed_form_becomes_the_lead_that_flows_act_on(database: TestDatabase, door: Door) -> None:
    pending = signed_up(database)
    (mail,) = asking(database, pending)

    assert wishes.take(confirming(mail, at=datetime.now(UTC)), door) is Taken.RECORDED

    event = ids.event_id("test", f"confirm:{pending}")
    assert database.run("SELECT source, key, type, door FROM events WHERE id = %s", (event,)) == [
        {"source": "test", "key": f"confirm:{pending}", "type": "LEAD_CAPTURE", "door": "confirm"}
    ]
    (kept,) = database.run("SELECT body FROM payloads WHERE event_id = %s", (event,))
    assert json.loads(kept["body"]) == {
        "payload": {"email": "ada@example.com", "name": "Ada"},
        "consent": [{"list": "news", "kind": "given"}],
        "mail": str(mail),
        "evidence": {"origin": "https://example.com"},
    }
    assert door.services.queue.count() == 1


def test_what_a_program_asked_about_is_confirmed_mail_by_mail_by_events_that_no_flow_acts_on(
    database: TestDatabase, door: Door
) -> None:
    news, offers = asking(
        database, says(database, "LEAD_CAPTURE", {"list": "news"}, {"list": "offers"}), "news", "offers"
    )
    now = datetime.now(UTC)

    wishes.take(confirming(offers, at=now), door)
    one = confirmations(database)
    wishes.take(confirming(news, at=now), door)
    wishes.take(confirming(offers, at=now), door)

    assert one == {f"confirm:{offers}": ("CONSENT", given("offers"))}
    assert confirmations(database) == one | {f"confirm:{news}": ("CONSENT", given("news"))}


def test_pressed_again_it_is_the_same_event_also_when_its_time_is_over(database: TestDatabase, door: Door) -> None:
    mail = asked(database)
    now = datetime.now(UTC)

    taken = [wishes.take(confirming(mail, at=now + timedelta(days=days)), door) for days in (0, 1, 30)]

    assert taken == [Taken.RECORDED] * 3
    assert len(confirmations(database)) == 1


def test_fifty_presses_at_once_are_one_event_for_each_mail(
    database: TestDatabase, door: Door, sqs_endpoint: str
) -> None:
    mails = asking(database, says(database, "LEAD_CAPTURE"), "news", "offers")
    now = datetime.now(UTC)

    def press(number: int) -> Taken:
        services = Services(door.services.settings)
        services.__dict__ |= {"db": Database(database.url), "sqs": Sqs("us-east-1", sqs_endpoint)}
        try:
            return wishes.take(confirming(mails[number % 2], at=now), Door(services))
        finally:
            for client in (services.db, services.redis, services.sqs):
                client.close()

    with ThreadPoolExecutor(10) as people:
        taken = set(people.map(press, range(50)))

    assert taken == {Taken.RECORDED}
    assert {key: said for key, (_, said) in confirmations(database).items()} == {
        f"confirm:{mail}": given(name) for mail, name in zip(mails, ("news", "offers"), strict=True)
    }


@pytest.mark.parametrize("left", ["news", "*"])
def test_an_old_link_brings_no_one_back_who_left_since(database: TestDatabase, door: Door, left: str) -> None:
    mail = asked(database)
    now = datetime.now(UTC)
    wishes.take(confirming(mail, at=now), door)
    said(database, left, "withdrawn", at=now + timedelta(days=1))

    gone = wishes.take(confirming(mail, at=now + timedelta(days=2)), door)
    said(database, "news", "given", at=now + timedelta(days=3))
    back = wishes.take(confirming(mail, at=now + timedelta(days=4)), door)

    assert (gone, back) == (Taken.LEFT, Taken.RECORDED)
    assert len(confirmations(database)) == 1


def test_one_who_left_another_list_has_not_left_that_of_the_mail(database: TestDatabase, door: Door) -> None:
    news, offers = asking(database, says(database, "LEAD_CAPTURE"), "news", "offers")
    now = datetime.now(UTC)
    for each in (news, offers):
        wishes.take(confirming(each, at=now), door)
    said(database, "offers", "withdrawn", at=now + timedelta(days=1))

    taken = [wishes.take(confirming(each, at=now), door) for each in (news, offers)]

    assert taken == [Taken.RECORDED, Taken.LEFT]


def test_one_who_left_before_they_confirmed_has_come_back(database: TestDatabase, door: Door) -> None:
    """Also before the confirmation is planned, while the contact's row still says that they left."""
    mail = asked(database)
    now = datetime.now(UTC)
    said(database, "news", "withdrawn", at=now)

    taken = [wishes.take(confirming(mail, at=now + timedelta(days=days)), door) for days in (1, 2)]

    assert taken == [Taken.RECORDED] * 2
    assert states(database)["news"] == "withdrawn"


def test_what_a_mail_asks_can_be_confirmed_for_seven_days_whatever_else_was_confirmed(
    database: TestDatabase, door: Door
) -> None:
    news, offers = asking(database, says(database, "LEAD_CAPTURE"), "news", "offers")
    last = datetime.now(UTC) + timedelta(days=7)

    taken = [
        wishes.take(confirming(mail, at=at), door)
        for mail, at in ((news, last), (offers, last - timedelta(minutes=1)), (news, last))
    ]

    assert taken == [Taken.EXPIRED, Taken.RECORDED, Taken.EXPIRED]
    assert list(confirmations(database)) == [f"confirm:{offers}"]


def test_what_is_unknown_erased_or_asks_nothing_is_not_confirmed(
    database: TestDatabase, owner: Database, door: Door
) -> None:
    erased = signed_up(database)
    (of_erased,) = asking(database, erased)
    owner.run("DELETE FROM payloads WHERE event_id = %s", (erased,))
    (strange,) = asking(database, recorded(database, body=b"["))
    letter = mail(database)

    taken = [
        wishes.take(confirming(subject, at=datetime.now(UTC)), door)
        for subject in (uuid.uuid4(), of_erased, strange, letter, signed_up(database))
    ]

    assert taken == [Taken.NOTHING] * 5
    assert confirmations(database) == {}


# ---------------------------------------------------------------- with what plans make of it

DOCUMENT = """
version: 1
defaults: {public_url: "https://hooks.example.com", postal_address: "Fernwood GmbH, Am Wald 1, 10115 Berlin"}
accounts:
  mail: {provider: resend, settings: {from: "Ada <ada@example.com>"}, secrets: {api_key: env:MAIL_KEY}}
lists:
  news: {title: Monday notes, confirm: {account: mail, template: confirm}}
  offers: {title: Offers, confirm: {account: mail, template: confirm}}
sources: {}
flows: {}
"""
TEMPLATES = {"confirm.txt": "---\nsubject: Confirm\n---\nPress {{ confirm_url }}"}


@pytest.fixture
def ada(door: Door) -> bytes:
    """Whom two lists have to ask: the key of her contact."""
    compiled = compile_document(DOCUMENT, TEMPLATES)
    configs.insert(
        door.services.db,
        hash=b"1",
        document=DOCUMENT,
        templates=TEMPLATES,
        compiled=compiled,
        identities={},
        actor="test",
    )
    return contact_key(door.services.contact_secret, "ada@example.com")


def plan_all(db: Database, door: Door) -> dict[str, Claimed]:
    """Plan every event that is recorded; return the mails that were claimed, by their list."""
    rows = db.run("SELECT id FROM events WHERE NOT EXISTS (SELECT FROM plans WHERE event_id = events.id)")
    return {str(one.list): one for one in plan_events([row["id"] for row in rows], door.services).claimed}


def test_one_press_confirms_the_list_of_its_mail_and_brings_no_one_back_to_another(
    database: TestDatabase, door: Door, ada: bytes
) -> None:
    """A program says that Ada wants two lists; she left one of them before, so about that one she is not asked."""
    database.run(
        "INSERT INTO contacts (key, consents) VALUES (%s, consent_fact('offers', 'withdrawn', true, %s, %s))",
        (ada, JANUARY, uuid.uuid4()),
    )
    says(database, "LEAD_CAPTURE", {"list": "news"}, {"list": "offers"})
    mails = plan_all(database, door)
    moved = attempts_sql.open_attempts(database, [opening(each, counted=True) for each in mails.values()])

    taken = wishes.take(confirming(mails["news"].id, at=datetime.now(UTC)), door)
    plan_all(database, door)

    assert {name: moved[one.id].status for name, one in mails.items()} == {
        "news": Status.SENDING,
        "offers": Status.CANCELLED,
    }
    assert taken is Taken.RECORDED
    assert states(database, ada) == {"news": "given", "offers": "withdrawn"}
    assert database.run("SELECT list FROM consents WHERE kind = 'given' AND by_person") == [{"list": "news"}]


def test_what_a_clock_that_is_ahead_took_is_older_than_the_withdrawal_that_follows_though_it_is_planned_later(
    database: TestDatabase, door: Door, ada: bytes
) -> None:
    says(database, "LEAD_CAPTURE", {"list": "news"})
    (asking,) = plan_all(database, door).values()
    now = datetime.now(UTC)

    wishes.take(confirming(asking.id, at=now + timedelta(hours=1)), door)
    wishes.take(leaving(asking.id, at=now - timedelta(hours=1)), door)
    plan_all(database, door)

    assert states(database, ada)["news"] == "withdrawn"
    assert wishes.take(confirming(asking.id, at=now), door) is Taken.LEFT


def test_a_form_that_a_clock_ahead_took_is_older_as_well(database: TestDatabase, door: Door, ada: bytes) -> None:
    says(database, "LEAD_CAPTURE", {"list": "news"})
    (asking,) = plan_all(database, door).values()
    now = datetime.now(UTC)
    body = as_json({"payload": {"email": "ada@example.com"}, "consent": given("news")})
    event = ids.event_id("form", "1")

    recording.record(
        Arrival(event, "form", "1", "LEAD_CAPTURE", "form", b"", None, now + timedelta(hours=1), body), door
    )
    wishes.take(leaving(asking.id, at=now), door)
    plan_all(database, door)

    assert states(database, ada)["news"] == "withdrawn"


def test_one_who_comes_back_where_a_clock_is_behind_has_come_back(
    database: TestDatabase, door: Door, ada: bytes
) -> None:
    says(database, "LEAD_CAPTURE", {"list": "news"})
    (asking,) = plan_all(database, door).values()
    now = datetime.now(UTC)

    wishes.take(leaving(asking.id, at=now), door)
    wishes.take(confirming(asking.id, at=now - timedelta(hours=1)), door)
    plan_all(database, door)

    assert states(database, ada)["news"] == "given"


def test_a_confirmation_that_waited_has_the_time_at_which_it_was_made(
    database: TestDatabase, door: Door, ada: bytes
) -> None:
    """The person left meanwhile."""
    says(database, "LEAD_CAPTURE", {"list": "news"})
    (asking,) = plan_all(database, door).values()
    waited = confirming(asking.id, at=datetime.now(UTC))

    wishes.take(leaving(asking.id, at=datetime.now(UTC)), door)
    wishes.record(waited, door, waited=True)
    plan_all(database, door)

    assert states(database, ada)["news"] == "withdrawn"


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

"""What a provider reports of a mail is recorded once, and what follows for its person is in the same commit."""

import threading
from datetime import UTC, datetime, timedelta
from itertools import permutations
from random import Random
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from drumbeat.core.address import Keys
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.ingest import feedback_sql
from drumbeat.ledger.database import Database
from drumbeat.people import sql as people_sql
from tests.conftest import TestDatabase
from tests.store.locks import wait_for_lock
from tests.store.reports import START, arrival, report, reported, tell
from tests.store.rows import claimed, closing, opening, sending, waiting

ADA, EVE = b"ada", b"eve"


@pytest.fixture
def db(database: TestDatabase) -> Database:
    return database


def sent(db: Database, contact: bytes = ADA, **changes: object) -> UUID:
    """Return an effect whose mail was accepted."""
    effect = sending(db, contact=contact, **changes)
    attempts_sql.close_attempts(db, [closing(effect, "accepted", Status.ACCEPTED)])
    return effect.id


def lift(db: Database, contact: bytes = ADA) -> None:
    keys = Keys(contact, None)
    assert people_sql.change(db, keys, reason="it works again", actor="person:test", lifted=True)


def kept(db: Database) -> list[tuple[str, UUID | None]]:
    """Return the reports that are kept: kind, and the mail that each is about."""
    rows = db.run("SELECT kind, effect_id FROM feedback ORDER BY at, kind")
    return [(row["kind"], row["effect_id"]) for row in rows]


def test_a_hard_bounce_suppresses_its_person_in_the_commit_that_records_it(db: Database) -> None:
    mail, other = sent(db), sent(db, EVE)

    tell(db, report("bounced", mail))

    assert reported(db, ADA)["suppression_reason"] == "hard bounce"
    assert reported(db, ADA)["suppression_kind"] == "bounce"
    assert reported(db, ADA)["suppressed_at"] == START
    assert reported(db, EVE)["suppressed_at"] is None
    assert kept(db) == [("bounced", mail)]
    assert other


def test_an_attempt_that_is_opened_after_a_bounce_is_cancelled(db: Database) -> None:
    mail, next_one = sent(db), claimed(db, waiting(db, contact=ADA))

    tell(db, report("bounced", mail))
    moved = attempts_sql.open_attempts(db, [opening(next_one)])

    assert moved[next_one.id].status is Status.CANCELLED
    (row,) = db.run("SELECT reason_code, reason_detail FROM effects WHERE id = %s", (next_one.id,))
    assert row == {"reason_code": "suppressed", "reason_detail": "hard bounce"}


def test_a_complaint_ends_marketing_and_nothing_else(db: Database) -> None:
    mail = sent(db)
    receipt = claimed(db, waiting(db, contact=ADA))
    offer = claimed(db, waiting(db, contact=ADA, list="offers"))

    tell(db, report("complained", mail))
    moved = attempts_sql.open_attempts(db, [opening(receipt), opening(offer)])

    assert moved[receipt.id].status is Status.SENDING
    assert moved[offer.id].status is Status.CANCELLED
    assert reported(db, ADA)["complained_at"] == START


@pytest.mark.parametrize(("list", "left"), [("offers", "offers"), (None, "*")])
def test_who_leaves_at_the_provider_leaves_the_list_of_the_mail(db: Database, list: str | None, left: str) -> None:
    mail = _listed(db) if list else sent(db)

    (event,) = tell(db, report("unsubscribed", mail))

    consents = reported(db, ADA)["consents"]
    assert consents[left]["d"][1:] == ["withdrawn", str(event)]
    (row,) = db.run("SELECT list, kind, by_person, at FROM consents")
    assert row == {"list": left, "kind": "withdrawn", "by_person": True, "at": START}


def _listed(db: Database) -> UUID:
    """Return an effect of a person who had agreed to its list, and whose mail was accepted."""
    effect = claimed(db, waiting(db, contact=ADA, list="offers"))
    db.run(
        "UPDATE contacts SET consents = consent_fact('offers', 'given', true, '2026-01-01', %s) WHERE key = %s",
        (uuid4(), ADA),
    )
    attempts_sql.open_attempts(db, [opening(effect)])
    attempts_sql.close_attempts(db, [closing(effect, "accepted", Status.ACCEPTED)])
    return effect.id


def test_who_came_back_after_they_left_at_the_provider_stays(db: Database) -> None:
    mail = _listed(db)
    db.run(
        "UPDATE contacts SET consents = consents_merged(consents, consent_fact('offers', 'given', true, %s, %s))",
        (START + timedelta(hours=2), uuid4()),
    )

    tell(db, report("unsubscribed", mail, hour=1))

    (row,) = db.run("SELECT consent_state(consents, 'offers') AS state FROM contacts WHERE key = %s", (ADA,))
    assert row["state"] == "given"


def test_five_soft_bounces_in_a_row_suppress_and_a_delivery_between_them_does_not(db: Database) -> None:
    mails, others = [sent(db) for _ in range(5)], [sent(db, EVE) for _ in range(6)]

    tell(db, *(report("soft_bounced", mail, hour=hour) for hour, mail in enumerate(mails)))
    tell(db, *(report("soft_bounced", mail, hour=hour) for hour, mail in enumerate(others) if hour != 3))
    tell(db, report("delivered", others[3], hour=3))

    assert reported(db, ADA)["suppression_reason"] == "five soft bounces in a row"
    assert reported(db, EVE)["suppressed_at"] is None


@pytest.mark.parametrize("kind", ["blocked", "delayed", "refused", "other"])
def test_what_is_not_about_the_address_suppresses_it_never(db: Database, kind: str) -> None:
    mails = [sent(db) for _ in range(6)]

    tell(db, *(report(kind, mail, hour=hour) for hour, mail in enumerate(mails)))

    assert reported(db, ADA)["suppressed_at"] is None
    assert len(kept(db)) == 6


def test_retries_of_one_mail_that_bounce_are_one_bounce(db: Database) -> None:
    mail = sent(db)

    tell(db, *(report("soft_bounced", mail, hour=hour) for hour in range(9)))

    assert reported(db, ADA)["suppressed_at"] is None


def test_a_delivery_that_is_reported_late_ends_a_suppression_by_soft_bounces(db: Database) -> None:
    mails = [sent(db) for _ in range(6)]
    tell(db, *(report("soft_bounced", mail, hour=hour) for hour, mail in enumerate(mails[:5])))

    tell(db, report("delivered", mails[5], hour=2.5))

    assert reported(db, ADA)["suppressed_at"] is None


def test_what_bounced_before_a_person_lifted_the_suppression_counts_no_more(db: Database) -> None:
    first, second = sent(db), sent(db)
    tell(db, report("bounced", first))
    lift(db)

    tell(db, report("bounced", second, hour=1))
    lifted = reported(db, ADA)
    tell(db, report("bounced", second, at=datetime.now(UTC), name="again"))

    assert lifted["suppressed_at"] is None
    assert reported(db, ADA)["suppression_kind"] == "bounce"


def test_a_persons_word_takes_the_place_of_a_bounce_and_no_report_takes_it_back(db: Database) -> None:
    mails = [sent(db) for _ in range(6)]
    tell(db, *(report("soft_bounced", mail, hour=hour) for hour, mail in enumerate(mails[:5])))

    changed = people_sql.change(db, Keys(ADA, None), reason="asked by phone", actor="person:test", lifted=False)
    tell(db, report("delivered", mails[5], hour=9))

    assert changed
    assert reported(db, ADA)["suppression_kind"] == "manual"
    assert reported(db, ADA)["suppression_reason"] == "asked by phone"


def test_a_report_that_comes_again_in_another_delivery_changes_nothing(db: Database) -> None:
    mail = sent(db)
    said = report("soft_bounced", mail)
    tell(db, said)
    before = reported(db, ADA)

    again = tell(db, said)

    assert [one.inserted for one in again.values()] == [True]
    assert len(kept(db)) == 1
    assert reported(db, ADA) == before


@pytest.mark.parametrize(
    ("changes", "account"),
    [
        ({"key": f"{uuid4()}-1"}, "mail"),
        ({"key": "no key of ours"}, "mail"),
        ({"key": None}, "mail"),
        ({}, "other"),
    ],
    ids=["never sent", "no key", "without a key", "another account"],
)
def test_reports_of_no_mail_of_the_account_are_kept_and_move_nothing(
    db: Database, changes: dict[str, Any], account: str
) -> None:
    mail = sent(db)

    tell(db, report("bounced", mail, **changes), account=account)

    assert reported(db, ADA)["suppressed_at"] is None
    assert kept(db) == [("bounced", None)]


def test_a_mail_that_was_never_tried_is_no_mail_that_a_provider_can_report_on(db: Database) -> None:
    effect = waiting(db, contact=ADA)

    tell(db, report("bounced", effect))

    assert reported(db, ADA)["suppressed_at"] is None


def test_no_report_is_newer_than_its_delivery(db: Database) -> None:
    mail = sent(db)

    tell(db, report("bounced", mail, at=datetime.now(UTC) + timedelta(days=400)))

    (row,) = db.run("SELECT at <= received_at AS earlier FROM feedback JOIN events ON events.id = event_id")
    assert row["earlier"]


def test_every_event_that_reports_on_a_mail_is_found_by_its_person(db: Database) -> None:
    mail = sent(db)

    (event,) = tell(db, report("opened", mail))

    found = db.run("SELECT event_id FROM event_contacts WHERE contact = %s", (ADA,))
    assert event in {row["event_id"] for row in found}


STORY = ("soft_bounced",) * 5 + ("delivered", "bounced", "complained", "unsubscribed", "opened", "clicked")


@pytest.mark.parametrize("seed", range(12))
def test_any_order_and_repetition_of_reports_gives_the_same_bytes(db: Database, owner: Database, seed: int) -> None:
    random = Random(seed)
    kinds = random.sample(STORY, random.randint(2, len(STORY)))
    said = [report(kind, sent(db), hour=random.uniform(0, 100)) for kind in kinds]
    deliveries = [arrival(one, key=f"delivery {place}") for place, one in enumerate(said)]
    views = []

    for _ in range(3):
        left = random.sample(deliveries, len(deliveries)) + random.choices(deliveries, k=3)
        while left:
            size = random.choice([1, 2, 5])
            some, left = {one.id: one for one in left[:size]}, left[size:]
            feedback_sql.record_all(db, list(some.values()), caller=None)
        tell(db, *random.sample(said, 2))  # again, in deliveries of their own
        views.append(db.run(VIEW, {"contact": ADA}))
        for statement in FORGET:
            owner.run(statement)

    assert views[0][0]["person"] != "{}"
    assert views[1] == views[0]
    assert views[2] == views[0]


VIEW = """
    SELECT (reported, suppressed_at, suppression_reason, suppression_kind, complained_at, consents)::text AS person,
           ARRAY(SELECT (account, name, kind, word, at, effect_id, generation)::text FROM feedback
                  ORDER BY account, name) AS feedback,
           ARRAY(SELECT (contact, list, event_id, kind, at)::text FROM consents ORDER BY list, event_id) AS evidence
      FROM contacts
     WHERE key = %(contact)s
"""
FORGET = (
    "DELETE FROM feedback",
    "DELETE FROM consents",
    "DELETE FROM event_contacts WHERE event_id IN (SELECT id FROM events WHERE type = 'FEEDBACK')",
    "DELETE FROM payloads WHERE event_id IN (SELECT id FROM events WHERE type = 'FEEDBACK')",
    "DELETE FROM unplanned",
    "DELETE FROM events WHERE type = 'FEEDBACK'",
    "UPDATE contacts SET reported = '{}', suppressed_at = NULL, suppression_reason = NULL, suppression_kind = NULL,"
    " complained_at = NULL, consents = '{}'",
)


def test_of_two_commits_that_report_of_one_person_neither_is_lost(database: TestDatabase) -> None:
    db, other = database, Database(database.url)
    mails = [sent(db) for _ in range(5)]
    told = [report("soft_bounced", mail, hour=hour) for hour, mail in enumerate(mails)]
    waits = threading.Thread(target=lambda: tell(other, *told[2:]))

    with db.transaction():
        tell(db, *told[:2])
        waits.start()
        with psycopg.connect(database.admin_url, autocommit=True) as watching:
            wait_for_lock(watching)
    waits.join()
    other.close()

    assert reported(db, ADA)["suppression_reason"] == "five soft bounces in a row"


def test_the_facts_of_a_row_merge_in_any_order(db: Database) -> None:
    facts = [
        {"s": {"a": 1, "b": 2, "c": 3}},
        {"s": {"d": 4, "e": 5, "f": 6}, "d": 2},
        {"s": {"a": 9}, "h": 7, "c": 3},
        {"c": 1, "l": 4, "h": 5},
    ]
    merged = set()

    for order in permutations(facts):
        merged.add(
            db.run(
                "SELECT reported_merge(fact)::text AS row"
                "  FROM jsonb_array_elements(%s) WITH ORDINALITY AS facts (fact, place)",
                (Jsonb(order),),
            )[0]["row"]
        )

    assert merged == {'{"c": 3, "d": 2, "h": 7, "l": 4, "s": {"a": 9, "c": 3, "d": 4, "e": 5, "f": 6}}'}

"""A rebuild puts views right by the log, and takes nothing out that the log cannot speak about."""

import json

import pytest

from drumbeat.audit.rebuild import rebuild
from drumbeat.core.errors import Invalid
from drumbeat.delivery import plans_sql
from drumbeat.ledger.database import Database
from drumbeat.planning.plan import NEVER_ENDS
from drumbeat.services import Services
from tests.store.people.history import delivered, plan_them, record, said, split, tell, views_of
from tests.store.people.test_any_order import rebuilt
from tests.store.rows import LEASE

GIVEN = {"list": "news", "kind": "given"}


def kinds(services: Services, *, check: bool = True) -> list[str]:
    return [item.kind for chunk in rebuilt(services, check=check) for item in chunk.items]


def test_a_lead_that_is_not_what_the_log_says_is_named_and_put_right(services: Services) -> None:
    tell(services, said({"email": "ada@example.com", "plan": "paid"}, key="a", consent=[GIVEN]))
    before = views_of(services.db)
    services.db.run("UPDATE leads SET attributes = '{}', since = since - interval '1 day'")
    spoiled = views_of(services.db)

    assert kinds(services) == ["lead"]
    assert views_of(services.db) == spoiled  # a check writes nothing
    assert kinds(services, check=False) == ["lead"]
    assert (kinds(services), views_of(services.db)) == ([], before)


def test_what_is_missing_is_named_by_its_event_and_written(services: Services, owner: Database) -> None:
    tell(services, said({"email": "ada@example.com", "plan": "paid"}, key="a", consent=[GIVEN]))
    before = views_of(services.db)
    owner.run("DELETE FROM event_contacts")
    owner.run("DELETE FROM consents")
    owner.run("DELETE FROM leads")
    owner.run("UPDATE contacts SET consents = '{}'")

    assert sorted(kinds(services))[:2] == ["consent_unrecorded", "unindexed"]
    rebuilt(services)
    assert (kinds(services), views_of(services.db)) == ([], before)


def test_a_withdrawal_that_stands_in_the_row_is_never_taken_out(services: Services, owner: Database) -> None:
    tell(services, said({"email": "ada@example.com"}, key="a", door="form", consent=[GIVEN]))
    owner.run(
        "UPDATE contacts SET consents = consents_merged(consents,"
        " consent_fact('news', 'withdrawn', true, drumbeat_now(), gen_random_uuid()))"
    )

    assert kinds(services, check=False) == ["consents"]
    assert kinds(services) == ["consents"]
    assert services.db.run("SELECT consent_state(consents, 'news') AS state FROM contacts") == [{"state": "withdrawn"}]


def test_what_an_erased_body_said_stays_in_its_lead(services: Services, owner: Database) -> None:
    erased = said({"email": "ada@example.com", "plan": "trial"}, key="a")
    tell(services, erased, said({"email": "ada@example.com", "seats": 3}, key="b"))
    before = views_of(services.db)
    owner.run("DELETE FROM payloads WHERE event_id = %s", (erased.id,))

    rebuilt(services)

    assert (kinds(services), views_of(services.db)) == ([], before)


def test_what_a_person_s_part_of_a_delivery_gave_stays_in_the_lead(services: Services) -> None:
    people = [{"email": "ada@example.com", "plan": "paid"}, {"email": "bob@example.com", "plan": "trial"}]
    plan_them(services, split(services, [delivered(*people, key="d")]))
    tell(services, said({"email": "ada@example.com", "seats": 3}, key="a"))
    before = views_of(services.db)

    assert kinds(services) == []
    rebuilt(services)
    assert views_of(services.db) == before
    assert sorted(sorted(json.loads(lead["attributes"])) for lead in before["leads"]) == [["plan"], ["plan", "seats"]]


def test_an_event_whose_planning_never_ended_is_not_planned_again(services: Services) -> None:
    event = said({"email": "ada@example.com"}, key="a")
    record(services.db, [event])
    plans_sql.record(services.db, [plans_sql.NewPlan(event.id, 1, b"", {"welcome": NEVER_ENDS})], [], LEASE)

    assert kinds(services) == []


def test_of_whom_too_many_events_speak_the_lead_is_not_compared_and_that_is_said(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drumbeat.audit.rebuild.MAX_EVENTS_OF_PEOPLE", 2)
    tell(services, *(said({"email": f"p{n % 2}@example.com", "n": n}, key=str(n)) for n in range(5)))

    assert kinds(services) == ["too_many_events"]


@pytest.mark.parametrize("cursor", ["x", "events:", "people:zz", "leads:00"])
def test_a_cursor_of_another_kind_is_refused(services: Services, cursor: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        rebuild(services, cursor=cursor, check=True)


def test_a_mistake_of_ours_is_not_taken_for_a_wrong_cursor(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(services, said({"email": "ada@example.com"}, key="a"))

    def mistaken(*_: object) -> None:
        raise ValueError("a mistake of ours")

    monkeypatch.setattr("drumbeat.audit.rebuild.person_of", mistaken)

    with pytest.raises(ValueError, match="ours"):
        rebuild(services, check=True)

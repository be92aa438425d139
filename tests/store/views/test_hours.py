"""Hours are counted as they pass: whatever moves effects, in whatever batches, each move is in its hour once."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from drumbeat.core.errors import Invalid
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.ledger import leases
from drumbeat.ledger.database import Database
from drumbeat.operations.decisions_sql import decidable, decide
from drumbeat.views.hours import HourCount, HourFilter, hourly, hours
from tests.conftest import TestDatabase
from tests.store.rows import claimed, closing, opening, pass_time, sending, waiting

JOURNAL = """
    SELECT hour_of(at) AS hour, account, campaign,
           count(*) FILTER (WHERE to_status = 'accepted') AS accepted,
           count(*) FILTER (WHERE to_status = 'refused') AS refused,
           count(*) FILTER (WHERE to_status = 'cancelled') AS cancelled,
           count(*) FILTER (WHERE to_status = 'held') AS held,
           count(*) FILTER (WHERE to_status = 'unknown') AS unknown,
           count(*) FILTER (WHERE from_status = 'sending') AS attempts
      FROM journal
      JOIN effects ON effects.id = journal.effect_id
     WHERE to_status IN ('accepted', 'refused', 'cancelled', 'held', 'unknown') OR from_status = 'sending'
     GROUP BY 1, 2, 3
     ORDER BY 1, 2, 3
"""
ENDS = (Status.ACCEPTED, Status.REFUSED, Status.WAITING, Status.UNKNOWN)
KINDS = {Status.ACCEPTED: "accepted", Status.REFUSED: "refused", Status.WAITING: "not_sent", Status.UNKNOWN: "unknown"}
WHY = Reason(ReasonCode.REFUSED_BY_PROVIDER, "HTTP 400")


def ended(db: Database, to: Status, **changes: object) -> UUID:
    """Return an effect whose attempt ended so."""
    effect = sending(db, **changes)
    reason = None if to is Status.ACCEPTED else WHY
    attempts_sql.close_attempts(db, [closing(effect, KINDS[to], to, reason=reason, wait=3600.0)])
    return effect.id


def decided(db: Database, effect: UUID, to: Status) -> None:
    """Let a person decide about an effect."""
    seen = decidable(db, effect)
    assert seen is not None
    takes = (Status.HELD, Status.REFUSED, Status.WAITING)
    decide(db, [seen], takes=takes, to=to, reason=Reason(ReasonCode.DECIDED, "so"), actor="person:ada")


def all_hours(db: Database) -> list[HourCount]:
    now = datetime.now(UTC)
    return hourly(db, now - timedelta(days=2), now + timedelta(days=300))


def of_journal(db: Database) -> list[HourCount]:
    return [HourCount(**row) for row in db.run(JOURNAL)]


def anything(db: Database, owner: Database) -> None:
    """Move effects in every way that is counted, over some hours."""
    for account in ("mail", "crm"):
        for to in ENDS:
            ended(db, to, account=account)
        again = ended(db, Status.REFUSED, account=account)
        pass_time(owner, hours=1)
        decided(db, again, Status.WAITING)
        decided(db, waiting(db, account=account), Status.CANCELLED)
        attempts_sql.open_attempts(db, [opening(claimed(db, waiting(db, account=account)), "held", reason=WHY)])
        sending(db, account=account)
        pass_time(owner, minutes=2)
        leases.recover(db, limit=10)


def test_hours_are_those_of_the_journal(database: TestDatabase, owner: Database) -> None:
    anything(database, owner)

    found = all_hours(database)

    assert found == of_journal(database)
    assert len(found) >= 4
    assert {name: sum(getattr(each, name) for each in found) for name in ("accepted", "refused", "cancelled")} == {
        "accepted": 2,
        "refused": 4,
        "cancelled": 2,
    }
    assert sum(each.attempts for each in found) == 12
    assert sum(each.unknown for each in found) == 4
    assert sum(each.held for each in found) == 2


def test_adding_up_moves_nothing_to_another_hour(database: TestDatabase, owner: Database) -> None:
    anything(database, owner)
    before = all_hours(database)

    owner.run(
        "INSERT INTO events (id, source, key, type, door, fingerprint, received_at)"
        " SELECT gen_random_uuid(), 's', n::text, 'FEEDBACK', 'api', '', drumbeat_now() - make_interval(mins => n)"
        "   FROM generate_series(1, 600) AS n"
    )
    assert database.run("SELECT count(*) AS n FROM hourly_counts")[0]["n"] > 0
    assert all_hours(database) == before
    ended(database, Status.ACCEPTED)
    owner.run("SELECT count_anew()")
    assert all_hours(database) == of_journal(database)


def test_what_a_run_sends_is_counted_apart(database: TestDatabase, owner: Database) -> None:
    ended(database, Status.ACCEPTED)
    effect = sending(database)
    owner.run("UPDATE effects SET campaign = true, of_run = true WHERE id = %s", (effect.id,))
    (run,) = (row["event_id"] for row in database.run("SELECT event_id FROM effects WHERE of_run"))
    attempts_sql.close_attempts(database, [closing(effect, "accepted", Status.ACCEPTED)])

    assert [(each.campaign, each.accepted) for each in all_hours(database)] == [(False, 1), (True, 1)]
    assert [(each.campaign, each.accepted) for each in hours(database, HourFilter(run=run)).items] == [(True, 1)]
    owner.run("SELECT count_anew()")
    assert [(each.campaign, each.accepted) for each in hours(database, HourFilter(run=run)).items] == [(True, 1)]


def test_an_hour_that_is_over_does_not_change(database: TestDatabase, owner: Database) -> None:
    refused = ended(database, Status.REFUSED)
    (before,) = all_hours(database)
    pass_time(owner, hours=2)

    decided(database, refused, Status.WAITING)
    owner.run("UPDATE effects SET status = 'cancelled', updated_at = drumbeat_now() WHERE id = %s", (refused,))
    owner.run("DELETE FROM journal")

    first, last = all_hours(database)
    assert first == before
    assert (last.refused, last.cancelled) == (0, 1)


def test_hours_older_than_thirteen_months_are_forgotten(database: TestDatabase, owner: Database) -> None:
    ended(database, Status.ACCEPTED)
    owner.run("SELECT count_anew()")
    pass_time(owner, days=401)

    owner.run(
        "INSERT INTO events (id, source, key, type, door, fingerprint, received_at)"
        " SELECT gen_random_uuid(), 's', n::text, 'FEEDBACK', 'api', '', drumbeat_now() - make_interval(mins => n)"
        "   FROM generate_series(1, 600) AS n"
    )

    assert database.run("SELECT * FROM hourly_counts") == []


def test_pages_follow_each_other_and_filters_hold(database: TestDatabase, owner: Database) -> None:
    anything(database, owner)
    now = datetime.now(UTC)
    wanted = HourFilter(since=now - timedelta(days=1), until=now + timedelta(days=1))

    pages, cursor = [], None
    while True:
        page = hours(database, wanted, cursor=cursor, limit=1)
        pages += page.items
        if (cursor := page.next) is None:
            break

    assert pages == all_hours(database)
    mail = hours(database, HourFilter(since=wanted.since, until=wanted.until, account="mail")).items
    assert mail == [each for each in pages if each.account == "mail"]
    assert hours(database, HourFilter(run=UUID(int=1))).items == []
    assert hourly(database, pages[0].hour, pages[0].hour + timedelta(hours=1)) == [
        each for each in pages if each.hour == pages[0].hour
    ]


@pytest.mark.parametrize(
    "wanted",
    [
        HourFilter(since=datetime(2026, 2, 1, tzinfo=UTC), until=datetime(2026, 1, 1, tzinfo=UTC)),
        HourFilter(since=datetime(2020, 2, 1, tzinfo=UTC), until=datetime(2026, 1, 1, tzinfo=UTC)),
        HourFilter(until=datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_hours_of_no_time_are_refused(database: TestDatabase, wanted: HourFilter) -> None:
    with pytest.raises(Invalid):
        hours(database, wanted)


@pytest.mark.parametrize("cursor", ["x", "1-2-mail", "99999999999999999999-0-mail"])
def test_a_cursor_of_another_list_is_refused(database: TestDatabase, cursor: str) -> None:
    with pytest.raises(Invalid):
        hours(database, HourFilter(), cursor=cursor)

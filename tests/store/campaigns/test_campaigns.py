"""Which campaigns are in force since when, by the ledger's versions."""

from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from drumbeat.campaigns import in_force
from drumbeat.campaigns import sql as campaigns_sql
from drumbeat.campaigns.sql import RecordedEvent
from drumbeat.ledger.database import Database
from tests.store.rows import recorded

DAY = timedelta(days=1)
DIGEST = {"schedule": "cron(0 9 * * ? *)", "timezone": "UTC", "on_gap": "shift"}
NEWS = {"schedule": "rate(1 day)", "timezone": "UTC", "on_gap": "shift"}


def applied(db: Database, version: int, ago: timedelta, **entries: Any) -> datetime:
    """Store a version and return when it came into force."""
    rows = db.run(
        "INSERT INTO configs (version, hash, document, templates, compiled, applied_by, applied_at)"
        " VALUES (%s, '', '', '{}', %s, 'test', drumbeat_now() - %s::interval) RETURNING applied_at",
        (version, Jsonb({"campaigns": entries}), ago),
    )
    at: datetime = rows[0]["applied_at"]
    return at


def since(db: Database, reach: timedelta = DAY) -> dict[str, datetime]:
    """Return since when each campaign that is in force now has been."""
    return {each.campaign.name: each.since for each in in_force.read(db, reach=reach).terms if each.until is None}


def test_before_the_first_configuration_there_is_nothing(database: Database) -> None:
    found = in_force.read(database, reach=DAY)

    assert found.terms == ()
    assert found.now.tzinfo is not None


def test_a_configuration_from_before_there_were_campaigns_has_none(database: Database) -> None:
    database.run(
        "INSERT INTO configs (version, hash, document, templates, compiled, applied_by)"
        " VALUES (1, '', '', '{}', '{}', 'test')"
    )

    assert since(database) == {}


def test_a_campaign_is_in_force_since_it_last_changed(database: Database) -> None:
    applied(database, 1, 20 * DAY, digest=NEWS)
    changed = applied(database, 2, 3 * DAY, digest=DIGEST)
    added = applied(database, 3, DAY / 2, digest=DIGEST, news=NEWS)
    applied(database, 4, DAY / 4, digest=DIGEST, news=NEWS)

    assert since(database, 30 * DAY) == {"digest": changed, "news": added}


def test_a_campaign_that_was_removed_in_between_begins_again(database: Database) -> None:
    applied(database, 1, DAY / 2, digest=DIGEST)
    applied(database, 2, DAY / 3)
    back = applied(database, 3, DAY / 4, digest=DIGEST)

    assert since(database) == {"digest": back}


def test_versions_from_beyond_the_reach_are_not_read_but_the_one_that_was_in_force_is(database: Database) -> None:
    applied(database, 1, 9 * DAY, digest=DIGEST)
    in_force_then = applied(database, 2, 5 * DAY, digest=DIGEST)
    applied(database, 3, DAY / 2, digest=DIGEST)

    assert since(database) == {"digest": in_force_then}


def test_only_the_newest_version_is_in_force_now(database: Database) -> None:
    applied(database, 1, DAY / 2, digest=DIGEST)
    applied(database, 2, DAY / 4, news=NEWS)

    assert since(database).keys() == {"news"}


def test_known_are_the_events_that_are_recorded(database: Database) -> None:
    one, other = recorded(database), recorded(database)

    assert campaigns_sql.known(database, [one]) == {one: RecordedEvent(b"", "api")}
    assert campaigns_sql.known(database, [one, other]).keys() == {one, other}
    assert campaigns_sql.known(database, []) == {}

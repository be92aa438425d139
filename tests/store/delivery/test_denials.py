"""Whether a refusal of credentials is about one message: what the account accepted since, and in which attempt."""

from datetime import UTC, datetime
from uuid import UUID

from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, outcomes_sql
from drumbeat.delivery.effects import Claimed
from drumbeat.delivery.outcomes_sql import Denial
from drumbeat.ledger.database import Database
from tests.conftest import TestDatabase
from tests.store.rows import IDENTITY, closing, pass_time, sending

DENIED = UUID(int=1)


def accepted(db: Database, effect: Claimed) -> None:
    attempts_sql.close_attempts(db, [closing(effect, "accepted", Status.ACCEPTED, reference="m-1")])


def now(db: Database) -> datetime:
    at: datetime = db.run("SELECT drumbeat_now() AS at")[0]["at"]
    return at.astimezone(UTC)


def about_the_message(db: Database, before: datetime) -> bool:
    return bool(outcomes_sql.accepted_since(db, [Denial(DENIED, "mail", IDENTITY, before)]))


def test_an_attempt_that_began_after_the_denial_and_was_accepted_shows_it(
    database: TestDatabase, owner: Database
) -> None:
    denied_at = now(database)
    pass_time(owner, seconds=1)

    accepted(database, sending(database))

    assert about_the_message(database, denied_at)


def test_one_that_was_under_way_shows_nothing(database: TestDatabase, owner: Database) -> None:
    under_way = sending(database)
    pass_time(owner, seconds=1)
    denied_at = now(database)
    pass_time(owner, seconds=1)

    accepted(database, under_way)

    assert not about_the_message(database, denied_at)


def test_nor_does_another_account_of_the_same_login(database: TestDatabase, owner: Database) -> None:
    denied_at = now(database)
    pass_time(owner, seconds=1)

    accepted(database, sending(database, account="other"))

    assert not about_the_message(database, denied_at)


def test_what_was_accepted_before_shows_nothing(database: TestDatabase, owner: Database) -> None:
    accepted(database, sending(database))
    pass_time(owner, hours=1)

    assert not about_the_message(database, now(database))

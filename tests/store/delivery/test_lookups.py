"""The control of a search, which tells whether its absence means anything."""

from dataclasses import replace
from datetime import timedelta

import pytest

from drumbeat.core.configuration import Account, Retry
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, lookups, lookups_sql
from drumbeat.delivery.effects import Claimed
from drumbeat.delivery.work import Call, Work
from drumbeat.ledger.database import Database
from drumbeat.providers.calls import Search
from drumbeat.providers.login import login
from tests.conftest import TestDatabase
from tests.store.rows import claimed, closing, opening, pass_time, sending, waiting

MAIL = Account("mail", "mailgun", {"domain": "mg.example.com"}, {}, (), Retry(1.0, 900.0), "hold", None)
NEWS = replace(MAIL, name="news")
IDENTITY = login(MAIL, None).identity


def unknown(db: Database, account: str) -> Claimed:
    """Return an effect with an attempt whose end nobody knows, long enough ago to be looked into for the last time."""
    effect = claimed(db, waiting(db, account=account))
    attempts_sql.open_attempts(db, [opening(effect, identity=IDENTITY)])
    attempts_sql.close_attempts(db, [closing(effect, "unknown", Status.UNKNOWN, identity=IDENTITY)])
    return effect


def search(effect: Claimed, account: Account) -> Call[Search]:
    """Return the search for an effect under its account's own credentials."""
    joined = login(account, None)
    work = Work(effect, joined, joined.repeat())
    assert effect.first_opened_at is not None
    return Call(work, Search(joined, {"api_key": f"of {account.name}"}, work.key, effect.first_opened_at))


@pytest.mark.point(47)
def test_two_accounts_of_one_login_each_have_a_control_under_their_own_credentials(
    database: TestDatabase, owner: Database
) -> None:
    attempts_sql.close_attempts(database, [closing(sending(database), "accepted", Status.ACCEPTED, identity=IDENTITY)])
    ids = [unknown(database, account).id for account in ("mail", "news")]
    pass_time(owner, seconds=timedelta(minutes=31).total_seconds())
    searches = [search(claimed(database, id), account) for id, account in zip(ids, (MAIL, NEWS), strict=True)]

    controls = lookups.controls(searches, database)

    assert {name: search.secrets["api_key"] for name, search in controls.items()} == {
        "mail": "of mail",
        "news": "of news",
    }


def test_the_control_of_a_search_is_an_older_acceptance_of_the_same_login(
    database: TestDatabase, owner: Database
) -> None:
    effect = sending(database)
    attempts_sql.close_attempts(database, [closing(effect, "accepted", Status.ACCEPTED, identity=IDENTITY)])
    assert lookups_sql.control(database, IDENTITY, timedelta(minutes=30)) is None

    pass_time(owner, minutes=31)

    known = lookups_sql.control(database, IDENTITY, timedelta(minutes=30))
    assert known is not None
    assert known.effect_id == effect.id
    assert lookups_sql.control(database, "another login", timedelta(minutes=30)) is None

"""Configuration versions in the ledger, and which events a new one may plan."""

import threading
from typing import Any
from uuid import UUID

import pytest

from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, plans_sql
from drumbeat.ledger import configs
from drumbeat.ledger.database import Database
from tests.conftest import TestDatabase
from tests.store.rows import IDENTITY, LEASE, closing, recorded, sending

EMPTY: dict[str, Any] = {"accounts": {}, "sources": {}, "flows": {}, "campaigns": {}, "templates": {}}


def insert(db: Database, hash: bytes, identities: dict[str, str] | None = None) -> int | None:
    """Store a version whose text hashes so."""
    return configs.insert(
        db,
        hash=hash,
        document="version: 1\n",
        templates={"welcome.txt": "Hello"},
        compiled=EMPTY,
        identities=identities or {},
        actor="person:ada",
    )


def test_versions_count_up_and_the_newest_is_in_force(database: TestDatabase) -> None:
    before = (configs.newest_version(database), configs.newest(database), configs.newest_stored(database))

    versions = [insert(database, b"a"), insert(database, b"b")]

    stored = configs.newest_stored(database)
    assert before == (None, None, None)
    assert versions == [1, 2]
    assert stored is not None
    assert (stored.version, stored.templates, stored.applied_by) == (2, {"welcome.txt": "Hello"}, "person:ada")
    assert configs.newest_version(database) == stored.config.version == 2
    assert configs.load(database, 1).version == 1


def test_the_same_text_again_is_no_new_version_but_an_older_text_is(database: TestDatabase) -> None:
    insert(database, b"a")

    assert insert(database, b"a") is None
    assert insert(database, b"b") == 2
    assert insert(database, b"a") == 3


def test_a_version_that_was_never_applied_cannot_be_loaded(database: TestDatabase) -> None:
    with pytest.raises(LookupError):
        configs.load(database, 7)


def test_of_two_who_apply_at_once_both_get_a_version_or_one_has_to_read_again(database: TestDatabase) -> None:
    other = Database(database.url)
    start = threading.Barrier(2)
    got: list[int | None] = []

    def apply(db: Database, hash: bytes) -> None:
        start.wait()
        got.append(insert(db, hash))

    threads = [threading.Thread(target=apply, args=each) for each in ((database, b"a"), (other, b"b"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()

    assert sorted(version or 0 for version in got) in ([0, 1], [1, 2])


@pytest.mark.parametrize("unresolved", [Status.SENDING, Status.UNKNOWN])
def test_a_login_with_open_outcomes_cannot_become_another(database: TestDatabase, unresolved: Status) -> None:
    effect = sending(database)
    if unresolved is Status.UNKNOWN:
        attempts_sql.close_attempts(database, [closing(effect, "unknown", Status.UNKNOWN, wait=60.0)])

    assert configs.open_identities(database) == [("mail", IDENTITY, 1)]
    assert insert(database, b"a", {"mail": "another team"}) is None
    assert insert(database, b"b", {"mail": IDENTITY}) == 2
    assert insert(database, b"c", {}) == 3  # left out: what is open goes on with the version that planned it


def test_a_login_may_change_once_nothing_is_open(database: TestDatabase) -> None:
    effect = sending(database)
    attempts_sql.close_attempts(database, [closing(effect, "accepted", Status.ACCEPTED, reference="m-1")])

    assert insert(database, b"a", {"mail": "another team"}) == 2


def test_events_without_a_plan_or_with_a_failed_flow_are_for_the_next_version(database: TestDatabase) -> None:
    insert(database, b"a")
    unplanned, failed, caught_up, done = (recorded(database) for _ in range(4))
    for event, flows in ((failed, {"welcome": "no such field"}), (caught_up, {"welcome": "no such field"}), (done, {})):
        plans_sql.record(database, [plans_sql.NewPlan(event, 1, b"hash", flows)], [], LEASE)
    insert(database, b"b")
    plans_sql.record(database, [plans_sql.NewPlan(caught_up, 2, b"hash", {}, "welcome")], [], LEASE)

    assert configs.unplanned(database, after=UUID(int=0), limit=10) == sorted([unplanned, failed])


def test_they_are_listed_in_chunks(database: TestDatabase) -> None:
    events = sorted(recorded(database) for _ in range(5))

    first = configs.unplanned(database, after=UUID(int=0), limit=3)
    rest = configs.unplanned(database, after=first[-1], limit=3)

    assert (first, rest) == (events[:3], events[3:])

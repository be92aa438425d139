"""The journal as it grows, to who follows it: each change once, whenever its transaction ends."""

import base64
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from drumbeat import views
from drumbeat.core.errors import Invalid
from drumbeat.ledger.database import Database
from drumbeat.views import journal_pages
from drumbeat.views.journal_pages import JournalFilter
from tests.conftest import TestDatabase
from tests.store.rows import claimed, pass_time, sending, waiting

EVERY = JournalFilter(every=True)
HOUR = timedelta(hours=1)
LATE = """
    INSERT INTO journal (effect_id, seq, from_status, to_status, fence, actor, at)
    VALUES (%s, %s, 'waiting', 'cancelled', 0, 'test', drumbeat_now() - %s::interval)
"""


def followed(db: Database, after: str, filter: JournalFilter = EVERY, limit: int = 50) -> tuple[list[str], str]:
    """Return what came after a cursor, up to date, and the next cursor."""
    moves = []
    while True:
        page = views.journal(db, filter, after=after, limit=limit)
        assert len(page.items) <= limit
        moves += [f"{each.effect_id} {each.seq}" for each in page.items]
        after = page.next
        if not page.behind:
            return moves, after


def now_on(db: Database) -> str:
    return views.journal(db, EVERY).next


def test_who_begins_now_is_shown_what_happens_from_now_on_each_change_once(database: TestDatabase) -> None:
    waiting(database)
    cursor = now_on(database)

    effect = waiting(database)
    first, cursor = followed(database, cursor)
    claimed(database, effect)
    second, cursor = followed(database, cursor)

    assert first == [f"{effect} 1"]
    assert second == [f"{effect} 2"]
    assert followed(database, cursor)[0] == []


def test_a_change_whose_commit_comes_late_is_shown_once_it_is_there(database: TestDatabase) -> None:
    early, late = waiting(database), waiting(database)
    cursor = now_on(database)
    with psycopg.connect(database.url) as slow:
        slow.execute(LATE, (late, 2, "20 s"))
        claimed(database, early)
        before, cursor = followed(database, cursor)
        between = [followed(database, cursor) for _ in range(3)]
        cursor = between[-1][1]
    after, cursor = followed(database, cursor)

    assert before == [f"{early} 2"]
    assert [moves for moves, _ in between] == [[], [], []]
    assert after == [f"{late} 2"]
    assert followed(database, cursor)[0] == []


def test_a_change_that_began_before_who_follows_it_did_is_shown(database: TestDatabase) -> None:
    effect = waiting(database)
    with psycopg.connect(database.url) as slow:
        slow.execute(LATE, (effect, 2, "8 min"))
        cursor = now_on(database)

    assert followed(database, cursor)[0] == [f"{effect} 2"]


@pytest.mark.parametrize("looks", [1, 3])
def test_a_change_is_shown_however_long_ago_its_transaction_began(database: TestDatabase, looks: int) -> None:
    effect, owner = waiting(database), Database(database.admin_url)
    _, cursor = followed(database, now_on(database))
    with psycopg.connect(database.url) as slow:
        slow.execute(LATE, (effect, 2, "0 s"))
        for _ in range(looks):
            pass_time(owner, minutes=2)
            waiting(database)
            _, cursor = followed(database, cursor)
    owner.close()

    assert followed(database, cursor)[0] == [f"{effect} 2"]


def test_what_runs_all_the_while_hides_nothing(database: TestDatabase) -> None:
    effects = [waiting(database) for _ in range(4)]
    cursor, shown = now_on(database), []
    with psycopg.connect(database.url) as slow, psycopg.connect(database.url) as slower:
        slower.execute(LATE, (effects[0], 2, "9 min"))
        for each in effects[1:]:
            slow.execute(LATE, (each, 2, "10 s"))
            claimed(database, waiting(database))
            moves, cursor = followed(database, cursor)
            slow.commit()
            shown += [moves]
        moves, cursor = followed(database, cursor)
    last, cursor = followed(database, cursor)

    assert [len(each) for each in shown] == [2, 3, 3]
    assert (moves, last) == ([f"{effects[3]} 2"], [f"{effects[0]} 2"])
    assert followed(database, cursor)[0] == []


def test_a_change_that_is_undone_is_never_shown(database: TestDatabase) -> None:
    effect = waiting(database)
    cursor = now_on(database)
    with psycopg.connect(database.url) as slow:
        slow.execute(LATE, (effect, 2, "0 s"))
        _, cursor = followed(database, cursor)
        slow.rollback()

    assert followed(database, cursor)[0] == []


def test_what_comes_while_a_look_is_paged_is_shown_by_the_next_look(database: TestDatabase) -> None:
    effects = [waiting(database) for _ in range(5)]
    first = views.journal(database, EVERY, since=datetime.now(UTC) - HOUR, limit=2)
    with psycopg.connect(database.url) as another:
        another.execute(LATE, (effects[0], 2, "10 s"))

    rest, cursor = followed(database, first.next, limit=2)

    assert [f"{each.effect_id} {each.seq}" for each in first.items] + rest == [f"{each} 1" for each in effects]
    assert followed(database, cursor)[0] == [f"{effects[0]} 2"]


def test_a_page_looks_at_a_bounded_part_of_the_journal(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_pages, "LOOKED_AT", 3)
    effects = [waiting(database, account="mail" if number == 7 else "crm") for number in range(10)]
    page = views.journal(database, JournalFilter(account="mail"), since=datetime.now(UTC) - HOUR)

    assert (page.items, page.behind) == ([], True)
    assert followed(database, page.next, JournalFilter(account="mail"))[0] == [f"{effects[7]} 1"]


def test_the_steps_of_a_worker_are_left_out_unless_every_change_is_asked_for(database: TestDatabase) -> None:
    effect = sending(database)
    since = datetime.now(UTC) - HOUR

    assert [each.to_status for each in views.journal(database, JournalFilter(), since=since).items] == ["waiting"]
    assert [each.seq for each in views.journal(database, EVERY, since=since).items] == [1, 2, 3]
    of_event = JournalFilter(event=effect.event.id, every=True)
    assert len(views.journal(database, of_event, since=since).items) == 3
    assert views.journal(database, JournalFilter(event=UUID(int=7)), since=since).items == []


def forged(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


PLACE = [0, "0" * 32, 0]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "1-2",
        "[" * 9000,
        forged(1),
        forged("9:5:", PLACE, None, None),
        forged("1:5:7", PLACE, None, None),
        forged("1:9:7,5", PLACE, None, None),
        forged("1:5:3,", PLACE, None, None),
        forged(None, [-1, "0" * 32, 0], None, None),
        forged(None, [10**18 - 1, "0" * 32, 0], None, None),
        forged(None, [0, "0" * 32, 2**31], None, None),
        forged(None, [0, "0", 0], None, None),
        forged(None, PLACE, None, [0, "1:5:", -1]),
        forged(None, PLACE, [1], None),
        forged("1:9223372036854775807:", PLACE, None, None),
    ],
)
def test_another_text_is_no_cursor(database: TestDatabase, cursor: str) -> None:
    with pytest.raises(Invalid):
        views.journal(database, EVERY, after=cursor)

"""The first page: what it shows of the ledger, and what an open tab goes on to ask."""

import re
from datetime import timedelta

from drumbeat.console.following import STOP_POLLING
from drumbeat.core.clock import SystemClock
from drumbeat.core.status import Status
from drumbeat.ledger.database import Database
from drumbeat.observability import snapshot
from drumbeat.operations.stops import stop
from tests.conftest import TestDatabase
from tests.functions.pages.effects_rows import ended
from tests.functions.pages.visitor import Visitor
from tests.store.rows import recorded, unplannable, waiting


def live(visitor: Visitor) -> str:
    """Return what the open first page asks for again and again."""
    html = visitor.get("/").html
    asked = html.partition('hx-get="')[2].partition('"')[0]
    return asked.replace("&amp;", "&")


def test_an_open_page_is_answered_from_redis_alone_and_for_ten_minutes(visitor: Visitor) -> None:
    visitor.sign_in("read")
    asked = live(visitor)
    snapshot.keep(visitor.services, surely=True)
    before = visitor.services.db.round_trips

    followed = visitor.get(asked)
    visitor.services.clock = SystemClock(timedelta(minutes=10))
    over = visitor.get(asked)

    assert visitor.services.db.round_trips == before
    assert (followed.status, "hx-get" in followed.html) == (200, True)
    assert (over.status, "hx-get" in over.html) == (STOP_POLLING, False)


def test_an_open_page_says_that_what_needs_a_person_has_changed(visitor: Visitor) -> None:
    waiting(visitor.services.db, account="one")
    visitor.sign_in("read", "operate")
    asked = live(visitor)
    visitor.services.clock = SystemClock(timedelta(seconds=2))
    snapshot.keep(visitor.services, surely=True)
    before = visitor.get(asked).html
    stop("one", reason="wait", actor="person:bob", services=visitor.services)
    snapshot.keep(visitor.services, surely=True)

    assert "has changed" not in before
    assert "has changed" in visitor.get(asked).html


def test_without_a_snapshot_an_open_page_claims_no_number(visitor: Visitor) -> None:
    visitor.sign_in("read")

    assert "<b>?</b>" in visitor.get("/live?since=99999999999").html


def test_what_is_no_instant_is_followed_no_more(visitor: Visitor) -> None:
    visitor.sign_in("read")

    assert [visitor.get(f"/live?since={text}").status for text in ("", "x", "-1")] == [STOP_POLLING] * 3


def test_what_was_refused_in_a_day_stands_there_by_cause_with_its_decision(
    visitor: Visitor, database: TestDatabase, owner: Database
) -> None:
    ended(database, Status.REFUSED)
    ended(database, Status.REFUSED)
    visitor.sign_in("read", "operate")

    today = visitor.get("/").html
    link = re.search('href="(/effects/decide[^"]+)">Send again', today)
    assert link is not None
    offered = visitor.get(link[1].replace("&amp;", "&")).html
    owner.run("UPDATE effects SET updated_at = updated_at - interval '25 hours'")
    tomorrow = visitor.get("/").html
    too_late = visitor.get(link[1].replace("&amp;", "&")).html

    assert '<b class="num">2</b> refused' in today
    assert "/effects/decide?status=refused&amp;account=mail&amp;cause=refused_by_provider" in today
    assert "refused in 24 hours" not in tomorrow
    assert ("Decide about 2 refused effects" in offered, "No effects are so" in too_late) == (True, True)


def test_what_could_not_be_planned_stands_there_by_cause_until_it_is_decided_about(
    visitor: Visitor, database: TestDatabase
) -> None:
    ordered, hidden = (recorded(database, f"order-{number}") for number in range(2))
    for event in (ordered, hidden, recorded(database)):
        unplannable(database, event, "no field payload.<email>" if event != hidden else "no text")
    visitor.sign_in("read", "operate")

    before = visitor.get("/").html
    visitor.post(f"/events/{hidden}/dismiss", reason="a test of mine")
    after = visitor.get("/").html

    assert re.findall(r'<b class="num">(\d)</b> events? of 24 hours could not be planned', before) == ["2", "1"]
    assert "no field payload.&lt;email&gt;" in after
    assert (f'href="/events/{hidden}"' in before, f'href="/events/{hidden}"' in after) == (True, False)
    assert ("no text" in before, "no text" in after) == (True, False)


def test_complaints_are_told_with_those_of_the_week_before_and_their_share(visitor: Visitor, owner: Database) -> None:
    for number, (kind, days) in enumerate([("complained", 1), ("complained", 8), *[("delivered", 2)] * 200]):
        owner.run(
            "INSERT INTO feedback (account, name, event_id, kind, word, said, at, machine)"
            " VALUES ('mail', %s, %s, %s, %s, '', drumbeat_now() - make_interval(days => %s), false)",
            (str(number), recorded(visitor.services.db), kind, kind, days),
        )
    waiting(visitor.services.db)
    visitor.sign_in("read")

    html = visitor.get("/").html

    assert '<b class="num">1</b> person called a mail spam' in html
    assert (
        "These are 0.50 % of what was delivered; mailboxes want less than 0.1 %. In the seven days before there were 1."
        in html
    )

"""The first page: what it shows of the ledger, and what an open tab goes on to ask."""

from datetime import timedelta

from drumbeat.console.live import STOP_POLLING
from drumbeat.core.clock import SystemClock
from drumbeat.observability import snapshot
from drumbeat.operations.stops import stop
from tests.functions.pages.visitor import Visitor
from tests.store.rows import waiting


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

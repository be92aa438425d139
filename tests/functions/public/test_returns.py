"""People who leave, and sign up again by the very same post: they are back, and a repeat stays one."""

from uuid import UUID

import pytest

from drumbeat.core import ids
from drumbeat.core.address import contact_key
from drumbeat.people.tokens import Kind
from tests.functions.doors import Answer, make_unreachable
from tests.functions.ingest.test_anonymous import Calls
from tests.functions.ingest.test_outages import drained, no_redis
from tests.functions.public.conftest import Site, stamp
from tests.store.rows import waiting

ADA = {"email": "ada@example.com", "name": "Ada"}
LIST = {"news": "news", "join": "club"}  # of each form


def leave(site: Site, form: str, what: str = "list") -> None:
    """Let Ada leave the list of a form by the link of one of its mails; time goes by before and after."""
    contact = contact_key(site.doors.services.contact_secret, ADA["email"])
    mail = waiting(site.doors.ledger, contact=contact, list=LIST[form])
    site.clock.move(seconds=5)
    assert site.press(f"/u/{site.token(Kind.UNSUBSCRIBE, mail)}", {"what": what}).status == 200
    site.clock.move(seconds=5)


def posts(site: Site, form: str) -> list[str]:
    """Return the keys of a form's events, oldest first."""
    return [event["key"] for event in site.doors.events() if event["source"] == form]


def withdrawals(site: Site) -> list[str]:
    return [str(event["id"]) for event in site.doors.events() if event["door"] == "unsubscribe"]


def posted(site: Site, form: str, *, page: str = "") -> Answer:
    """Post the same once more: as a page of one's own does, or by Back to ours."""
    return site.send(form, ADA | ({"_page": page} if page else {}))


@pytest.mark.parametrize("form", LIST)
@pytest.mark.parametrize("ours", [True, False], ids=["our page", "their own"])
@pytest.mark.parametrize("what", ["list", "everything"])
def test_who_left_and_posts_the_same_again_is_back_once(site: Site, form: str, what: str, *, ours: bool) -> None:
    page = stamp(site.show(f"/f/{form}")) if ours else ""
    site.clock.move(seconds=3)
    first = posted(site, form, page=page)
    leave(site, form, what)

    again = [posted(site, form, page=page) for _ in range(50)]

    plain, back = posts(site, form)
    assert back == f"{plain}:{withdrawals(site)[0]}"
    assert (first.body["eventId"], again[0].status) == (str(ids.event_id(form, plain)), 202)
    assert {answer.body["eventId"] for answer in again} == {str(ids.event_id(form, back))}
    assert [answer.status for answer in again[1:]] == [200] * 49


def test_each_time_that_a_person_leaves_the_same_post_brings_them_back(site: Site) -> None:
    for _ in range(3):
        posted(site, "join")
        leave(site, "join")
    posted(site, "join")

    assert len(posts(site, "join")) == 4


def test_who_left_before_they_signed_up_or_left_another_list_has_not_come_back(site: Site) -> None:
    leave(site, "join")

    posted(site, "join")
    leave(site, "news")

    assert [posted(site, "join").status for _ in range(2)] == [200, 200]
    assert len(posts(site, "join")) == 1


def test_a_form_without_a_list_has_no_one_who_comes_back(site: Site) -> None:
    site.send("contact", ADA)
    leave(site, "news", "everything")

    assert site.send("contact", ADA).status == 200
    assert len(posts(site, "contact")) == 1


def test_a_return_is_counted_among_the_posts_of_its_address(site: Site) -> None:
    posted(site, "join")
    for number in range(9):
        assert site.send("join", ADA | {"name": f"Ada {number}"}).status == 202
    leave(site, "join")

    assert posted(site, "join").status == 429
    assert len(posts(site, "join")) == 10


def test_only_a_repeat_costs_another_statement(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls(monkeypatch)
    costs: list[int] = []
    for form in ("contact", "contact", "join", "join"):
        calls.postgres = 0
        site.send(form, ADA)
        costs.append(calls.postgres)
    monkeypatch.undo()

    assert costs == [1, 1, 1, 2]


def test_with_postgres_away_who_comes_back_is_told_apart_when_the_buffer_is_drained(site: Site) -> None:
    posted(site, "join")
    leave(site, "join")
    make_unreachable(site.doors.services)

    answers = [posted(site, "join") for _ in range(2)]
    recorded = drained(site.doors)

    plain, back = posts(site, "join")
    assert {answer.body["status"] for answer in answers} == {"buffered"}
    assert {answer.body["eventId"] for answer in answers} == {str(ids.event_id("join", plain))}
    assert (recorded, back) == (1, f"{plain}:{withdrawals(site)[0]}")


def test_what_waited_and_was_posted_before_its_person_left_brings_no_one_back(site: Site) -> None:
    posted(site, "join")
    ledger = site.doors.services.db
    url, ledger.url = ledger.url, "postgresql://127.0.0.1:1/none"
    ledger.close()
    posted(site, "join")
    ledger.url = url
    leave(site, "join")

    assert drained(site.doors) == 0
    assert len(posts(site, "join")) == 1


@pytest.mark.parametrize("away", [False, True], ids=["the flag is set", "Redis is away"])
def test_while_a_withdrawal_may_wait_a_repeat_waits_behind_it(site: Site, *, away: bool) -> None:
    first = UUID(posted(site, "join").body["eventId"])
    if away:
        no_redis(site.doors)
    else:
        site.doors.services.wishes_flag.set()

    answer = posted(site, "join")
    other = site.send("join", {"email": "bob@example.com"})

    assert (answer.status, answer.body) == (202, {"eventId": str(first), "status": "buffered"})
    assert (other.status, other.body["status"]) == (202, "recorded")
    assert site.doors.buffer.count() == 1
    assert drained(site.doors) == 0

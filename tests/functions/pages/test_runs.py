"""Campaigns and runs on pages: planned, read, approved, started, paused, cancelled, sent to who did not get it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from drumbeat.access import sql as access_sql
from drumbeat.access.keys import mint
from drumbeat.console import runs as run_pages
from drumbeat.console.following import STOP_POLLING
from drumbeat.core.clock import SystemClock
from drumbeat.local.servers import Valkey
from drumbeat.observability import snapshot
from tests.conftest import TestDatabase
from tests.functions.api.runs import RunsConsole, runs_console
from tests.functions.pages.visitor import Shown, Visitor

OPERATES = ("read", "people", "operate")
PLAN, RUN = "/v1/campaigns/digest/plan", "/v1/campaigns/digest/runs"


class Person(Visitor):
    """A person at the console of a deployment whose worker works."""

    def __init__(self, console: RunsConsole) -> None:
        super().__init__(console.services)
        self.runs = console

    def as_one_who_may(self, *scopes: str) -> "Person":
        """Sign in by a key that has these scopes and no others, also in its row."""
        id = "-".join(scopes)
        access_sql.add(self.services.db, id, id, scopes, actor="test")
        self.post("/sign-in", token=None, key=mint(self.services.key_secret, id, scopes))
        return self

    def press(self, page: Shown, action: str, **fields: str) -> Shown:
        """Send the form of a page that leads there, with all that it holds."""
        found = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page.html, re.DOTALL)
        assert found, f"the page has no form {action}"
        held = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', found[0]))
        token = held.pop("token")
        answer = self.post(action, token=token, **held | fields)
        self.runs.work()
        return answer

    def run(self, id: str) -> dict[str, Any]:
        """Return a run as the API has it."""
        told: dict[str, Any] = self.runs.ask("GET", f"/v1/runs/{id}")
        return told


@pytest.fixture
def person(
    database: TestDatabase, redis: Redis, valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Person]:
    with runs_console(database, valkey.url, sqs_endpoint, monkeypatch) as console:
        yield Person(console)


def planned(person: Person, key: str = "one") -> str:
    id = str(person.runs.ask("POST", PLAN, {"idempotencyKey": key})["runId"])
    person.runs.work()
    return id


def started(person: Person, key: str = "one") -> str:
    id = str(person.runs.ask("POST", RUN, {"idempotencyKey": key})["runId"])
    person.runs.work()
    return id


def test_a_campaign_says_in_words_when_it_fires_for_whom_and_how(person: Person) -> None:
    person.runs.apply('schedule: "cron(0 9 ? * MON *)"\n    timezone: Europe/Berlin\n    pace: 10/h\n    approve: true')
    person.as_one_who_may(*OPERATES)

    every, one = person.get("/campaigns").html, person.get("/campaigns/digest").html

    for html in (every, one):
        assert "Mondays at 09:00" in html and "Europe/Berlin" in html and "/audiences/readers" in html
    assert "10/h" in one and "a person approves each run" in one
    assert person.get("/campaigns/nothing").status == 404


def test_without_a_campaign_the_page_says_what_to_do(person: Person) -> None:
    person.as_one_who_may("read")

    assert "No campaign is configured" in person.get("/campaigns").html


def test_a_plan_made_on_the_page_sends_nothing_and_says_who_is_left_out(person: Person) -> None:
    person.runs.apply(audience="{field: seats, at_least: 1}", limits=", limits: [10/s]")
    person.runs.people("ada", "bob", seats=1)
    person.runs.people("cyd", agreed=False, seats=1)
    person.as_one_who_may(*OPERATES)
    campaign = person.get("/campaigns/digest")

    first = person.press(campaign, "/campaigns/digest/plan")
    again = person.press(campaign, "/campaigns/digest/plan")
    shown = person.get(f"{first.location.partition('?')[0]}?show=plan").html
    out = person.get(f"{first.location.partition('?')[0]}?left_out=no_consent").html
    one = person.get(f"{first.location.partition('?')[0]}?lead=cyd@example.com").html
    stranger = person.get(f"{first.location.partition('?')[0]}?lead=eve@example.com").html

    assert (first.status, first.location) == (303, again.location)
    assert "<b>2</b><span>mails of step mail" in shown and "not on the list" in shown
    assert "ada@example.com" in shown and "Start, and send 2 mails" in shown
    assert ("cyd@example.com</a>" in out, "ada@example.com</a>" in out) == (True, False)
    assert ("not on the list" in one, "ada@example.com</a>" in one) == (True, False)
    assert 'href="/audiences/readers?lead=eve%40example.com#why"' in stranger
    assert person.runs.provider.sent == []


def test_a_plan_is_started_on_its_page_and_the_numbers_add_up(person: Person) -> None:
    person.runs.apply()
    person.runs.people("ada", "bob")
    person.as_one_who_may(*OPERATES)
    id = planned(person)

    answer = person.press(person.get(f"/runs/{id}?show=plan"), f"/runs/{id}/start")
    html = person.get(f"/runs/{id[:8]}").html

    assert answer.location == f"/runs/{id}?did=started"
    assert sorted(person.runs.provider.sent) == ["ada@example.com", "bob@example.com"]
    assert 'aria-label="2 accepted"' in html and 'class="badge good">finished' in html
    assert "person:read-people-operate" in html
    assert person.run(id)["journal"][1]["actor"] == "person:read-people-operate"


def test_a_run_is_approved_by_the_hash_that_was_read_and_by_no_other(person: Person) -> None:
    person.runs.apply("approve: true")
    person.runs.people("ada")
    id = started(person)
    person.as_one_who_may(*OPERATES)
    page = person.get(f"/runs/{id}?show=plan")

    wrong = person.press(page, f"/runs/{id}/approve", hash="00" * 32)
    nothing = list(person.runs.provider.sent)
    right = person.press(page, f"/runs/{id}/approve", reason=" the offer ends on Friday ")

    assert (wrong.status, nothing, right.status) == (409, [], 303)
    assert "another one was approved" in wrong.html
    assert person.run(id)["approval"]["actor"] == "person:read-people-operate"
    assert ": the offer ends on Friday</dd>" in person.get(f"/runs/{id}").html
    assert person.runs.provider.sent == ["ada@example.com"]


def test_who_may_propose_plans_and_asks_and_another_approves(person: Person) -> None:
    person.runs.apply()
    person.runs.people("ada")
    person.as_one_who_may("read", "propose")

    made = person.press(person.get("/campaigns/digest"), "/campaigns/digest/plan").location.partition("?")[0]
    person.press(person.get(f"{made}?show=plan"), f"{made}/start")
    html = person.get(f"{made}?show=plan").html

    assert "awaiting approval" in html and f"{made}/approve" not in html
    assert person.post(f"{made}/approve", token=_token(person), hash="00").status == 403
    assert person.runs.provider.sent == []


def test_a_run_is_paused_for_a_while_goes_on_and_is_cancelled_each_with_its_reason(person: Person) -> None:
    person.runs.apply("pace: 1/h")
    person.runs.people("ada", "bob", "cyd")
    id = started(person)
    person.as_one_who_may(*OPERATES)
    page = person.get(f"/runs/{id}")

    paused = person.press(page, f"/runs/{id}/pause", reason="the link is wrong", **{"for": "2h"})
    stale = person.press(page, f"/runs/{id}/cancel", reason="stop")
    shown = person.get(f"/runs/{id}")
    person.press(shown, f"/runs/{id}/resume", reason="corrected")
    person.press(person.get(f"/runs/{id}"), f"/runs/{id}/cancel", reason="no more")

    assert (paused.location, stale.status) == (f"/runs/{id}?did=paused", 409)
    assert "the link is wrong" in shown.html and "goes on by itself" in shown.html
    said = [(each["toState"], each["reasonDetail"], each["actor"]) for each in person.run(id)["journal"]]
    assert said[-3:] == [
        ("paused", "the link is wrong", "person:read-people-operate"),
        ("running", "corrected", "person:read-people-operate"),
        ("cancelled", "no more", "person:read-people-operate"),
    ]


def test_a_paused_run_stands_with_its_reason_among_what_needs_a_person(person: Person) -> None:
    person.runs.apply("pace: 1/h")
    person.runs.people("ada", "bob")
    id = started(person)
    person.runs.ask("POST", f"/v1/runs/{id}/pause", {"reason": "the link is wrong"})
    person.as_one_who_may("read")

    now = person.get("/")

    assert (now.status, "the link is wrong" in now.html, f'href="/runs/{id}"' in now.html) == (200, True, True)


def test_a_pause_for_no_time_that_a_person_would_write_changes_nothing(person: Person) -> None:
    person.runs.apply("pace: 1/h")
    person.runs.people("ada", "bob")
    id = started(person)
    person.as_one_who_may(*OPERATES)

    answer = person.press(person.get(f"/runs/{id}"), f"/runs/{id}/pause", reason="x", **{"for": "a while"})

    assert (answer.status, person.run(id)["state"]) == (400, "running")


def test_who_did_not_get_it_is_counted_first_and_sent_to_if_they_are_as_many(person: Person) -> None:
    person.runs.apply("pace: 1/h")
    person.runs.people("ada", "bob", "cyd")
    id = started(person)
    person.runs.ask("POST", f"/v1/runs/{id}/cancel", {"reason": "a typo"})
    person.runs.work()
    person.runs.work()
    person.as_one_who_may(*OPERATES)
    asks = person.get(f"/runs/{id}/missing")

    moved = person.press(asks, f"/runs/{id}/missing", expect="1", reason="no typo")
    sent = person.press(asks, f"/runs/{id}/missing", reason="no typo")

    assert "the run was cancelled" in asks.html
    assert (moved.status, sent.location) == (409, f"/runs/{id}?did=sent")
    assert person.run(id)["journal"][-2]["reasonDetail"] == "no typo"


def test_of_a_run_that_still_goes_on_none_is_missing_yet(person: Person) -> None:
    person.runs.apply("pace: 1/h")
    person.runs.people("ada", "bob")
    id = started(person)
    person.as_one_who_may(*OPERATES)

    assert person.get(f"/runs/{id}/missing").status == 409


def test_a_key_that_may_only_read_is_offered_and_allowed_nothing(person: Person) -> None:
    person.runs.apply("pace: 1/h")
    person.runs.people("ada", "bob")
    going, plan = started(person), planned(person, "two")
    person.as_one_who_may("read")

    pages = [
        person.get(path).html
        for path in ("/campaigns", "/campaigns/digest", f"/runs/{going}?show=progress", f"/runs/{plan}?show=plan")
    ]
    token = _token(person)
    acts = [f"/runs/{going}/{act}" for act in ("pause", "resume", "cancel", "missing", "approve", "start")]
    answers = [person.post(path, token=token, reason="x") for path in ("/campaigns/digest/plan", *acts)]

    assert not any('method="post"' in html.replace('method="post" action="/sign-out"', "") for html in pages)
    assert {answer.status for answer in answers} == {403}
    assert person.run(going)["state"] == "running"


def test_without_the_scope_for_people_no_person_is_on_any_page_of_a_run(person: Person) -> None:
    person.runs.apply("pace: 1/h")
    person.runs.people("zq7mark", "bob")
    person.runs.people("zq7cyd", agreed=False)
    id = planned(person)
    person.as_one_who_may("read")

    pages = [person.get(f"/runs/{id}{query}").html for query in ("?show=plan", "?people=all", "?people=all&format=csv")]

    found = [person.get(f"/runs/{id}?lead=zq7mark@example.com{more}") for more in ("", "&format=csv")]

    assert [each.status for each in found] == [403, 403]
    assert not any("zq7" in html for html in pages)
    assert all("[address]" in html for html in pages)


def test_the_people_of_a_run_come_as_a_table_for_a_spreadsheet(person: Person) -> None:
    person.runs.apply()
    person.runs.people("ada")
    id = started(person)
    person.as_one_who_may(*OPERATES)

    people, runs = person.get(f"/runs/{id}?status=accepted&format=csv"), person.get("/campaigns?format=csv")

    assert people.headers["Content-Type"].startswith("text/csv") and "ada@example.com" in people.html
    assert runs.headers["Content-Type"].startswith("text/csv") and id in runs.html


def test_people_are_looked_for_part_by_part_until_all_were_looked_at(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_pages, "LOOKED_AT", 1)
    person.runs.apply(audience="{field: seats, at_least: 1}")
    person.runs.people("ada", "bob", seats=1)
    person.runs.people("cyd", agreed=False, seats=1)
    id = started(person)
    person.as_one_who_may(*OPERATES)

    following, seen = f"/runs/{id}?left_out=any", ""
    for _ in range(5):
        html = person.get(following).html
        seen += html
        if (found := re.search(r'href="([^"]+)" rel="next"', html)) is None:
            break
        following = found[1].replace("&amp;", "&")

    assert "cyd@example.com</a>" in seen and "ada@example.com</a>" not in seen
    assert "None among the 1 people that were looked at" in seen and "No one of this run is so" in html


def test_a_text_of_an_address_is_no_command(person: Person) -> None:
    """What the page offers for a terminal is pasted as it is."""
    person.runs.apply()
    person.runs.people("ada")
    id = started(person)
    person.as_one_who_may(*OPERATES)

    html = person.get(f"/runs/{id}?lead=a%60reboot%60%40example.com").html

    assert "--lead &#39;a`reboot`@example.com&#39;" in html


def test_runs_are_listed_by_state_and_page_by_page(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drumbeat.console.campaigns.RUNS_SHOWN", 2)
    person.runs.apply()
    person.runs.people("ada")
    ids = [planned(person, key) for key in ("one", "two", "three")]
    person.runs.ask("POST", f"/v1/runs/{ids[0]}/cancel", {"reason": "x"})
    person.as_one_who_may("read")

    page = person.get("/campaigns?state=planned").html
    cancelled = person.get("/campaigns/digest?state=cancelled").html
    newest = person.get("/campaigns").html
    following = re.search(r'href="([^"]+)" rel="next"', newest)

    assert following is not None
    older = person.get(following[1].replace("&amp;", "&")).html
    assert [id for id in ids if id in page] == ids[1:]
    assert [id for id in ids if f"/runs/{id}" in cancelled.partition('id="runs"')[2]] == ids[:1]
    assert [id for id in ids if f"/runs/{id}" in older.partition('id="runs"')[2]] == ids[:1]
    assert person.get("/campaigns?state=nothing").status == 400


def test_of_a_large_run_what_reads_all_of_it_is_asked_for_apart(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_pages, "COUNTED_AT_ONCE", 1)
    person.runs.apply()
    person.runs.people("ada", "bob")
    id = planned(person)
    person.as_one_who_may(*OPERATES)

    page, counted = person.get(f"/runs/{id}").html, person.get(f"/runs/{id}?show=progress").html

    assert f'hx-get="/runs/{id}?show=progress"' in page and f'hx-get="/runs/{id}?show=plan"' in page
    assert "not begun" not in page and 'aria-label="2 not begun"' in counted


def asks(page: str, place: str = '<div id="live" ') -> str:
    """Return what an open page of a run asks for by itself; "" for nothing."""
    found = re.search(re.escape(place) + r'hx-get="([^"]+)"', page)
    return found[1].replace("&amp;", "&") if found else ""


def reads_again(page: str) -> str:
    """Return where an open page reads its numbers again; "" for nowhere."""
    return asks(page, "<div ") if 'hx-trigger="load"' in page else ""


def paused(person: Person) -> str:
    """Return a run that has begun, of two people who are not mailed yet."""
    id = planned(person)
    person.runs.ask("POST", RUN, {"plan": id})
    person.runs.ask("POST", f"/v1/runs/{id}/pause", {"reason": "a typo"})
    person.runs.work()
    return id


def test_an_open_page_reads_its_numbers_again_once_the_run_has_moved(person: Person) -> None:
    services = person.services
    person.runs.apply()
    person.runs.people("ada", "bob")
    id = paused(person)
    person.as_one_who_may(*OPERATES)
    snapshot.keep(services, surely=True)
    page = person.get(f"/runs/{id}").html
    snapshot.keep(services, surely=True)

    idle = person.get(asks(page)).html
    person.runs.ask("POST", f"/v1/runs/{id}/resume", {"reason": "it is none"})
    person.runs.work()
    snapshot.keep(services, surely=True)
    round_trips = services.db.round_trips
    moved = person.get(asks(idle)).html
    unanswered = person.get(asks(moved)).html
    assert services.db.round_trips == round_trips
    again = person.get(reads_again(moved)).html

    assert reads_again(idle) == ""
    assert reads_again(unanswered) == reads_again(moved) != ""
    assert 'aria-label="2 accepted"' in again and "It is finished now" in again
    assert asks(again) == ""


def test_what_is_read_again_is_followed_no_longer_than_the_page_that_was_opened(person: Person) -> None:
    person.runs.apply()
    person.runs.people("ada")
    id = paused(person)
    person.as_one_who_may("read")
    page = person.get(f"/runs/{id}").html
    snapshot.keep(person.services, surely=True)
    person.services.clock = SystemClock(timedelta(minutes=9))

    again = person.get(reads_again(person.get(asks(page)).html)).html
    person.services.clock = SystemClock(timedelta(minutes=10))
    over = person.get(asks(again))

    assert (over.status, asks(over.html)) == (STOP_POLLING, "")


def test_an_open_page_of_a_large_run_or_of_a_plan_says_that_it_may_have_moved_and_reads_nothing(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.runs.apply()
    person.runs.people("ada", "bob")
    plan, large = planned(person, "plan"), paused(person)
    person.as_one_who_may("read")
    snapshot.keep(person.services, surely=True)
    pages = [person.get(f"/runs/{plan}").html]
    monkeypatch.setattr(run_pages, "COUNTED_AT_ONCE", 1)
    pages.append(person.get(f"/runs/{large}").html)

    idle = [person.get(asks(page)).html for page in pages]
    person.runs.ask("POST", f"/v1/runs/{large}/resume", {"reason": "it is none"})
    person.runs.work()
    snapshot.keep(person.services, surely=True)
    moved = [person.get(asks(page)).html for page in idle]

    assert ["It may have gone on" in each for each in idle + moved] == [False, False, True, True]
    assert [reads_again(each) for each in moved] == ["", ""]


def test_a_page_of_an_ended_run_follows_nothing(person: Person) -> None:
    person.runs.apply()
    person.runs.people("ada")
    ended = started(person)
    person.as_one_who_may("read")

    assert person.run(ended)["state"] == "finished"
    assert asks(person.get(f"/runs/{ended}").html) == ""
    assert person.get("/runs/none/live?since=1").status == 400
    assert person.get(f"/runs/{ended}/live?since=1").status == STOP_POLLING


def test_a_mail_is_filled_for_a_person_by_who_may_see_people_alone(person: Person) -> None:
    version = person.runs.apply()
    person.runs.people("ada", name="Grace")
    path = f"/versions/{version}/preview?flow=campaign:digest&step=mail&lead=ada@example.com"
    offered = person.as_one_who_may(*OPERATES).get("/campaigns/digest").html
    filled = person.get(path)
    made_up = person.get(path.partition("&lead")[0])
    refused = person.as_one_who_may("read").get(path)

    assert path.partition("?")[0] in offered
    assert (filled.status, "Hello Grace" in filled.html) == (200, True)
    assert "Hello Ada" in made_up.html and "Fernwood GmbH" in made_up.html
    assert (refused.status, "Grace" in refused.html) == (403, False)


def test_a_run_that_is_not_there_is_said_to_be_none(person: Person) -> None:
    person.as_one_who_may(*OPERATES)

    assert [person.get(f"/runs/{id}").status for id in ("7777", "0" * 32, "nothing")] == [404, 404, 400]


def _token(person: Person) -> str:
    """Return the token of the forms of this session, also where no page offers one."""
    from drumbeat.access import sessions

    session = sessions.read(person.cookies["drumbeat"], person.services.key_secret, person.services.clock.now())
    assert session is not None
    return sessions.form_token(session, person.services.key_secret)

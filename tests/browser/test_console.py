"""The console after a night, in Chromium: every page is sound, and what a person decides is done and journaled."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import new_tab
from tests.browser.looks import BOTH_WAYS
from tests.browser.night import Night
from tests.browser.tab import Tab
from tests.flow.stacks import eventually

PAGES = (
    "/",
    "/people",
    "/people?q=eve%40example.com",
    "/people?q=ida%40example.com",
    "/events",
    "/events?status=attention",
    "/events/{held-event}",
    "/events/{suppressed-event}",
    "/events/{refused-event}",
    "/effects",
    "/effects?status=held",
    "/effects/{held-effect}",
    "/effects/{accepted-effect}",
    "/effects/{waiting-effect}",
    "/effects/decide?status=held&account=partner",
    "/campaigns",
    "/campaigns/monday-note",
    "/runs/{run}",
    "/runs/{waiting-run}",
    "/audiences",
    "/audiences/berlin?count=1&lead=ada%40example.com",
    "/accounts",
    "/sources",
    "/versions",
    "/versions/1",
    "/audit",
    "/sign-in?next=/accounts",
)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """A stack on which something of every status is."""
    night = Night(tmp_path_factory.mktemp("night"))
    try:
        yield night.pass_by()
    finally:
        night.stack.end()


@pytest.fixture
def console(tab: Tab, night: Night) -> Tab:
    """A tab that is signed in."""
    return signed_in(tab, night)


def signed_in(tab: Tab, night: Night, key: str | None = None) -> Tab:
    tab.sign_in(night.stack.ready["url"], key or night.stack.ready["api_key"])
    return tab


def url(night: Night, path: str) -> str:
    return str(night.stack.ready["url"]) + path.format_map(night.ids)


def stops(night: Night) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = night.stack.call("GET", "/v1/stops")[2]["items"]
    return found


@pytest.mark.timeout(240)
@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_sound(console: Tab, night: Night, path: str) -> None:
    console.open(url(night, path))

    console.check()


@pytest.mark.timeout(240)
def test_the_page_of_the_api_is_sound(console: Tab, night: Night) -> None:
    """One form for each of some eighty routes: what axe finds of one it finds of all."""
    console.open(url(night, "/docs/api"))

    console.check(axe_at=BOTH_WAYS)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_everything_is_stopped_and_goes_on(browser: Browser, night: Night, scripts: bool) -> None:
    with new_tab(browser, scripts=scripts) as tab:
        signed_in(tab, night)
        form = tab.page.locator("form", has=tab.page.get_by_role("button", name="Stop everything"))
        form.get_by_label("Why").fill("the price is wrong")
        tab.press("Stop everything")
        tab.page.get_by_text("Everything is stopped").wait_for()
        stopped = [each for each in stops(night) if each["account"] is None]
        notice = tab.page.locator(".notice", has_text="Everything is stopped")
        notice.get_by_label("Why it may go on").fill("corrected")
        with tab.page.expect_navigation():
            notice.get_by_role("button", name="go on").click()

    assert [(each["actor"], each["reason"]) for each in stopped] == [("person:local", "the price is wrong")]
    assert [each for each in stops(night) if each["account"] is None] == []


def test_everything_is_stopped_by_the_keyboard_alone(console: Tab, night: Night) -> None:
    keyboard = console.page.keyboard
    for _ in range(60):
        keyboard.press("Tab")
        if console.page.evaluate("document.activeElement.form?.action.endsWith('/stop')"):
            break
    keyboard.type("no mouse")
    with console.page.expect_navigation():
        keyboard.press("Enter")
    stopped = [each["reason"] for each in stops(night) if each["account"] is None]
    night.stack.call("POST", "/v1/resume", {"reason": "the next test"})

    assert stopped == ["no mouse"]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_an_account_is_paused_and_goes_on(browser: Browser, night: Night, scripts: bool) -> None:
    with new_tab(browser, scripts=scripts) as tab:
        signed_in(tab, night)
        tab.open(url(night, "/accounts"))
        account = tab.page.locator("#crm")
        account.get_by_text("Pause", exact=True).click()
        account.get_by_label("Why").fill("a new token")
        with tab.page.expect_navigation():
            account.get_by_role("button", name="Pause crm").click()
        paused = [(each["account"], each["actor"]) for each in stops(night) if each["account"] == "crm"]
        account.get_by_label("Why it may go on").fill("it works")
        with tab.page.expect_navigation():
            account.get_by_role("button", name="go on").click()

    assert paused == [("crm", "person:local")]
    assert "crm" not in [each["account"] for each in stops(night)]


def test_a_person_is_found_by_address_and_why_they_got_no_mail_is_said(console: Tab, night: Night) -> None:
    console.open(url(night, "/people"))
    console.page.get_by_label("Find a person by their whole address").fill("ida@example.com")
    with console.page.expect_navigation():
        console.page.get_by_role("button", name="Find").first.click()

    assert "asked by telephone" in console.page.locator("main").inner_text()
    assert "suppressed" in console.page.locator(".timeline").inner_text()


@pytest.mark.parametrize(("scripts", "effect"), [(True, "held-effect"), (False, "other-held-effect")])
def test_a_held_effect_is_resolved_and_who_did_it_stands_in_its_journal(
    browser: Browser, night: Night, scripts: bool, effect: str
) -> None:
    with new_tab(browser, scripts=scripts) as tab:
        signed_in(tab, night)
        tab.open(url(night, f"/effects/{{{effect}}}"))
        about = tab.page.locator("dl.facts").first.inner_text()
        tab.open(url(night, "/effects/decide?status=held&account=partner"))
        listed = tab.page.get_by_role("main").inner_text()
        tab.open(url(night, f"/effects/{{{effect}}}"))
        tab.page.get_by_label("It was carried out").check()
        tab.page.get_by_label("Why").fill("the partner has it")
        tab.press("Decide")
        journal = tab.page.locator(".timeline").inner_text()

    assert "LEAD_CAPTURE from landing, about h" in about and "@example.com" in about
    assert "tell-partner by partner, for h" in listed
    assert "the partner has it" in journal
    assert "person:local" in journal


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("scripts", "run"), [(True, "waiting-run"), (False, "other-waiting-run")])
def test_a_run_is_read_and_approved(browser: Browser, night: Night, scripts: bool, run: str) -> None:
    with new_tab(browser, scripts=scripts) as tab:
        signed_in(tab, night)
        tab.open(url(night, f"/runs/{{{run}}}?show=plan"))
        with tab.page.expect_navigation():
            tab.page.get_by_role("button", name="Approve").first.click()
        eventually(lambda: night.stack.call("GET", f"/v1/runs/{night.ids[run]}")[2]["state"] == "finished")
        tab.open(url(night, f"/runs/{{{run}}}"))
        told = tab.page.locator("main").inner_text()

    assert "by person:local" in told


@pytest.mark.timeout(120)
def test_an_open_page_follows_its_run_to_the_end(console: Tab, night: Night) -> None:
    call = night.stack.call
    planned = call("POST", "/v1/campaigns/offer/plan", {"idempotencyKey": "followed"})[2]["runId"]
    eventually(lambda: call("GET", f"/v1/runs/{planned}")[2]["planHash"])
    call("POST", "/v1/accounts/mail/pause", {"reason": "let me look first"})
    call("POST", f"/v1/runs/{planned}/approve", {"hash": call("GET", f"/v1/runs/{planned}")[2]["planHash"]})
    call("POST", "/v1/campaigns/offer/runs", {"plan": planned})
    eventually(lambda: call("GET", f"/v1/runs/{planned}")[2]["state"] == "running")
    console.open(url(night, f"/runs/{planned}"))

    call("POST", "/v1/accounts/mail/resume", {"reason": "it is good"})

    expect(console.page.locator("#standing")).to_contain_text("It is finished now", timeout=60_000)
    expect(console.page.locator("#progress [role=img]")).to_have_attribute("aria-label", re.compile("accepted"))
    expect(console.page.locator("#live")).to_be_empty()
    assert not console.failures

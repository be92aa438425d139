"""What programs that follow links do to a sign-up, and to an unsubscribe link: nothing that a person would not want."""

from collections.abc import Callable, Iterator

import pytest

from tests.browser.chromium import PROGRAM, chromium, new_tab
from tests.browser.tab import Tab
from tests.flow.people import zoo
from tests.flow.people.ledger import People
from tests.flow.people.person import Person, links, one_click, unsubscribe_url
from tests.flow.people.test_sign_up import CONFIRM, WELCOME
from tests.flow.stacks import eventually

in_a_browser = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed: apt-get install chromium")


@pytest.fixture
def tab() -> Iterator[Tab]:
    with chromium() as browser, new_tab(browser) as tab:
        yield tab


@pytest.fixture(scope="module")
def bob(people: People) -> Person:
    """A person who was asked to confirm, and has not."""
    bob = Person(people.stack, "bob@example.com")
    bob.signs_up()
    bob.gets(CONFIRM)
    at_rest(people)
    return bob


@pytest.fixture(scope="module")
def eve(people: People) -> Person:
    """A person who subscribed."""
    eve = Person(people.stack, "eve@example.com")
    eve.signs_up()
    eve.confirms(eve.gets(CONFIRM))
    eve.gets(WELCOME)
    at_rest(people)
    return eve


@pytest.mark.parametrize("scan", zoo.QUIET.values(), ids=zoo.QUIET)
def test_what_only_follows_links_changes_nothing(
    people: People, bob: Person, eve: Person, scan: Callable[[str], None]
) -> None:
    found = links(bob.mails(CONFIRM)[0]) | links(eve.mails(WELCOME)[0])
    before = people.everything()

    for link in found:
        scan(link)

    assert {link.split("/")[3] for link in found} == {"c", "u"}
    assert people.everything() == before
    assert (people.state(bob.address), people.state(eve.address)) == ("pending", "given")


@pytest.mark.proof
@in_a_browser
def test_a_browser_that_runs_scripts_changes_nothing(people: People, bob: Person, eve: Person, tab: Tab) -> None:
    before = people.everything()

    for link in links(bob.mails(CONFIRM)[0]) | links(eve.mails(WELCOME)[0]):
        zoo.runs_scripts(link, tab)

    assert people.everything() == before


def test_what_clicks_everything_is_unverified_and_locks_no_one_out(people: People) -> None:
    cleo = Person(people.stack, "cleo@example.com")
    cleo.signs_up()
    mail = cleo.gets(CONFIRM)
    [link] = links(mail)

    statuses = zoo.clicks_everything(link) + zoo.clicks_everything(link)

    assert statuses == [200, 200]
    check_unverified(people, cleo)
    cleo.confirms(mail)
    cleo.gets(WELCOME)
    assert people.state(cleo.address) == "given"


@pytest.mark.proof
@in_a_browser
def test_a_browser_that_clicks_is_unverified_and_a_person_may_press_on_the_page_that_follows(
    people: People, tab: Tab
) -> None:
    dora = Person(people.stack, "dora@example.com")
    dora.signs_up()
    [link] = links(dora.gets(CONFIRM))

    zoo.clicks_in_a_browser(link, tab)

    check_unverified(people, dora)
    tab.page.wait_for_timeout(2100)  # a person reads, in this very browser
    tab.press(zoo.first_button(tab))
    dora.gets(WELCOME)
    assert people.state(dora.address) == "given"


@pytest.mark.parametrize("multipart", [False, True], ids=["urlencoded", "multipart"])
def test_a_mailbox_providers_post_always_acts(people: People, multipart: bool) -> None:
    fay = Person(people.stack, f"fay-{multipart}@example.com".lower())
    fay.signs_up()
    fay.confirms(fay.gets(CONFIRM))
    link = unsubscribe_url(fay.gets(WELCOME))

    answers = [one_click(link, multipart=multipart) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert all("set-cookie" not in answer.headers for answer in answers)
    assert people.state(fay.address) == "withdrawn"


def test_what_clicks_at_an_unsubscribe_link_is_taken_for_the_person(people: People, eve: Person) -> None:
    """A provider's post cannot be told from a scanner's, so both act: a person rather gets a mail too few."""
    zoo.clicks_everything(unsubscribe_url(eve.mails(WELCOME)[0]))

    assert people.state(eve.address) == "withdrawn"


def check_unverified(people: People, person: Person) -> None:
    """The press is kept and shown with the person, and changed nothing."""

    def presses() -> list[str]:
        events = people.story(person.address)["events"]
        return [event["type"] for event in events if event["source"] == "drumbeat:unverified"]

    eventually(lambda: presses() == ["CONSENT"])
    assert people.state(person.address) == "pending"
    assert person.mails(WELCOME) == []


def at_rest(people: People) -> None:
    """Wait until nothing is under way, so that what changes later is by what is done later."""
    open_ = "SELECT count(*) FROM effects WHERE status NOT IN ('accepted', 'cancelled', 'refused', 'held')"
    unplanned = "SELECT count(*) FROM events e WHERE NOT EXISTS (SELECT FROM plans p WHERE p.event_id = e.id)"
    eventually(lambda: people.rows(open_) + people.rows(unplanned) == [(0,), (0,)])

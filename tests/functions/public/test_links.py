"""Links in mails: what shows, what acts, and that no scanner of links changes anything or locks a person out."""

import re
from uuid import UUID, uuid4

import pytest

from drumbeat.core.address import Keys
from drumbeat.people import erasure_sql, waiting_wishes
from drumbeat.people.tokens import Kind
from drumbeat.public.locales import words_of
from tests.functions.doors import make_unreachable
from tests.functions.public.conftest import FORM, LISTS, PAGE, Site, stamp

ONE_CLICK = b"List-Unsubscribe=One-Click"
MULTIPART = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
SCANNER = "Mozilla/5.0 (compatible; BarracudaCentral/1.0)"


@pytest.fixture
def link(site: Site) -> str:
    """The path of a confirmation mail's link."""
    return f"/c/{site.token(Kind.CONFIRM, site.asking())}"


def confirmed(site: Site) -> list[object]:
    return [event["key"] for event in site.doors.events() if event["type"] == "LEAD_CAPTURE"]


def unverified(site: Site) -> list[str]:
    return [body["evidence"]["unverified"] for body in site.bodies("drumbeat:unverified")]


# ---------------------------------------------------------------- confirmation


def test_a_person_confirms_by_a_button_and_again_gets_the_same_answer(site: Site, link: str) -> None:
    page = site.show(link)
    site.clock.move(seconds=3)

    answers = [site.press(link, {"_page": stamp(page)}, accept_language="de-AT,en;q=0.5") for _ in range(2)]

    assert page.status == 200
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].body == answers[1].body
    assert "Vielen Dank, Sie sind angemeldet" in answers[0].body
    (event,) = [event for event in site.doors.events() if event["door"] == "confirm"]
    assert event["type"] == "LEAD_CAPTURE"
    assert site.bodies("join")[-1]["evidence"] == {"form": "confirmation page", "locale": "de", "ip": "127.0.0.0/24"}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_at_a_link_changes_nothing_however_often(site: Site, link: str, method: str) -> None:
    mail = f"/u/{site.token(Kind.UNSUBSCRIBE, site.mail())}"
    before = site.doors.events()

    answers = [site.doors.visit(method, path, user_agent=SCANNER) for path in (link, mail) for _ in range(5)]

    assert {answer.status for answer in answers} == {200}
    assert {bool(answer.body) for answer in answers} == {method == "GET"}
    assert site.doors.events() == before
    assert site.states()["news"] == "none"


@pytest.mark.parametrize(
    ("seconds", "user_agent", "why"),
    [
        (0.5, "Mozilla/5.0 Chrome/142.0", "it was pressed within 2 seconds of the page"),
        (60, SCANNER, "its browser calls itself a scanner of links"),
        (60, "Mozilla/5.0 HeadlessChrome/142.0", "its browser calls itself a scanner of links"),
    ],
)
def test_a_press_that_may_be_a_programs_is_kept_and_a_person_is_not_locked_out(
    site: Site, link: str, seconds: float, user_agent: str, why: str
) -> None:
    page = site.show(link)
    site.clock.move(seconds=seconds)

    asked = [site.press(link, {"_page": stamp(page)}, user_agent=user_agent) for _ in range(3)][-1]

    assert asked.status == 200
    assert "press the button again" in asked.body
    assert (unverified(site), confirmed(site)) == ([why], [])
    (kept,) = site.bodies("drumbeat:unverified")
    assert kept["payload"] == {"email": "ada@example.com"}
    assert f"/c/{site.token(Kind.CONFIRM, UUID(kept['mail']))}" == link
    site.clock.move(seconds=3)
    assert "you are signed up" in site.press(link, {"_page": stamp(asked)}, user_agent=user_agent).body
    assert len(confirmed(site)) == 1


@pytest.mark.parametrize("posted", [{}, {"_page": "junk"}, {"confirm": "true"}])
def test_a_post_that_did_not_come_from_the_page_confirms_nothing(site: Site, link: str, posted: dict[str, str]) -> None:
    answer = site.press(link, posted)

    assert "press the button again" in answer.body
    assert (unverified(site), confirmed(site)) == (["it did not come from the page"], [])


def test_a_stamp_of_another_link_is_none(site: Site, link: str) -> None:
    other = site.show(f"/c/{site.token(Kind.CONFIRM, uuid4())}")
    site.clock.move(seconds=3)

    site.press(link, {"_page": stamp(other)})

    assert confirmed(site) == []


def test_a_link_works_for_seven_days_and_says_so_afterwards(site: Site, link: str) -> None:
    site.clock.move(days=7, minutes=1)
    page = site.show(link)
    site.clock.move(seconds=3)

    answer = site.press(link, {"_page": stamp(page)})

    assert answer.status == 410
    assert "This link is too old" in answer.body
    assert confirmed(site) == []


def test_a_person_who_left_since_is_not_called_signed_up(site: Site) -> None:
    mail = site.asking()
    link = f"/c/{site.token(Kind.CONFIRM, mail)}"
    page = site.show(link)
    site.clock.move(seconds=3)
    site.press(link, {"_page": stamp(page)})
    site.doors.visit("POST", f"/u/{site.token(Kind.UNSUBSCRIBE, mail)}", ONE_CLICK, content_type=FORM)

    answer = site.press(link, {"_page": stamp(page)})

    assert answer.status == 410
    assert "You have unsubscribed since" in answer.body
    assert "sign up again" in answer.body
    assert site.states()["club"] == "withdrawn"


def test_a_link_to_a_sign_up_that_was_erased_says_so(site: Site) -> None:
    link = f"/c/{site.token(Kind.CONFIRM, uuid4())}"
    fast = site.press(link, {"_page": stamp(site.show(link))})
    site.clock.move(seconds=3)

    answer = site.press(link, {"_page": stamp(fast)})

    assert answer.status == 404
    assert "We do not know this sign-up" in answer.body
    assert site.doors.events() == []


def test_links_of_mails_to_an_erased_person_show_nothing_and_do_nothing_but_withdraw(site: Site, link: str) -> None:
    leave = f"/u/{site.token(Kind.UNSUBSCRIBE, site.mail())}"
    db, keys = site.doors.services.db, Keys(b"ada")
    erasure_sql.bar(db, keys, actor="person:test")
    erasure_sql.erase(db, keys, after=erasure_sql.START, last=None, most=10)
    shown = [site.show(path) for path in (link, leave)]
    site.clock.move(seconds=3)

    confirmed_now = site.press(link, {"_page": stamp(shown[0])})
    left = site.press(leave, {})

    assert [page.status for page in shown] == [200, 200]
    assert [page.body for page in shown if "ada@" in page.body] == []
    assert (confirmed_now.status, "We do not know this sign-up" in confirmed_now.body) == (404, True)
    assert (left.status, site.states()["news"]) == (200, "withdrawn")
    assert [event["door"] for event in site.doors.events() if event["door"] == "confirm"] == []


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Your confirmation is kept, and counts as soon as that is back"),
        ("de", "Ihre Bestätigung ist aufbewahrt und gilt, sobald das behoben ist"),
    ],
)
def test_with_postgres_away_a_press_waits_and_is_not_called_confirmed_and_a_doubtful_one_is_buffered(
    site: Site, link: str, language: str, said: str
) -> None:
    fast = site.show(link)
    make_unreachable(site.doors.services)

    asked = site.press(link, {"_page": stamp(fast)})
    site.clock.move(seconds=3)
    done = site.press(link, {"_page": stamp(asked)}, accept_language=language)

    assert [answer.status for answer in (asked, done)] == [200, 200]
    assert said in done.body
    assert words_of(language).confirmed.title not in done.body
    assert site.doors.services.wishes.count() == 1
    assert site.doors.buffer.count() == 1


# ---------------------------------------------------------------- unsubscribing


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, ONE_CLICK),
        ("multipart/form-data; boundary=x", MULTIPART),
        ("", b""),
        (FORM, b"what=list"),
        (FORM, b"what=ticked"),
        (FORM, b"what=ticked&list=made-up"),
        (FORM, b"what=only"),
        (FORM, b"what=only&list=made-up"),
        (FORM, b"what=only&list=news"),
        ("application/octet-stream", b"\xff\xfe\x00"),
        ("application/json", b"{nonsense"),
        ("application/json", b'{"n": ' + b"9" * 5000 + b"}"),
        ("multipart/form-data; boundary=x", MULTIPART[:40]),
    ],
    ids=[
        "one click",
        "multipart",
        "empty",
        "button",
        "none ticked",
        "unknown",
        "the only one without its name",
        "the only one that is no more",
        "the only one",
        "binary",
        "broken",
        "digits",
        "cut off",
    ],
)
def test_a_post_always_unsubscribes_whatever_its_body(site: Site, kind: str, body: bytes) -> None:
    link = f"/u/{site.token(Kind.UNSUBSCRIBE, site.mail())}"

    answer = site.doors.visit("POST", link, body, content_type=kind, user_agent=SCANNER)

    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert {"set-cookie", "location"} & set(answer.headers) == set()
    assert "<script" not in answer.body
    assert site.states() == {"news": "withdrawn", "club": "none"}


def test_a_post_whose_body_is_compressed_unsubscribes_as_well(site: Site) -> None:
    link = f"/u/{site.token(Kind.UNSUBSCRIBE, site.mail())}"

    answer = site.doors.visit("POST", link, b"\x1f\x8b", content_type=FORM, content_encoding="gzip")

    assert (answer.status, site.states()["news"]) == (200, "withdrawn")


@pytest.mark.parametrize(
    ("body", "states", "said"),
    [
        (b"what=everything", {"news": "withdrawn", "club": "withdrawn"}, "unsubscribed from everything"),
        (b"what=ticked&list=club", {"news": "none", "club": "withdrawn"}, "the lists that you chose"),
        (b"what=ticked&list=club&list=news", {"news": "withdrawn", "club": "withdrawn"}, "the lists that you chose"),
    ],
)
def test_a_person_chooses_what_to_leave(site: Site, body: bytes, states: dict[str, str], said: str) -> None:
    link = f"/u/{site.token(Kind.UNSUBSCRIBE, site.mail())}"
    page = site.show(link)

    answer = site.doors.visit("POST", link, body, content_type=FORM)

    assert ["Monday notes" in page.body, "Club" in page.body] == [True, True]
    assert said in answer.body
    assert site.states() == states


def test_the_button_of_the_only_list_leaves_the_list_that_it_names_and_that_of_the_mail(site: Site) -> None:
    """A list got another name: mails that were planned under the old one still wait."""
    link = f"/u/{site.token(Kind.UNSUBSCRIBE, site.mail())}"
    site.doors.other["lists"] = {"club": LISTS["club"]}
    site.doors.configure()
    page = site.show(link)

    answer = site.press(link, dict(re.findall(r'name="(\w+)" value="(\w+)"', page.body)))

    assert "Unsubscribe from “Club”" in page.body
    assert "no more mails of this list" in answer.body
    assert site.states() == {"news": "withdrawn", "club": "withdrawn"}
    (body,) = site.bodies("drumbeat:unsubscribe")
    assert body["consent"] == [{"list": None, "kind": "withdrawn"}, {"list": "club", "kind": "withdrawn"}]


def test_each_post_is_an_event_with_its_evidence(site: Site) -> None:
    mail = site.mail()
    link = f"/u/{site.token(Kind.UNSUBSCRIBE, mail)}"
    for _ in range(2):
        site.doors.visit("POST", link, ONE_CLICK, content_type=FORM, accept_language="de")

    site.press(link, {"what": "list"})
    site.doors.visit("POST", link, MULTIPART, content_type="multipart/form-data; boundary=x")

    bodies = site.bodies("drumbeat:unsubscribe")
    assert [body["mail"] for body in bodies] == [str(mail)] * 4
    assert bodies[0]["evidence"] == {"form": "one-click", "locale": "de", "ip": "127.0.0.0/24"}
    forms = [body["evidence"]["form"] for body in bodies]
    assert forms == ["one-click", "one-click", "unsubscribe page", "one-click"]


def test_the_page_is_shown_and_acts_while_postgres_and_redis_are_away(site: Site) -> None:
    link = f"/u/{site.token(Kind.UNSUBSCRIBE, site.mail())}"
    site.doors.configure()  # a process that knows nothing yet
    make_unreachable(site.doors.services)
    site.doors.redis.flushall()

    page = site.show(link)
    answer = site.doors.visit("POST", link, ONE_CLICK, content_type=FORM)

    assert (page.status, answer.status) == (200, 200)
    assert "Monday notes" not in page.body
    assert site.doors.services.wishes.count() == 1


def test_what_was_ticked_is_left_also_while_the_lists_cannot_be_read(site: Site) -> None:
    link = f"/u/{site.token(Kind.UNSUBSCRIBE, site.mail())}"
    site.doors.configure()
    make_unreachable(site.doors.services)
    site.doors.redis.flushall()

    site.doors.visit("POST", link, b"what=ticked&list=club&list=%2a&list=no+list", content_type=FORM)

    (message,) = site.doors.services.wishes.receive(wait=1, hidden=10)
    assert waiting_wishes.loads(message.body).lists == ("club",)


def test_where_nothing_keeps_it_the_page_says_that_nothing_changed(site: Site) -> None:
    link = f"/u/{site.token(Kind.UNSUBSCRIBE, site.mail())}"
    make_unreachable(site.doors.services)
    site.doors.services.wishes.url = "http://127.0.0.1:1/wishes"

    answer = site.doors.visit("POST", link, ONE_CLICK, content_type=FORM)

    assert (answer.status, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "nothing was changed" in answer.body
    assert int(answer.headers["retry-after"]) > 0


# ---------------------------------------------------------------- what is no link of ours


@pytest.mark.parametrize("kind", ["c", "u"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_link_that_is_not_ours_says_so_in_plain_words(site: Site, kind: str, method: str) -> None:
    good = site.token(Kind(kind), uuid4())
    other = site.token(Kind.UNSUBSCRIBE if kind == "c" else Kind.CONFIRM, uuid4())
    altered = good[:20] + ("A" if good[20] != "A" else "B") + good[21:]

    for token in (altered, good[:-1], f"{good}A", other, "x", "%2e%2e"):
        answer = site.doors.visit(method, f"/{kind}/{token}", content_type=FORM, accept=PAGE)
        assert answer.status == 404
        assert method == "HEAD" or "This link does not work" in answer.body


@pytest.mark.parametrize("kind", ["c", "u"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("rest", ["", '"', "”", "/", "a/b", "\n"])
def test_what_mail_programs_made_of_a_link_is_answered_by_a_page(site: Site, kind: str, method: str, rest: str) -> None:
    answer = site.doors.visit(method, f"/{kind}/{rest}", content_type=FORM, accept=PAGE)

    assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert method == "HEAD" or "This link does not work" in answer.body


@pytest.mark.parametrize("behind", ['"', "”", "%22%3E", ").", "/"])
def test_a_link_with_a_quote_behind_it_does_what_its_person_wants(site: Site, link: str, behind: str) -> None:
    leaves, confirms = f"/u/{site.token(Kind.UNSUBSCRIBE, site.mail())}{behind}", f"{link}{behind}"
    page = site.show(confirms)
    site.clock.move(seconds=3)

    answers = [site.show(leaves), site.press(leaves, {}), site.press(confirms, {"_page": stamp(page)})]

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert site.states()["news"] == "withdrawn"
    assert [event["door"] for event in site.doors.events()].count("confirm") == 1


def test_a_body_of_megabytes_confirms_nothing_and_unsubscribes(site: Site, link: str) -> None:
    leaves = f"/u/{site.token(Kind.UNSUBSCRIBE, site.mail())}"

    answers = [site.doors.visit("POST", path, b"x" * 4_000_000, content_type=FORM) for path in (link, leaves)]

    assert [answer.status for answer in answers] == [413, 200]
    assert "confirm" not in {event["door"] for event in site.doors.events()}
    assert site.states()["news"] == "withdrawn"


def test_what_a_link_names_is_in_no_log_line(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    asking, mail = site.asking(), site.mail()
    for path in (f"/c/{site.token(Kind.CONFIRM, asking)}", f"/u/{site.token(Kind.UNSUBSCRIBE, mail)}"):
        page = site.show(path)
        site.clock.move(seconds=3)
        site.press(path, {"_page": stamp(page)} if path.startswith("/c") else {})
        site.show(f"{path}x")
        said = " ".join(str(record.__dict__) for record in caplog.records)
        assert path[3:] not in said
        assert "ada@example.com" not in said

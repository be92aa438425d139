"""Every page for strangers is sound: wide and narrow, light and dark, in each language, under the headers it has."""

from collections.abc import Iterator, Mapping

import pytest

from drumbeat.core.configuration import LOCALES, Form, MailingList, Source
from drumbeat.public import fields as posted
from drumbeat.public import pages
from drumbeat.public.forms import FormPage
from drumbeat.public.locales import words_of
from drumbeat.public.pages import Page
from tests.browser.site import Answer, site
from tests.browser.tab import Tab

LISTS = (
    MailingList("news", "The Monday note", "One plant each Monday."),
    MailingList("offers", "Offers of a-firm-with-a-name-without-any-space-in-it", "Seldom."),
)
FIELDS = {"email": "required", "first_name": "optional", "company": "optional", "message": "optional"}


def pages_of(locale: str) -> Mapping[str, Page]:
    """Return every kind of page by its path."""
    words, form = words_of(locale), Form(FIELDS, honeypot="website")
    source = Source("join", "form", "", "LEAD_CAPTURE", (), 0.0, {}, {}, form=form, list="news", locale=locale)
    shown = FormPage(source, form, LISTS[0], "", 1, words)
    flaws = [posted.Flaw("email", posted.ADDRESS), posted.Flaw("surprise", posted.UNKNOWN)]
    return {
        f"/{locale}/form": pages.form(shown, "stamp"),
        f"/{locale}/flawed": pages.form(shown, "stamp", flaws=flaws, posted={"email": ["ada@"], "message": ["Hi"]}),
        f"/{locale}/confirm": pages.confirm(words, "stamp"),
        f"/{locale}/again": pages.confirm(words, "stamp", again=True),
        f"/{locale}/leave": pages.unsubscribe(words, LISTS[:1]),
        f"/{locale}/choose": pages.unsubscribe(words, LISTS),
        f"/{locale}/expired": pages.said(words.expired, words, 410),
    }


PAGES = {path: page for locale in LOCALES for path, page in pages_of(locale).items()}


@pytest.fixture(scope="module")
def public() -> Iterator[str]:
    def answer(path: str) -> Answer:
        page = PAGES[path]
        return Answer(page.html, page.status, {**page.headers, "content-type": pages.HTML})

    with site(answer) as address:
        yield address


@pytest.mark.parametrize("locale", LOCALES)
def test_every_page_is_sound(tab: Tab, public: str, locale: str) -> None:
    for path, page in pages_of(locale).items():
        tab.open(public + path, status=page.status)

        tab.check()


def test_what_a_page_asks_of_another_site_is_found_under_its_headers(tab: Tab) -> None:
    page = PAGES["/en/confirm"]
    html = page.html.replace("</head>", '<script src="https://elsewhere.example/x.js"></script></head>')

    with site(lambda _path: Answer(html, headers=page.headers)) as address:
        tab.open(address)
        found = list(tab.faults())

    assert any("Content Security Policy" in fault for fault in found), found

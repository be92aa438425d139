"""Every page in every language: complete, and nothing of a visitor's in it unescaped."""

import re
from dataclasses import fields, replace
from pathlib import Path
from urllib.parse import urljoin

import pytest

from drumbeat.core.configuration import LOCALES, Form, MailingList, Source
from drumbeat.public import fields as posted
from drumbeat.public import locales, pages
from drumbeat.public.forms import FormPage
from drumbeat.public.locales import Said, Words, words_of

CODES = set(posted._SAID)


def texts(words: Words) -> dict[str, str]:
    """Return every text by its name."""
    found: dict[str, str] = {}
    for field in fields(words):
        match value := getattr(words, field.name):
            case Said():
                found |= {f"{field.name}.title": value.title, f"{field.name}.text": value.text}
            case dict():
                found |= {f"{field.name}.{name}": text for name, text in value.items()}
            case str():
                found[field.name] = value
    return found


def test_each_language_of_the_configuration_has_its_file_and_no_other() -> None:
    files = {path.stem for path in Path(locales.__file__).parent.glob("*.py")} - {"__init__"}

    assert files == set(LOCALES)
    assert [words_of(locale).language for locale in LOCALES] == list(LOCALES)


@pytest.mark.parametrize("locale", LOCALES)
def test_each_language_says_everything_with_the_same_gaps(locale: str) -> None:
    ours, english = texts(words_of(locale)), texts(words_of("en"))

    assert ours.keys() == english.keys()
    assert [name for name, text in ours.items() if not text.strip()] == []
    gaps = re.compile(r"\{\w+\}")
    assert {name: set(gaps.findall(text)) for name, text in ours.items()} == {
        name: set(gaps.findall(text)) for name, text in english.items()
    }
    assert set(words_of(locale).flaws) == CODES


@pytest.mark.parametrize("locale", set(LOCALES) - {"en"})
def test_a_language_is_translated(locale: str) -> None:
    ours, english = texts(words_of(locale)), texts(words_of("en"))

    same = {name for name in ours if ours[name] == english[name]}
    assert same <= {"language", "labels.name", "labels.website"}


def page(hostile: str = "", locale: str = "en") -> FormPage:
    form = Form(
        {"email": "required", "message": "optional"},
        title=hostile or None,
        text=hostile or None,
        button=hostile or None,
    )
    source = Source("join", "form", "", "LEAD_CAPTURE", (), 0.0, {}, {}, form=form, list="news", locale=locale)
    return FormPage(source, form, MailingList("news", hostile or "News", hostile), "", 1, words_of(locale))


@pytest.mark.parametrize("locale", LOCALES)
def test_what_others_wrote_is_text_on_every_page(locale: str) -> None:
    hostile = "<script>alert('x')</script>\"'"
    values = {"email": [hostile], "message": [hostile]}
    flaws = [posted.Flaw("email", posted.ADDRESS), posted.Flaw(hostile, posted.UNKNOWN)]
    words = words_of(locale)

    made = [
        pages.form(page(hostile, locale), "stamp", flaws=flaws, posted=values),
        pages.unsubscribe(words, [MailingList("news", hostile, hostile)]),
        pages.unsubscribe(words, [MailingList("news", hostile, hostile), MailingList("club", hostile, hostile)]),
        pages.confirm(words, "stamp"),
        pages.said(words.sent, words),
    ]

    for each in made:
        assert "<script" not in each.html
        assert f'<html lang="{locale}">' in each.html
        assert each.html.count("<h1>") == 1
        assert "http" not in each.html.replace('content="width', "")


def test_every_input_has_a_label_and_a_flaw_is_read_with_its_field() -> None:
    made = pages.form(page(), "stamp", flaws=[posted.Flaw("email", posted.ADDRESS)], posted={"message": ["a\nb"]}).html

    ids = set(re.findall(r'<(?:input|textarea) id="([^"]+)"', made))
    assert ids == set(re.findall(r'<label for="([^"]+)"', made))
    assert 'aria-invalid="true" aria-describedby="flaw-1"' in made
    assert 'id="flaw-1"' in made
    assert ">\na\nb</textarea>" in made
    assert 'role="alert"' in made


def test_a_form_is_posted_beside_its_page_whatever_path_is_before_both() -> None:
    shown = pages.form(page(), "stamp").html
    again = pages.form(page(), "stamp", flaws=[posted.Flaw("email", posted.ADDRESS)]).html

    (action,) = re.findall(r'<form method="post" action="([^"]+)">', shown)
    assert urljoin("https://example.com/hooks/f/join", action) == "https://example.com/hooks/v1/forms/join"
    assert '<form method="post">' in again  # it is the answer of the address that it was posted to


def test_a_form_that_is_not_taken_speaks_of_marks_only_where_there_are_some() -> None:
    fast = pages.form(page(), "stamp", flaws=[posted.Flaw("_page", posted.TOO_FAST)]).html
    both = [posted.Flaw("email", posted.ADDRESS), posted.Flaw("plan", posted.UNKNOWN)]
    marked = pages.form(page(), "stamp", flaws=both).html

    assert "Nothing was sent yet." in fast
    assert "faster than a person fills a form" in fast
    assert "marked" not in fast
    assert "look at what is marked" in marked
    assert "has no such field" in marked


@pytest.mark.parametrize(
    ("locale", "list", "button"),
    [("en", True, "Subscribe"), ("de", True, "Anmelden"), ("en", False, "Send"), ("de", False, "Absenden")],
)
def test_the_button_of_a_form_says_what_it_does(locale: str, list: bool, button: str) -> None:
    made = page(locale=locale)
    shown = pages.form(made if list else replace(made, list=None), "stamp").html

    assert f"<button>{button}</button>" in shown
    assert "<button>Join us</button>" in pages.form(page("Join us", locale), "stamp").html


def test_the_page_of_one_list_has_one_button_that_names_it() -> None:
    news, club = MailingList("news", "Monday notes", ""), MailingList("club", "Club", "")

    one, two, unknown = (pages.unsubscribe(words_of("en"), lists).html for lists in ([news], [news, club], []))

    assert [made.count("<button") for made in (one, two, unknown)] == [1, 3, 2]
    assert "Unsubscribe from “Monday notes”</button>" in one


def test_a_form_says_what_it_signs_up_for_unless_the_configuration_does() -> None:
    assert page().text == "I want to get “News” by e-mail: our news. I can unsubscribe at any time."
    assert page("Yes, please.").text == "Yes, please."


def test_a_redirect_elsewhere_is_allowed_by_the_policy_of_its_form_alone() -> None:
    form = Form({"email": "required"}, redirect="https://shop.example/thanks?a=1")
    source = Source("join", "form", "", "LEAD_CAPTURE", (), 0.0, {}, {}, form=form)

    policy = pages.form(FormPage(source, form, None, "", 1, words_of("en")), "stamp").headers["Content-Security-Policy"]

    assert "form-action 'self' https://shop.example; base-uri 'none'" in policy

"""What was sent is shown in short, and what acts for a person is not shown, until the whole is asked for."""

from uuid import UUID

import pytest

from drumbeat.cli import sent_text
from drumbeat.people.tokens import Kind, Tokens

TOKENS = Tokens("test", [b"a key"])
UNSUBSCRIBE, CONFIRM = (TOKENS.issue(kind, UUID(int=7)) for kind in (Kind.UNSUBSCRIBE, Kind.CONFIRM))


def mail(text: str | None, html: str | None = None) -> dict[str, object]:
    return {"subject": "Hello", "text": text, "html": html, "body": None}


def lines(request: dict[str, object], *, full: bool = False) -> list[str]:
    return list(sent_text.lines(request, full=full))


def test_of_a_mail_two_lines_are_shown_and_how_many_more_there_are() -> None:
    assert lines(mail("one\n\n\ntwo\nthree\n\nfour\n")) == ["one", "two", "… 2 more lines: --full shows them"]
    assert lines(mail("one\ntwo\nthree"))[-1] == "… 1 more line: --full shows them"
    assert lines(mail("one\ntwo")) == ["one", "two"]
    assert lines(mail("x" * 1000)) == ["x" * 200 + "…"]
    assert lines(mail("one\n\ntwo\nthree"), full=True) == ["one", "", "two", "three"]


def test_a_mail_of_html_alone_is_named_as_such() -> None:
    html = f"<p>one</p>\n<a href='https://x.co/u/{UNSUBSCRIBE}'>"

    assert lines(mail(None, html)) == [f"HTML alone, {len(html)} characters: --full shows them"]
    assert lines(mail(None, html), full=True) == html.splitlines()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Leave: https://hooks.x.co/u/{UNSUBSCRIBE}", "Leave: …/u/…"),
        (f"(http://127.0.0.1:8787/below/c/{CONFIRM}).", "(…/c/…)."),
        (f"https://x.co/u/{UNSUBSCRIBE}?list=news and x.co/c/{CONFIRM}", "…/u/…?list=news and x.co…/c/…"),
        (f"https://t.co/?to=https%3A%2F%2Fx.co%2Fu%2F{UNSUBSCRIBE}", "…/u/…"),
        ("https://x.co/u/ada and https://x.co/c/cake", "https://x.co/u/ada and https://x.co/c/cake"),
    ],
)
def test_a_link_that_acts_for_the_person_is_not_shown(text: str, shown: str) -> None:
    body: dict[str, object] = {"subject": None, "text": None, "html": None, "body": {"note": text}}

    assert lines(mail(text)) == [shown]
    assert lines(body) == [f'{{"note": "{shown}"}}']
    assert lines(mail(text), full=True) == [text]


def test_that_a_text_is_cut_is_said_first() -> None:
    request = mail("one\ntwo") | {"cut": "all of it: GET /v1/effects/<its id>/request"}

    assert lines(request) == ["cut: all of it: GET /v1/effects/<its id>/request", "one", "two"]
    assert lines(request, full=True) == lines(request)

"""What is looked at in a mail before people get it."""

import pytest

from drumbeat.planning.mail_checks import mail_checks

RIGHT = '<meta name="color-scheme" content="light dark"><a href="https://a.example">a</a>'
LEAVE = {"List-Unsubscribe": "<https://h.example/u/t>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def looked(html: str | None, text: str | None = "text", headers: dict[str, str] | None = None) -> dict[str, bool]:
    return {each.name: each.ok for each in mail_checks(html, text, headers)}


def says(name: str, html: str | None, text: str | None = "text", headers: dict[str, str] | None = None) -> str:
    (found,) = [each.says for each in mail_checks(html, text, headers) if each.name == name and not each.ok]
    return found


def test_a_mail_as_it_should_be_passes_each_check() -> None:
    names = ["text part", "links", "headers", "images", "size", "dark mode"]

    assert looked(RIGHT, headers=LEAVE) == dict.fromkeys(names, True)
    assert looked(None, "Look: https://a.example", {"List-Id": "x", **LEAVE}) == dict.fromkeys(names[:3], True)


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("", "an empty one leads nowhere"),
        ("#", "# leads nowhere"),
        ("#top", "#top leads nowhere"),
        ("/path", "/path is no whole https address"),
        ("a.example", "a.example is no whole https address"),
        ("javascript:x()", "javascript:x() is no whole https address"),
        ("https:///x", "https:///x is no whole https address"),
        ("http://a.example", "http://a.example is not by https"),
        ("https://[a", "https://[a is no address"),
    ],
)
def test_a_link_that_leads_nowhere_is_named(link: str, why: str) -> None:
    assert says("links", f'<a href="{link}">x</a>') == why


@pytest.mark.parametrize(
    "link", ["https://a.example/?x=1", "mailto:a@b.example", "tel:+49", "http://127.0.0.1:8787/u/t"]
)
def test_a_link_that_leads_somewhere_is_all_right(link: str) -> None:
    assert looked(f'<a href="{link}">x</a><a name="here">y</a>')["links"]


def test_of_many_wrong_links_three_are_named() -> None:
    assert says("links", '<a href="#">x</a>' * 5).endswith("# leads nowhere, and 2 more")


def test_a_mail_without_text_is_noticed() -> None:
    assert "there is none" in says("text part", RIGHT, None)
    assert "there is none" in says("text part", RIGHT, " ")


def test_a_mail_of_a_list_has_to_be_left_by_one_click() -> None:
    assert "holds no address" in says("headers", RIGHT, headers={"List-Id": "x"})
    assert "holds no address" in says("headers", RIGHT, headers={**LEAVE, "List-Unsubscribe": "<mailto:a@b.example>"})
    assert "is missing" in says("headers", RIGHT, headers={"list-unsubscribe": "<https://h.example/u/t>"})
    assert looked(RIGHT, headers={"X-Other": "1"})["headers"]


def test_what_gmail_would_cut_is_noticed() -> None:
    assert "Gmail shows 102" in says("size", RIGHT + "x" * 110_000)


def test_images_that_are_not_by_https_are_named() -> None:
    assert says("images", '<img src="http://a.example/x.png">') == "http://a.example/x.png: not loaded by https"


@pytest.mark.parametrize(
    ("html", "ok"),
    [
        ("<style>@media (prefers-color-scheme: dark) { }</style>", True),
        ("<meta name=color-scheme content='light dark'>", True),
        ("<p>dark</p>", False),
    ],
)
def test_a_mail_says_what_it_does_in_the_dark(html: str, ok: bool) -> None:
    assert looked(html)["dark mode"] is ok

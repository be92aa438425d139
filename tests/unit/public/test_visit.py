"""What the head of a request says, and what of it is kept."""

import pytest

from drumbeat.core.errors import Invalid
from drumbeat.public.visit import Visit


def visit(ip: str = "203.0.113.77", path: str = "/f/join", **headers: str) -> Visit:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    context = {"http": {"method": "GET", "sourceIp": ip}}
    return Visit.of({"headers": named, "requestContext": context, "rawPath": path})


@pytest.mark.parametrize(
    ("asked", "locale"),
    [
        ("", None),
        ("fr, es;q=0.9", None),
        ("de", "de"),
        ("DE-at", "de"),
        ("fr, en-GB;q=0.8, de;q=0.9", "de"),
        ("de;q=0, en", "en"),
        ("de;q=x, *", None),
        (";;;,,", None),
        ("de-CH-1996", "de"),
    ],
)
def test_the_language_is_what_the_browser_asks_for_first(asked: str, locale: str | None) -> None:
    assert visit(accept_language=asked).locale == locale


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("unknown", ""),
    ],
)
def test_of_an_address_its_network_is_kept(ip: str, network: str) -> None:
    assert visit(ip).network == network


@pytest.mark.parametrize(
    ("headers", "page"),
    [
        ({"referer": "https://a.example/x?mail=ada@example.com#y"}, "https://a.example/x"),
        ({"referer": "https://ada:secret@a.example/x"}, "https://a.example/x"),
        ({"referer": "javascript:alert(1)", "origin": "https://a.example"}, "https://a.example"),
        ({"referer": "https://[bad", "origin": "null"}, ""),
        ({}, ""),
    ],
)
def test_of_a_page_its_address_is_kept_without_what_may_be_personal(headers: dict[str, str], page: str) -> None:
    assert visit(**headers).page == page


@pytest.mark.parametrize("behind", ["", '"', "”", "%22", "%E2%80%9D%3E", ").", "/", "\n", "\u200b"])
def test_what_a_mail_program_put_behind_a_token_is_no_part_of_it(behind: str) -> None:
    assert visit(path=f"/u/dd_l-{behind}").token == "dd_l-"


@pytest.mark.parametrize(("path", "token"), [("/u/", ""), ("/u/a.b", "a.b"), ('/u/"', '"'), ("/u/a%2Fb", "a/b")])
def test_what_is_no_token_stays_as_it_is(path: str, token: str) -> None:
    assert visit(path=path).token == token


@pytest.mark.parametrize("length", [2, 4])
def test_a_body_that_was_not_utf_8_is_known_by_its_length(length: int) -> None:
    body = visit(content_length=str(length))
    posted = Visit.of({**body.event, "body": "a\ufffd"})

    if length == 4:
        assert posted.body() == "a\ufffd".encode()
    else:
        with pytest.raises(Invalid, match="not UTF-8"):
            posted.body()

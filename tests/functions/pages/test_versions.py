"""Versions on pages: what each changed, what it says, and its mails, filled and not sent."""

import json

import pytest

from drumbeat.configuration.document import compile_document
from drumbeat.ledger import configs
from tests.functions.pages.visitor import Visitor

DOCUMENT = """
version: 1
defaults: {{public_url: "https://hooks.example.com", postal_address: "Fernwood GmbH, Am Wald 1, 10115 Berlin"}}
accounts:
  mail: {{provider: resend, settings: {{from: "Ada <ada@example.com>"}}, secrets: {{api_key: "env:MAIL_KEY"}}}}
flows:
  welcome:
    on: LEAD_CAPTURE
    steps:
      - id: hello
        account: mail
        action: send_email
        with: {{to: "{{{{ payload.email }}}}", subject: "{subject}", html: "<h1>For {{{{ payload.name }}}}</h1>"}}
"""


def apply(visitor: Visitor, subject: str, instead: tuple[str, str] = ("", "")) -> int:
    """Put a version in force, in whose stored form a text stands for another."""
    document = DOCUMENT.format(subject=subject)
    compiled = compile_document(document, {})
    version = configs.insert(
        visitor.services.db,
        hash=subject.encode(),
        document=document,
        templates={},
        compiled=json.loads(json.dumps(compiled).replace(*instead) if instead[0] else json.dumps(compiled)),
        identities={},
        actor="person:bob",
    )
    assert version is not None
    return version


def test_versions_are_listed_newest_first_with_who_applied_them(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drumbeat.console.versions.SHOWN", 2)
    first, second = apply(visitor, "Hello"), apply(visitor, "Good day")
    visitor.sign_in("read")

    page, older = visitor.get("/versions").html, visitor.get(f"/versions?cursor={first}").html
    table = visitor.get("/versions?format=csv")

    assert page.index(f'href="/versions/{second}"') < page.index(f'href="/versions/{first}"')
    assert "person:bob" in page and page.count("in force</i>") == 1
    assert f"cursor={first}" in page and f'href="/versions/{second}"' not in older
    assert table.headers["Content-Type"].startswith("text/csv") and "person:bob" in table.html
    assert [visitor.get(path).status for path in ("/versions?cursor=x", "/versions/99", "/versions/x")] == [
        400,
        404,
        400,
    ]


def test_a_version_says_what_it_changed_and_shows_what_was_written(visitor: Visitor) -> None:
    apply(visitor, "Hello")
    version = apply(visitor, "Good day")
    visitor.sign_in("read")

    html = visitor.get(f"/versions/{version}").html

    assert "flow welcome, step hello" in html and "with.subject" in html and "Good day" in html
    assert "public_url: " in html and "in force</i>" in html


def test_the_same_written_otherwise_changed_nothing(visitor: Visitor) -> None:
    stored = configs.stored(visitor.services.db, apply(visitor, "Hello"))
    assert stored is not None
    again = configs.insert(
        visitor.services.db,
        hash=b"other",
        document=f"# a comment\n{stored.document}",
        templates={},
        compiled=stored.compiled,
        identities={},
        actor="test",
    )
    visitor.sign_in("read")

    assert "Comments and layout only" in visitor.get(f"/versions/{again}").html


def test_a_mail_is_looked_at_in_a_frame_in_which_nothing_can_act(visitor: Visitor) -> None:
    version = apply(visitor, "Hello {{ payload.name }}")
    visitor.sign_in("read")

    page = visitor.get(f"/versions/{version}/preview?flow=welcome&step=hello").html
    mail = visitor.get(f"/versions/{version}/preview/mail?flow=welcome&step=hello")

    assert "<h1>Hello Ada</h1>" in page and '<iframe class="paper" sandbox' in page
    assert f'src="/versions/{version}/preview/mail?flow=welcome&amp;step=hello"' in page
    assert "<h1>For Ada</h1>" in mail.html
    assert mail.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert (mail.headers["X-Frame-Options"], "<h1>For" in page) == ("SAMEORIGIN", False)


def test_a_mail_that_no_version_has_is_not_there(visitor: Visitor) -> None:
    version = apply(visitor, "Hello")
    visitor.sign_in("read")

    asked = (
        "flow=welcome&step=x",
        "flow=x&step=hello",
        "step=hello",
        "flow=welcome&step=hello&lead=no.one@example.com",
    )
    assert [visitor.get(f"/versions/{version}/preview?{each}").status for each in asked] == [404] * 4


def test_a_mail_that_cannot_be_filled_says_why(visitor: Visitor) -> None:
    version = apply(visitor, "Hello", ("<h1>", "<img src='http://example.com/a.png'><h1>"))
    visitor.sign_in("read")

    page = visitor.get(f"/versions/{version}/preview?flow=welcome&step=hello")
    mail = visitor.get(f"/versions/{version}/preview/mail?flow=welcome&step=hello")

    assert (page.status, mail.status) == (200, 404)
    assert "an image whose address is none of https" in page.html and "<iframe" not in page.html


def test_a_version_that_is_not_understood_any_more_shows_what_was_written(visitor: Visitor) -> None:
    stored = configs.stored(visitor.services.db, apply(visitor, "Hello"))
    assert stored is not None
    later = configs.insert(
        visitor.services.db,
        hash=b"later",
        document="version: 1",
        templates={},
        compiled={**stored.compiled, "must_understand": ["something"]},
        identities={},
        actor="test",
    )
    visitor.sign_in("read")

    page = visitor.get(f"/versions/{later}")

    assert (page.status, "Look at the mail" in page.html) == (200, False)

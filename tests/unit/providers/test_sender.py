"""The `from` of accounts that send mail, and the addresses of other headers: read when applied, written when built."""

import json
from urllib.parse import parse_qs
from uuid import UUID

import pytest

from drumbeat.core.actions import SendEmail
from drumbeat.providers import base_url, sender
from drumbeat.providers.base import Provider
from drumbeat.providers.mailgun import PROVIDER as MAILGUN
from drumbeat.providers.postmark import PROVIDER as POSTMARK
from drumbeat.providers.resend import PROVIDER as RESEND
from tests.unit.providers.adapters import target

MAIL = SendEmail(to="eve@example.com", subject="Hi", text="Hi", html=None, headers={}, list=None)
KEY = str(UUID(int=1))


def sent_from(text: str) -> tuple[str, str, str]:
    """Return the `from` of the request that each provider's adapter builds."""
    form = MAILGUN.build(target(MAILGUN, domain="mg.example.com", **{"from": text}), MAIL, key=KEY).body
    mail = RESEND.build(target(RESEND, **{"from": text}), MAIL, key=KEY).body
    other = POSTMARK.build(target(POSTMARK, **{"from": text}), MAIL, key=KEY).body
    return parse_qs(form.decode())["from"][0], json.loads(mail)["from"], json.loads(other)["From"]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Ada <ada@example.com>", "Ada <ada@example.com>"),
        ("  Müller & Söhne <ada@EXAMPLE.com> ", "Müller & Söhne <ada@example.com>"),
        ("Fernwood Inc. <ada@example.com>", '"Fernwood Inc." <ada@example.com>'),
        ('"Fernwood, Inc." <ada@example.com>', '"Fernwood, Inc." <ada@example.com>'),
        ('"Ada" <ada@example.com>', "Ada <ada@example.com>"),
        ("Ada <ada@faß.example>", "Ada <ada@xn--fa-hia.example>"),
    ],
)
def test_from_is_written_as_a_header_wants_it(written: str, sent: str) -> None:
    assert sender.problems({"from": written}) == []
    assert sent_from(written) == (sent, sent, sent)


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("Fernwood, Inc. <ada@example.com>", """'"Fernwood, Inc." <ada@example.com>'"""),
        ("Support: EU <ada@example.com>", """'"Support: EU" <ada@example.com>'"""),
        ("Ada (home) <ada@example.com>", """'"Ada (home)" <ada@example.com>'"""),
        ("Ada <ada@example.com", "Ada <ada@example.com>"),
        ("ada@", "Ada <ada@example.com>"),
        ("@", "Ada <ada@example.com>"),
        ("", "Ada <ada@example.com>"),
        ("Ada ada@example.com", "Ada <ada@example.com>"),
        ("Ada <ada@example.com>, Bob <bob@example.com>", "Ada <ada@example.com>"),
        ("ada@example.com, bob@example.com", "Ada <ada@example.com>"),
        ("Ada\u200b <ada@example.com>", "Ada <ada@example.com>"),
        ("Ada <ada@example.com.>", "Ada <ada@example.com>"),
    ],
)
@pytest.mark.parametrize("provider", [MAILGUN, POSTMARK, RESEND], ids=["mailgun", "postmark", "resend"])
def test_what_is_not_one_address_is_refused_with_what_to_write(provider: Provider, text: str, instead: str) -> None:
    (problem,) = provider.problems({"domain": "mg.example.com", "from": text})

    assert problem.startswith("from must be one address: ")
    assert problem.endswith((f"write {instead}", f"write it like {instead}"))


def test_what_an_earlier_release_took_is_sent_as_it_stands() -> None:
    assert sent_from("Fernwood, Inc. <ada@example.com>") == ("Fernwood, Inc. <ada@example.com>",) * 3


def test_a_host_name_is_written_in_ascii_so_that_it_is_the_one_that_was_meant() -> None:
    (problem,) = base_url.problems({"base_url": "https://faß.example/hooks"})

    assert problem == "base_url must have its host name in ASCII; write xn--fa-hia.example"
    assert base_url.problems({"base_url": "https://xn--fa-hia.example/hooks"}) == []
    assert len(base_url.problems({"base_url": "https://☃☃.example"})) == 1

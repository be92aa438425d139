"""What is said of a mail that arrived."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from drumbeat.cli.mail.arrived import Expected, Mail, check_mail, look_yourself

LINK = "https://acme.io/u/dS_ZQ-fY"
GOOD = Mail(
    sender='"Ada, of Acme" <ada@ACME.io>',
    to="bob@example.org",
    subject="News",
    text=f"News.\nLeave: {LINK}.\nAcme & Sons,\n1 Main Street",
    html=f"<style>Acme</style><p>News</p><a class=x HREF='{LINK}'>leave</a><p>Acme &amp; Sons,<br>1 Main Street</p>",
    headers={
        "message-id": "<1-1@mg.acme.io>",
        "list-unsubscribe": f"<{LINK}>",
        "list-unsubscribe-post": "List-Unsubscribe=One-Click",
        "list-id": '"Our news" <newsletter.acme.io>',
        "feedback-id": "mail:check.mail:newsletter:drumbeat",
    },
)
OF_LIST = Expected(
    "Ada <ada@acme.io>", "Bob <bob@example.org>", "newsletter", "Acme & Sons, 1 Main Street", True, lambda _: None
)
OF_NONE = replace(OF_LIST, mailing_list=None)


def wrong(mail: Mail, expected: Expected = OF_LIST) -> list[str]:
    return [each["name"] for each in check_mail(mail, expected) if not each["ok"]]


def headed(**headers: str | None) -> Mail:
    changed: Mapping[str, str | None] = {
        **GOOD.headers,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return replace(GOOD, headers={name: value for name, value in changed.items() if value is not None})


def test_a_mail_in_order_has_nothing_wrong() -> None:
    found = list(check_mail(GOOD, OF_LIST))

    assert [each["name"] for each in found if not each["ok"] or each["fix"]] == []
    assert len(found) == 15


@pytest.mark.parametrize(
    ("mail", "named"),
    [
        (replace(GOOD, sender="eve@acme.io"), ["From"]),
        (replace(GOOD, to="bob@example.org, eve@example.org"), ["To"]),
        (replace(GOOD, subject=" "), ["Subject"]),
        (headed(message_id=None), ["Message-Id"]),
        (headed(message_id="1@acme.io"), ["Message-Id"]),
        (headed(list_unsubscribe_post="List-Unsubscribe=One-Click "), ["List-Unsubscribe-Post"]),
        (headed(list_unsubscribe_post=None), ["List-Unsubscribe-Post"]),
        (headed(list_id="newsletter.acme.io"), ["List-Id"]),
        (headed(list_id=None), ["List-Id"]),
        (headed(feedback_id="a:b:c:d:drumbeat"), ["Feedback-ID"]),
        (headed(feedback_id=None), ["Feedback-ID"]),
        (headed(list_unsubscribe=None), ["List-Unsubscribe"]),
        (headed(list_unsubscribe=LINK), ["List-Unsubscribe"]),
        (headed(list_unsubscribe="<mailto:leave@acme.io>"), ["List-Unsubscribe"]),
        (headed(list_unsubscribe="<http://acme.io/u/x>"), ["List-Unsubscribe"]),
        (headed(list_unsubscribe=f"<{LINK}>, <{LINK}x>"), ["List-Unsubscribe"]),
        (replace(GOOD, text="Acme & Sons, 1 Main Street"), ["link to unsubscribe in the text"]),
        (replace(GOOD, text=GOOD.text.replace(LINK, f"{LINK}x")), ["link to unsubscribe in the text"]),
        (replace(GOOD, text=LINK), ["postal address in the text"]),
        (replace(GOOD, html=GOOD.html.replace("HREF", "data-x")), ["link to unsubscribe in the HTML"]),
        (replace(GOOD, html=GOOD.html.replace("1 Main", "2 Main")), ["postal address in the HTML"]),
        (replace(GOOD, html=GOOD.html.replace("</p><a", f"{'é' * 51_200}</p><a")), ["size of the HTML"]),
        (replace(GOOD, text=" \n"), ["text part"]),
        (replace(GOOD, html=""), []),
        (headed(list_unsubscribe=f"<mailto:leave@acme.io>, <{LINK}>"), []),
    ],
)
def test_each_thing_that_is_wrong_is_named_alone(mail: Mail, named: list[str]) -> None:
    assert wrong(mail) == named


def test_on_this_machine_a_link_may_be_http() -> None:
    here = "http://127.0.0.1:8787/u/x"
    mail = replace(headed(list_unsubscribe=f"<{here}>"), text=GOOD.text.replace(LINK, here), html="")

    assert wrong(mail) == []


def test_a_link_that_does_not_open_is_a_fault_and_says_why() -> None:
    shut = replace(OF_LIST, opens=lambda link: f"{link} answers 404")

    assert wrong(GOOD, shut) == ["link to unsubscribe"]
    assert next(each for each in check_mail(GOOD, shut) if not each["ok"])["detail"] == f"{LINK} answers 404"


def test_without_a_postal_address_none_is_given() -> None:
    assert wrong(GOOD, replace(OF_LIST, postal_address=None)) == [
        "postal address in the text",
        "postal address in the HTML",
    ]


def test_a_mail_of_no_list_needs_no_way_to_leave_and_may_not_show_one() -> None:
    plain = replace(GOOD, text="Hello", html="", headers={})

    assert wrong(plain, replace(OF_NONE, message_id=False)) == []
    assert wrong(GOOD, OF_NONE) == ["List-Unsubscribe"]


def test_a_mail_of_the_sandbox_is_read_whatever_it_lacks() -> None:
    item: dict[str, Any] = {
        "from": "a@b.io",
        "to": ["c@d.io"],
        "subject": "",
        "text": None,
        "html": None,
        "headers": {},
    }

    assert Mail.of_sandbox(item) == Mail("a@b.io", "c@d.io", "", "", "", {})
    assert Mail.of_sandbox(item | {"headers": {"List-Id": "<x.y>"}}).headers == {"list-id": "<x.y>"}


def test_in_a_real_mailbox_a_person_is_told_what_to_look_at() -> None:
    said = look_yourself("bob@example.org", "newsletter")

    assert all(each["ok"] and each["fix"] for each in said)
    assert any("List-Unsubscribe-Post" in each["detail"] for each in said)
    assert not any("List-Unsubscribe" in each["detail"] for each in look_yourself("bob@example.org", None))

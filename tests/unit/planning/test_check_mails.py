"""The mail that a person asks for to look at it: planned by its own event only, and known by its name."""

import json
from dataclasses import replace
from uuid import UUID

import pytest

from drumbeat.core.actions import SendEmail
from drumbeat.core.check_mails import SOURCE, flow_name, parts
from drumbeat.core.configuration import Config, Source
from drumbeat.core.events import Event
from drumbeat.planning.context import Links
from drumbeat.planning.plan import plan, plan_flow
from drumbeat.planning.render import render
from tests.unit.configuration.samples import config, event

WELCOME = """
  welcome:
    on: LEAD_CAPTURE
    steps: [{id: hello, account: mail, action: send_email, with: {to: "{{ payload.email }}", subject: Hi, text: Hi}}]
"""
LISTS = """
defaults: {public_url: "https://acme.io", postal_address: "Acme & Sons, 1 Main Street"}
lists: {newsletter: {title: News}}
"""
LINKS = Links("https://acme.io/u/token", "https://acme.io/c/token")


@pytest.fixture
def configured() -> Config:
    words = {"digest.html": "---\nsubject: For {{ payload.name }}\n---\n<p>{{ payload.name }}</p>", "bare.txt": "words"}
    return config(WELCOME, more=LISTS, templates=words)


def asking(flow: str, **changes: str) -> Event:
    body = {"payload": {"email": "Ada@EXAMPLE.com", "name": "Ada"}, "check": flow}
    asked = event({}, source=SOURCE, type="CONSENT", body=json.dumps(body).encode())
    return replace(asked, **changes)  # type: ignore[arg-type]


def mail(asked: Event, configured: Config) -> SendEmail:
    (effect,) = plan(asked, configured).effects
    made = render(asked, configured, effect.flow, effect.step, effect_id=effect.id, links=LINKS)
    assert isinstance(made, SendEmail)
    return made


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (("mail", None, None), "check:mail"),
        (("mail", "newsletter", None), "check:mail:newsletter"),
        (("mail", None, "digest"), "check:mail::digest"),
        (("mail", "newsletter", "digest"), "check:mail:newsletter:digest"),
    ],
)
def test_a_name_says_account_list_and_template(given: tuple[str, str | None, str | None], name: str) -> None:
    assert flow_name(*given) == name
    assert parts(name) == tuple(each or "" for each in given)


def test_the_event_gives_one_mail_by_its_account_and_no_flow_of_the_configuration_acts(configured: Config) -> None:
    planned = plan(asking("check:mail"), configured)

    assert [(one.flow, one.step, one.account, one.target, one.list) for one in planned.effects] == [
        ("check:mail", "mail", "mail", "Ada@example.com", None)
    ]
    assert planned.people.lead is None
    assert plan_flow(asking("check:mail"), configured, "check:mail").effects == planned.effects


def test_a_mail_of_a_list_needs_consent_and_has_all_that_such_a_mail_has(configured: Config) -> None:
    asked = asking("check:mail:newsletter")

    made = mail(asked, configured)

    assert plan(asked, configured).effects[0].list == "newsletter"
    assert made.text is not None and "https://acme.io/u/token" in made.text and "Acme & Sons" in made.text
    assert made.html is not None and 'href="https://acme.io/u/token"' in made.html and "Acme &amp; Sons" in made.html
    assert made.headers["Feedback-ID"].count(":") == 3
    assert made.list == "newsletter"


def test_a_mail_of_no_list_has_no_link_to_leave_one(configured: Config) -> None:
    made = mail(asking("check:mail"), configured)

    assert made.headers == {}
    assert made.text is not None and "unsubscribe" not in made.text


def test_a_template_is_filled_with_the_payload_and_may_lack_a_subject(configured: Config) -> None:
    digest, bare = mail(asking("check:mail::digest"), configured), mail(asking("check:mail::bare"), configured)

    assert (digest.subject, digest.html, digest.text) == ("For Ada", "<p>Ada</p>", "Ada\n")
    assert (bare.text, bare.html) == ("words", None)
    assert "the account mail" in bare.subject


@pytest.mark.parametrize("flow", ["check:nothing", "check:crm", "check:mail:nothing", "check:mail::nothing", "check:"])
def test_what_is_not_in_the_version_or_sends_no_mail_is_said(configured: Config, flow: str) -> None:
    planned = plan(asking(flow), configured)

    assert planned.effects == ()
    assert list(planned.failed) == [flow]


@pytest.mark.parametrize(
    "changes", [{"door": "webhook"}, {"door": "replay"}, {"type": "LEAD_CAPTURE"}, {"source": "x"}]
)
def test_no_other_event_asks_for_such_a_mail(configured: Config, changes: dict[str, str]) -> None:
    """Nor the delivery of a webhook that has the name of our source, and a payload as ours."""
    fields = {"email": "payload.email", "name": "payload.name"}
    webhook = Source(SOURCE, "webhook", "github", "CONSENT", (), 300.0, fields, {})

    planned = plan(asking("check:mail", **changes), replace(configured, sources={SOURCE: webhook}))

    assert planned.people.address == "Ada@example.com"  # it was read
    assert [flow for flow in (*planned.failed, *(one.flow for one in planned.effects)) if "check" in flow] == []


def test_earlier_rules_plan_none_as_the_release_before_did_not(configured: Config) -> None:
    planned = plan(asking("check:mail"), configured.by(3))

    assert (planned.effects, planned.failed) == ((), {})


def test_its_effect_is_named_by_its_flow(configured: Config) -> None:
    first, second = (plan(asking(name), configured).effects[0].id for name in ("check:mail", "check:mail::bare"))

    assert isinstance(first, UUID)
    assert first != second

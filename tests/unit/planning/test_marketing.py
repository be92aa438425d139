"""A mail to a list: its headers, its links, and the mail that asks to confirm one."""

import json
from dataclasses import replace
from uuid import UUID

import pytest

from drumbeat.core.actions import SendEmail
from drumbeat.core.configuration import Config
from drumbeat.core.events import Event
from drumbeat.planning.context import Links
from drumbeat.planning.plan import NEVER_ENDS, plan, plan_flow, without_planning
from drumbeat.planning.render import Unrenderable, render
from tests.unit.configuration.samples import config, event

LINKS = Links("https://hooks.example.com/u/TOKEN", "https://hooks.example.com/c/TOKEN")
EFFECT = UUID(int=7)
LISTS = """
defaults: {public_url: "https://hooks.example.com/", postal_address: "Fernwood GmbH, Am Wald 1, 10115 Berlin"}
lists:
  news: {title: Monday notes, description: Each Monday., confirm: {account: mail, template: confirm}}
  offers: {title: Grüße}
"""
TEMPLATES = {
    "confirm.txt": "---\nsubject: 'Confirm {{ list.title }}'\n---\nPress {{ confirm_url }}",
    "note.txt": "---\nsubject: Note\n---\n{{ list.description }} {{ unsubscribe_url }} {{ postal_address }}",
}
FLOW = """
  f: {on: LEAD_CAPTURE, steps: [{id: s, account: mail, action: send_email,
    with: {to: "{{ payload.email }}", template: note, list: %s}}]}
"""


def version(name: str = "news") -> Config:
    return config(FLOW % name, templates=TEMPLATES, more=LISTS)


def mail(name: str = "news") -> SendEmail:
    made = render(event({"email": "ada@example.com"}), version(name), "f", "s", effect_id=EFFECT, links=LINKS)
    assert isinstance(made, SendEmail)
    return made


def test_a_mail_to_a_list_has_the_headers_that_mailbox_providers_ask_for() -> None:
    assert mail().headers == {
        "List-Unsubscribe": "<https://hooks.example.com/u/TOKEN>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": '"Monday notes" <news.hooks.example.com>',
        "List-Help": "<https://hooks.example.com/u/TOKEN>",
        "Feedback-ID": "s:f:news:drumbeat",
    }
    assert mail().list == "news"


def test_a_title_that_is_not_ascii_stays_out_of_the_header() -> None:
    assert mail("offers").headers["List-Id"] == "<offers.hooks.example.com>"


def test_its_texts_see_list_link_and_postal_address() -> None:
    assert mail().text == "Each Monday. https://hooks.example.com/u/TOKEN Fernwood GmbH, Am Wald 1, 10115 Berlin"


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (
            "{% if payload.x is defined %}{{ unsubscribe_url }}{% endif %} {{ postal_address }}",
            "the link to unsubscribe",
        ),
        ("{{ unsubscribe_url }}{% if payload.x is defined %}{{ postal_address }}{% endif %}", "the postal address"),
    ],
)
def test_a_mail_that_comes_out_without_what_people_need_is_refused(words: str, missing: str) -> None:
    templates = TEMPLATES | {"note.txt": f"---\nsubject: Note\n---\n{words}"}
    made = config(FLOW % "news", templates=templates, more=LISTS)

    with pytest.raises(Unrenderable, match=f"text does not hold {missing}"):
        render(event({"email": "ada@example.com"}), made, "f", "s", effect_id=EFFECT, links=LINKS)
    assert render(event({"email": "a@b.example", "x": 1}), made, "f", "s", effect_id=EFFECT, links=LINKS)


def test_what_html_writes_otherwise_is_found_there_too() -> None:
    html = "<p>{{ unsubscribe_url }}<br>{{ postal_address }}"
    more = LISTS.replace("Fernwood GmbH, Am Wald 1", "Fern & Wood's GmbH, Am Wald 1")
    made = config(FLOW % "news", templates=TEMPLATES | {"note.html": html}, more=more)

    assert render(event({"email": "ada@example.com"}), made, "f", "s", effect_id=EFFECT, links=LINKS)


def test_a_mail_belongs_to_a_list_of_the_version_that_planned_it() -> None:
    (planned,) = plan(event({"email": "ada@example.com"}), version()).effects

    assert (planned.list, planned.confirms) == ("news", False)


def test_by_earlier_rules_the_list_is_a_word_for_the_provider_and_the_mail_is_planned_as_it_was() -> None:
    before = replace(version(), semantics=3, lists={})
    (planned,) = plan(event({"email": "ada@example.com"}), before).effects
    today = plan(event({"email": "ada@example.com"}), version())

    assert (planned.list, planned.id) == (None, today.effects[0].id)
    assert plan(event({"email": "ada@example.com"}), before).hash != today.hash


# ---------------------------------------------------------------- double opt-in


def signed_up(
    email: object = "ada@example.com", *, kind: str = "pending", door: str = "form", type: str = "CONSENT"
) -> Event:
    body = {"payload": {"email": email}, "consent": [{"list": "news", "kind": kind}]}
    return event({}, source="signup", type=type, door=door, body=json.dumps(body).encode())


def test_a_sign_up_is_asked_to_be_confirmed_and_sets_nothing_else_off() -> None:
    planned = plan(signed_up(), version())

    assert [(one.flow, one.step, one.list, one.confirms) for one in planned.effects] == [
        ("confirm:news", "mail", "news", True)
    ]
    assert plan_flow(signed_up(), version(), "confirm:news").effects == planned.effects


def test_the_mail_that_asks_has_its_link_and_no_headers_of_a_list() -> None:
    made = render(signed_up(), version(), "confirm:news", "mail", effect_id=EFFECT, links=LINKS)

    assert isinstance(made, SendEmail)
    assert (made.to, made.subject, made.text) == (
        "ada@example.com",
        "Confirm Monday notes",
        "Press https://hooks.example.com/c/TOKEN",
    )
    assert made.headers == {}


def test_a_program_that_passes_consent_on_has_it_confirmed_beside_what_its_event_sets_off() -> None:
    planned = plan(signed_up(kind="given", door="api", type="LEAD_CAPTURE"), version())

    assert sorted(one.flow for one in planned.effects) == ["confirm:news", "f"]
    assert [(said.list, said.kind, said.by_person) for said in planned.people.consents] == [("news", "pending", False)]


@pytest.mark.parametrize(
    ("lists", "why"),
    [
        (LISTS.replace("  news: ", "  monday: "), "version 1 has no list of this name"),
        (LISTS.replace(", confirm: {account: mail, template: confirm}", ""), "the list has no `confirm` in version 1"),
    ],
)
@pytest.mark.parametrize("door", ["form", "api"])
def test_a_sign_up_that_no_mail_asks_about_any_more_fails_until_the_list_asks_again(
    lists: str, why: str, door: str
) -> None:
    changed = config(FLOW % "offers", templates=TEMPLATES, more=lists)
    type = "CONSENT" if door == "form" else "LEAD_CAPTURE"

    made = plan(signed_up(door=door, type=type), changed)

    assert [said.kind.value for said in made.people.consents] == ["pending"]
    assert list(made.failed) == ["confirm:news"]
    assert made.failed["confirm:news"].endswith(why)
    assert [one.flow for one in made.effects] == ([] if door == "form" else ["f"])  # its flows act all the same
    assert [one.confirms for one in plan_flow(signed_up(), version(), "confirm:news").effects] == [True]


def test_a_sign_up_whose_planning_never_ends_is_one_that_no_mail_asked_about() -> None:
    form = "sources:\n  signup: {form: {fields: {email: required}}, list: news}\n"
    made = config(FLOW % "news", templates=TEMPLATES, more=LISTS + form)

    assert without_planning(signed_up(), made, NEVER_ENDS).failed == {"confirm:news": NEVER_ENDS}
    assert without_planning(signed_up(), replace(made, semantics=3), NEVER_ENDS).failed == {}
    assert without_planning(signed_up(type="LEAD_CAPTURE"), made, NEVER_ENDS).failed == {"f": NEVER_ENDS}


def test_a_release_that_knew_no_lists_missed_nothing() -> None:
    before = replace(version(), semantics=3, lists={})

    assert plan(signed_up(), before).failed == {}


@pytest.mark.parametrize("email", [None, "", "ada at example", 7, ["ada@example.com"]])
def test_a_sign_up_without_an_address_asks_no_one(email: object) -> None:
    assert plan(signed_up(email), version()).effects == ()


def test_an_import_gives_consent_without_asking_and_sets_nothing_off() -> None:
    planned = plan(signed_up(kind="given", door="import", type="LEAD_CAPTURE"), version())

    assert planned.effects == ()
    assert [(said.kind, said.by_person) for said in planned.people.consents] == [("given", False)]


def test_a_flow_that_names_imports_acts_on_them() -> None:
    named = FLOW.replace("on: LEAD_CAPTURE,", "on: LEAD_CAPTURE, when: \"source == 'drumbeat:import'\",") % "news"
    row = replace(signed_up(kind="given", door="import", type="LEAD_CAPTURE"), source="drumbeat:import")

    planned = plan(row, config(named, templates=TEMPLATES, more=LISTS))

    assert [one.flow for one in planned.effects] == ["f"]


def test_a_flow_that_named_imports_and_failed_acts_on_none_once_it_names_them_no_more() -> None:
    named = FLOW.replace("on: LEAD_CAPTURE,", "on: LEAD_CAPTURE, when: \"source == 'drumbeat:import'\",") % "news"
    row = replace(signed_up(kind="given", door="import", type="LEAD_CAPTURE"), source="drumbeat:import")

    again = plan_flow(row, config(named, templates=TEMPLATES, more=LISTS), "f")
    without = plan_flow(row, version(), "f")

    assert [one.flow for one in again.effects] == ["f"]
    assert (without.effects, without.failed) == ((), {})

"""Campaigns with an audience: what is compiled of them, and what each mistake is answered with."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumbeat.configuration import yaml_lines
from drumbeat.configuration.document import compile_document
from drumbeat.core.campaigns import Campaign, Cap, QuietHours, campaign_flow, campaign_of
from drumbeat.core.configuration import Config, Flow, Limit, Step
from drumbeat.core.errors import ConfigError, Mistake
from tests.unit.configuration.samples import DOCUMENT
from tests.unit.configuration.test_document import ANYTHING, load, mistakes, replaced, spots

TEMPLATES = {"note.txt": "---\nsubject: Note\n---\nHello {{ lead.name }} {{ unsubscribe_url }} {{ postal_address }}"}
PEOPLE = (
    DOCUMENT.replace("version: 1", 'version: 1\ndefaults: {public_url: "https://h.example.org", postal_address: x}')
    + """
lists:
  news: {title: News}
audiences:
  readers: {list: news}
"""
)
MAIL = '{id: mail, account: mail, action: send_email, with: {to: "{{ lead.email }}", list: news, template: note}}'


def campaign(*fields: str, step: str = MAIL) -> str:
    """Return a document whose last lines are one campaign; its step is in the last of them."""
    lines = "".join(f"    {field}\n" for field in fields)
    return f"{PEOPLE}campaigns:\n  note:\n    audience: readers\n{lines}    steps:\n      - {step}\n"


def mail(arguments: str, *, more: str = "") -> str:
    to = "{{ lead.email }}"
    return f'{{id: mail, account: mail, action: send_email, with: {{to: "{to}", {arguments}}}{more}}}'


def only(text: str) -> str:
    (found,) = mistakes(text, TEMPLATES)
    return found


def warnings(text: str) -> list[str]:
    found: list[Mistake] = []
    compile_document(text, TEMPLATES, warn=found.append)
    return [str(each) for each in found]


# ---------------------------------------------------------------- what is compiled


def test_a_campaign_with_an_audience_has_its_defaults_filled_in() -> None:
    assert load(campaign('schedule: "cron(0 9 ? * MON *)"'), TEMPLATES).campaigns["note"] == Campaign(
        name="note",
        schedule="cron(0 9 ? * MON *)",
        timezone="UTC",
        on_gap="shift",
        fallback_timezone="UTC",
        audience="readers",
        steps=(
            Step(
                "mail",
                "mail",
                "send_email",
                {"to": "{{ lead.email }}", "list": "news", "template": "note"},
                delay=0.0,
                after=None,
                when=None,
                unless=None,
            ),
        ),
        pace=None,
        quiet_hours=None,
        business_days=False,
        cap=None,
        misfire=3600.0,
        approve=False,
    )


def test_what_a_campaign_says_is_compiled() -> None:
    fields = (
        'schedule: "cron(0 9 ? * MON *)"',
        "timezone: recipient",
        "fallback_timezone: Europe/Berlin",
        'pace: "5000/h"',
        'quiet_hours: "21:00-08:30"',
        "business_days: true",
        'cap: "2/7d"',
        "misfire: 15m",
        "approve: true",
    )

    found = load(campaign(*fields), TEMPLATES).campaigns["note"]

    assert found.is_by_recipient
    assert (found.fallback_timezone, found.pace) == ("Europe/Berlin", Limit(5000, 3600, None))
    assert (found.quiet_hours, found.business_days) == (QuietHours(21 * 60, 8 * 60 + 30), True)
    assert (found.cap, found.misfire, found.approve) == (Cap(2, 7 * 86_400), 900.0, True)


@pytest.mark.parametrize(
    ("fields", "fallback"),
    [
        (["timezone: recipient"], "Asia/Tokyo"),
        (["timezone: recipient", "fallback_timezone: Europe/Paris"], "Europe/Paris"),
        (["timezone: America/Lima"], "America/Lima"),
        ([], "Asia/Tokyo"),
    ],
)
def test_people_without_a_zone_have_the_campaigns_own_or_that_of_the_defaults(fields: list[str], fallback: str) -> None:
    text = campaign('schedule: "cron(0 9 ? * MON *)"', *fields).replace(
        "defaults: {", "defaults: {timezone: Asia/Tokyo, "
    )

    assert load(text, TEMPLATES).campaigns["note"].fallback_timezone == fallback


def test_its_steps_are_a_flow_of_a_name_that_no_flow_can_have() -> None:
    config = load(campaign(), TEMPLATES)

    assert config.flow("campaign:note") == Flow(
        "campaign:note", "CAMPAIGN_TRIGGER", None, config.campaigns["note"].steps
    )
    assert (campaign_flow("note"), campaign_of("campaign:note"), campaign_of("note")) == ("campaign:note", "note", None)
    assert config.flow("campaign:other") is None
    assert load("version: 1\ncampaigns: {c: {schedule: rate(1 day)}}").flow("campaign:c") is None


def test_a_campaign_without_an_audience_is_compiled_as_before() -> None:
    compiled = compile_document("version: 1\ncampaigns: {c: {schedule: rate(1 day)}}", {})

    assert compiled["campaigns"] == {"c": {"schedule": "rate(1 day)", "timezone": "UTC", "on_gap": "shift"}}
    assert compiled["must_understand"] == []


@pytest.mark.parametrize("text", [campaign("schedule: rate(1 day)"), campaign(), "version: 1\ncampaigns: {c: {}}"])
def test_a_release_that_knows_schedules_alone_does_not_act_on_it(text: str) -> None:
    assert "runs of campaigns" in compile_document(text, TEMPLATES)["must_understand"]


def test_what_an_older_release_compiled_loads_as_it_did() -> None:
    compiled = compile_document("version: 1", {})
    older = {"c": {"schedule": "rate(1 day)", "timezone": "UTC", "on_gap": "skip"}}

    (found,) = Config.load(1, compiled | {"campaigns": older}).campaigns.values()

    assert found == Campaign("c", "rate(1 day)", "UTC", "skip")
    assert (found.audience, found.steps, found.misfire) == (None, (), 3600.0)


def test_a_mail_may_say_why_it_has_no_list() -> None:
    step = mail("subject: s, text: t", more=", transactional: the terms change")

    assert load(campaign(step=step), TEMPLATES).campaigns["note"].steps[0].transactional == "the terms change"


def test_texts_of_its_steps_see_lead_campaign_and_run() -> None:
    words = (
        "{{ lead.email }} {{ lead.anything }} {{ campaign.name }} {{ run.id }} {{ run.local }} {{ run.scheduled_at }}"
    )
    step = mail(f'subject: s, text: "{words}"', more=", transactional: r")

    assert mistakes(campaign(step=step), TEMPLATES) == []


def test_a_text_may_call_what_it_goes_through_run() -> None:
    text = "{% for run in lead.runs %}{{ run.distance }}{% endfor %}"

    assert mistakes(campaign(step=mail(f'subject: s, text: "{text}"', more=", transactional: r")), TEMPLATES) == []


WHOLE = yaml_lines.read(
    campaign(
        'schedule: "cron(0 9 ? * MON *)"',
        "timezone: recipient",
        "fallback_timezone: Europe/Berlin",
        'pace: "5000/h"',
        'quiet_hours: "21:00-08:00"',
        "business_days: true",
        'cap: "2/7d"',
        "misfire: 15m",
        "approve: true",
        step=mail("subject: s, text: t", more=", transactional: r"),
    ),
    "x",
).data


@settings(max_examples=200)
@given(st.sampled_from([each for each in spots(WHOLE) if each[:1] == ("campaigns",)]), ANYTHING)
def test_a_campaign_with_anything_anywhere_is_compiled_and_loaded_or_refused(
    path: tuple[str | int, ...], value: object
) -> None:
    compiled: dict[str, object] | None = None

    with suppress(ConfigError):
        compiled = compile_document(json.dumps(replaced(WHOLE, path, value)), TEMPLATES)

    if compiled is not None:
        assert Config.load(1, json.loads(json.dumps(compiled))).campaigns.keys() == compiled["campaigns"].keys()  # type: ignore[attr-defined] # a mapping


# ---------------------------------------------------------------- mistakes, each in its line


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('pace: "5000"', "pace: a pace is N/s, N/m, N/h or N/d"),
        ('pace: "5/s burst 9"', "has no burst"),
        ('pace: "0/h"', "the number of a pace goes from 1"),
        ('quiet_hours: "21-8"', "quiet_hours: quiet hours are two times of day"),
        ('quiet_hours: "21:00-24:00"', "two times of day from 00:00 to 23:59"),
        ('quiet_hours: "08:00-08:00"', "leave no time for a mail"),
        ('cap: "2/week"', "cap: a cap is a number of mails and a time"),
        ('cap: "2/32d"', "at most 31d"),
        ('cap: "0/7d"', "at least one mail"),
        ("business_days: 1", "business_days must be true or false"),
        ("approve: 'yes'", "approve must be true or false"),
        ("misfire: 60", "misfire must be text such as 15m"),
        ("timezone: Mars", "there is no timezone Mars"),
        ("fallback_timezone: recipient", "there is no timezone recipient"),
        ("variants: {a: 1}", "variants is not supported yet; everyone of the audience gets the same: delete it"),
        ("goal: {happened: clicked}", "goal is not supported yet"),
        ("holdout: 5%", "holdout is not supported yet"),
        ("template: note", "there is no field template here"),
    ],
)
def test_fields(field: str, expected: str) -> None:
    line = campaign().split("\n").index("    steps:") + 1

    found = only(campaign(field))

    assert found.startswith(f"drumbeat.yaml:{line}: ")
    assert expected in found


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (mail("list: nws, template: note"), "there is no list nws; did you mean news?"),
        (mail("subject: s, text: t"), "a campaign's mail belongs to a list, like list: newsletter"),
        (mail("list: news, template: note", more=", transactional: r"), "so it is not transactional: delete one"),
        (mail("subject: s, text: t", more=", transactional: ''"), "transactional is empty; give it a value"),
        (
            mail("subject: s, text: t, transactional: r"),
            "there is no field transactional here; in a campaign's step it stands beside `with`, and not in it",
        ),
        (
            mail("list: news, template: note", more=", delay: 1h"),
            "delay is not supported yet; a campaign's step is due",
        ),
        (
            mail("list: news, template: note", more=", after: x"),
            "after is not supported yet; the steps of a campaign do",
        ),
        (mail("list: news, template: note", more=", when: x"), "when is not supported yet; a campaign's step goes to"),
        (mail("list: news, template: note", more=", unless: x"), "unless is not supported yet"),
        (mail("list: news, template: note").replace("lead.email", "lead.mail"), 'to must be "{{ lead.email }}"'),
        (
            mail("list: news, template: note").replace("{{ lead.email }}", "a@b.example"),
            'to must be "{{ lead.email }}"',
        ),
        (MAIL.replace("mail, action", "male, action"), "there is no account male; did you mean mail?"),
        (MAIL.replace("send_email", "send_mail"), "there is no action send_mail; did you mean send_email?"),
        (MAIL.replace("id: mail", "id: a b"), "'a b' cannot be a name"),
        (f"{MAIL}\n      - {MAIL}", "step mail is there twice"),
        (
            mail("subject: s, text: '{{ payload.name }}'", more=", transactional: r"),
            "text: payload is only known in the steps of a flow; what is known of a person is in lead",
        ),
        (mail("subject: s, text: '{{ campaign.id }}'", more=", transactional: r"), "campaign has no id; there is name"),
        (mail("subject: s, text: '{{ run.locl }}'", more=", transactional: r"), "run has no locl; did you mean local?"),
        (mail("subject: s, text: '{{ variant }}'", more=", transactional: r"), "variant is not supported yet"),
        (
            "{id: a, account: crm, action: upsert_contact, transactional: r, with: {email: '{{ lead.email }}',"
            " properties: {}}}",
            "only a mail is transactional, and this is upsert_contact",
        ),
        (
            "{id: a, account: crm, action: upsert_contact, with: {email: '{{ event.key }}', properties: {}}}",
            'email must be "{{ lead.email }}"',
        ),
        (
            "{id: a, account: site, action: call, with: {method: POST, path: /x}}",
            "call is not supported yet in a campaign's step",
        ),
    ],
)
def test_steps(step: str, expected: str) -> None:
    line = campaign(step=step).count("\n")

    found = only(campaign(step=step))

    assert found.startswith(f"drumbeat.yaml:{line}: ")
    assert expected in found


@pytest.mark.parametrize("steps", ["steps: []", "steps: 5"])
def test_steps_are_a_list(steps: str) -> None:
    text = campaign().partition("    steps:")[0] + f"    {steps}\n"

    assert "steps must be a list with at least one step" in only(text)


def test_a_campaign_with_an_audience_needs_steps() -> None:
    assert "a campaign with an audience needs steps" in only(campaign().partition("    steps:")[0])


def test_an_audience_that_is_not_there_is_named_with_what_is_meant() -> None:
    assert "there is no audience reders; did you mean readers?" in only(
        campaign().replace("audience: readers", "audience: reders")
    )
    none = campaign().replace("audiences:\n  readers: {list: news}\n", "")
    assert "there is no audience readers; describe it under audiences" in only(none)


@pytest.mark.parametrize(
    "field",
    [
        "steps: [{id: a}]",
        "fallback_timezone: UTC",
        "pace: 5/h",
        'quiet_hours: "21:00-08:00"',
        "business_days: true",
        "cap: 2/7d",
        "misfire: 1h",
        "approve: true",
    ],
)
def test_what_is_about_people_needs_an_audience(field: str) -> None:
    found = mistakes(f"version: 1\ncampaigns:\n  c:\n    schedule: rate(1 day)\n    {field}\n")

    name = field.partition(":")[0]
    assert any(
        each.startswith(f"drumbeat.yaml:5: {name} is for a campaign with an audience: say which, like audience: NAME")
        for each in found
    )


def test_a_campaign_for_each_persons_own_time_needs_an_audience() -> None:
    text = 'version: 1\ncampaigns:\n  c: {schedule: "cron(0 9 * * ? *)", timezone: recipient}\n'

    (found,) = mistakes(text)

    assert "timezone: recipient is for a campaign with an audience" in found


def test_a_rate_has_no_local_time_that_each_person_could_have() -> None:
    assert "a rate names no local time" in only(campaign("schedule: rate(1 day)", "timezone: recipient"))


def test_each_persons_own_time_says_nothing_where_a_campaign_starts_by_hand() -> None:
    (found,) = warnings(campaign("timezone: recipient"))

    assert "starts by hand, for everyone at once" in found


def test_a_template_that_a_flow_and_a_campaign_share_sees_what_both_have() -> None:
    flow = (
        "flows:\n  f:\n    on: LEAD_CAPTURE\n    steps:\n      - {id: a, account: mail, action: send_email,"
        " with: {to: '{{ payload.email }}', list: news, template: note}}\n"
    )

    assert "template: lead is only known in the steps of a campaign" in only(campaign() + flow)


@pytest.mark.parametrize(
    ("words", "expected"),
    [("{{ postal_address", "not a template"), ("{{ postal_address | uper }}", "there is no filter uper")],
)
def test_a_template_that_cannot_be_read_is_a_mistake_where_it_stands(words: str, expected: str) -> None:
    (found,) = mistakes(campaign(), {"note.txt": f"---\nsubject: s\n---\n{{{{ unsubscribe_url }}}} {words}"})

    assert found.startswith("templates/note.txt:4: ")
    assert expected in found


def test_a_mail_that_asks_to_confirm_knows_no_lead() -> None:
    text = PEOPLE.replace("title: News", "title: News, confirm: {account: mail, template: sure}")

    found = mistakes(text, {"sure.txt": "---\nsubject: s\n---\n{{ confirm_url }} {{ lead.name }}"})

    assert [each for each in found if "uses lead, which is only known in the steps of a campaign" in each]


def test_every_mistake_is_found_at_once() -> None:
    text = campaign("timezone: Mars", "cap: much", "quiet: '1'", step="{id: a b, account: x, action: y, with: {}}")

    found = mistakes(text, TEMPLATES)

    assert len(found) == 6, json.dumps(found, indent=1)

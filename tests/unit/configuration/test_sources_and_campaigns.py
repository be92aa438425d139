"""Flows for one source or campaign, and campaigns without a time to come: what cannot work is said."""

import json
from datetime import UTC, datetime

import pytest

from drumbeat.configuration.document import compile_document
from drumbeat.core.campaigns import Campaign
from drumbeat.core.errors import Mistake
from tests.unit.configuration.samples import DOCUMENT
from tests.unit.configuration.test_document import mistakes

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SOURCES = """
sources:
  shop: {webhook: stripe, secrets: [env:A], type: LEAD_CAPTURE, map: {email: data.email, name: data.name}}
  erp: {webhook: github, secrets: [env:A], type: LEAD_CAPTURE, map: {email: email, order: id}}
  raw: {webhook: github, secrets: [env:A], type: LEAD_CAPTURE}
campaigns:
  digest: {schedule: rate(1 day)}
"""


def warnings(text: str, **given: object) -> list[str]:
    found: list[Mistake] = []
    compile_document(text, {}, warn=found.append, **given)  # type: ignore[arg-type] # what a test says
    return [str(each) for each in found]


def flow(when: str, *, on: str = "LEAD_CAPTURE", step_when: str | None = None, **body: str) -> str:
    step = {"id": "a", "account": "site", "action": "call", "with": {"method": "POST", "path": "/x", "body": body}}
    flows = {"f": {"on": on, "when": when, "steps": [step | ({"when": step_when} if step_when else {})]}}
    return f"{DOCUMENT}{SOURCES}flows: {json.dumps(flows)}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (flow("source == 'shopp'"), "no source is configured as shopp, so only events of the API under that name"),
        (flow("source == 'shopp'"), "did you mean shop?"),
        (flow("payload.x == 'y' && source == 'Shop'"), "no source is configured as Shop"),
        (flow("source == 'digset'", on="CAMPAIGN_TRIGGER"), "there is no campaign digset; did you mean digest?"),
        (flow("source == 'monthly'", on="CAMPAIGN_TRIGGER"), "there is no campaign monthly; there is digest"),
        (flow("source == 'shop' && payload.emial != `null`"), "payload.emial is never there for shop"),
        (flow("source == 'shop'", step_when="payload.nme == 'x'"), "the source's map has no nme; did you mean name?"),
        (flow("source == 'shop'", n="{{ payload.nme | default('') }}"), "payload.nme is never there for shop"),
        (flow("source == 'shop'", n="{{ payload.get('x') }}{{ payload['nme'] is defined }}"), "no nme; did you mean"),
        (flow("source == 'digest'", on="CAMPAIGN_TRIGGER", n="{{ payload.locale | d('') }}"), "did you mean local?"),
    ],
)
def test_what_can_never_be_is_a_warning(text: str, expected: str) -> None:
    assert any(expected in each for each in warnings(text)), warnings(text)


@pytest.mark.parametrize(
    ("split", "wrong"),
    [
        ("people[", "JMESPath"),
        ("{a: people}", "split never gives a list"),
        ("length(people)", "split never gives a list"),
        ("people | length(@)", "split never gives a list"),
        ("people == `[]`", "split never gives a list"),
        ("'people'", "split never gives a list"),
        ("@", None),
        ("entry[].changes[]", None),
        ("values(people)", None),
    ],
)
def test_a_split_that_can_give_no_list_is_refused(split: str, wrong: str | None) -> None:
    source = {"webhook": "github", "secrets": ["env:A"], "type": "LEAD_CAPTURE", "split": split}
    text = f"{DOCUMENT}sources: {json.dumps({'shop': source})}\n"

    if wrong is None:
        assert warnings(text) == []
    else:
        assert any(wrong in each for each in mistakes(text))


def test_a_split_that_leaves_facts_out_is_a_warning() -> None:
    source = {"webhook": "sendgrid", "secrets": ["env:A"], "type": "FEEDBACK", "split": "[?event == 'open']"}

    (warning,) = warnings(f"{DOCUMENT}sources: {json.dumps({'mails': source})}\n")

    assert "choose by a flow's when" in warning


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (flow("source == 'shop' || source == 'erp'", n="{{ payload.name }}"), "payload.name is used, and the source's"),
        (flow("source == 'shop'", n="{{ payload['nme'] }}"), "no nme; did you mean name?"),
        (flow("source == 'digest'", on="CAMPAIGN_TRIGGER", n="{{ payload.run }}"), "the campaign has no run"),
        (flow("source == 'digest'"), "the events of digest are CAMPAIGN_TRIGGER, so this flow would never run"),
    ],
)
def test_what_would_refuse_every_effect_is_a_mistake(text: str, expected: str) -> None:
    (found,) = mistakes(text)

    assert expected in found


@pytest.mark.parametrize(
    "text",
    [
        flow("source == 'website'", n="{{ payload.anything }}"),
        flow("source != 'shop'", n="{{ payload.anything | default('') }}"),
        flow("source == 'raw'", n="{{ payload.anything | default('') }}"),
        flow("source == 'shop' || payload.x == 'y'", n="{{ payload.anything }}"),
        flow("source == 'shop' && payload.name == 'x'", n="{{ payload.email }}"),
        flow("source == 'digest'", on="CAMPAIGN_TRIGGER", n="{{ payload.local }} {{ payload.triggeredBy | d('') }}"),
    ],
)
def test_what_can_be_is_left_alone(text: str) -> None:
    assert warnings(text) == []


def test_a_property_that_is_null_is_said_to_clear() -> None:
    step = "{id: a, account: crm, action: upsert_contact, with: {email: x@y.example, properties: {a: , b: ''}}}"
    (found,) = warnings(f"{DOCUMENT}flows: {{f: {{on: LEAD_CAPTURE, steps: [{step}]}}}}")

    assert 'a is null, which clears it; write "" to say so' in found


def test_a_header_that_is_never_sent_is_said() -> None:
    step = "{id: a, account: site, action: call, with: {method: GET, path: /x, headers: {Webhook-Id: x, X-A: y}}}"
    (found,) = warnings(f"{DOCUMENT}flows: {{f: {{on: LEAD_CAPTURE, steps: [{step}]}}}}")

    assert "Webhook-Id is set for you, and this one is never sent; delete it" in found


# ---------------------------------------------------------------- times of campaigns


def campaign(schedule: str, more: str = "") -> str:
    return f'version: 1\ncampaigns:\n  launch:\n    schedule: "{schedule}"\n{more}'


PAST = [
    "at(2020-01-01T09:00:00)",
    "at(2026-06-01T13:59:59)",  # one second ago in Berlin
    "cron(0 9 1 1 ? 2020)",
    "cron(0 9 ? * MON 1999-2025)",
]
BERLIN = "    timezone: Europe/Berlin\n"


@pytest.mark.parametrize("schedule", PAST)
def test_a_time_that_has_passed_is_said_in_its_line(schedule: str) -> None:
    (found,) = warnings(campaign(schedule, BERLIN), now=NOW)

    assert found.startswith("drumbeat.yaml:4: this ")
    assert "never" in found


@pytest.mark.parametrize("schedule", ["at(2026-06-01T14:00:01)", "rate(1 day)", "cron(0 9 1 1 ? 2020-2030)"])
def test_a_time_to_come_is_not(schedule: str) -> None:
    assert warnings(campaign(schedule, BERLIN), now=NOW) == []


def test_a_time_that_no_day_has_is_one_that_never_comes() -> None:
    skipped = campaign("at(2027-03-28T02:30:00)", BERLIN + "    on_gap: skip\n")

    assert len(warnings(skipped, now=NOW)) == 1
    assert warnings(skipped.replace("skip", "shift"), now=NOW) == []


def test_one_that_fired_then_is_done_and_one_that_did_not_never_will() -> None:
    asked: list[tuple[str, datetime]] = []

    def fires(campaign: Campaign, at: datetime) -> bool:
        asked.append((campaign.name, at))
        return campaign.name == "launch"

    text = campaign("at(2020-01-01T09:00:00)", BERLIN) + '  other:\n    schedule: "at(2020-01-01T09:00:00)"\n'
    (found,) = warnings(text, now=NOW, fires=fires)

    assert found.startswith("drumbeat.yaml:7: this time has passed, and the campaign did not fire then: it never will")
    assert asked == [
        ("launch", datetime(2020, 1, 1, 8, tzinfo=UTC)),
        ("other", datetime(2020, 1, 1, 9, tzinfo=UTC)),
    ]

"""What a run depends on in a configuration: each kind of change is named exactly, and unrelated ones are not."""

import json

import pytest

from drumbeat.configuration.document import compile_document
from drumbeat.core.configuration import Config
from drumbeat.planning.run_content import configuration_differences, content_hash

DOCUMENT = """
version: 1
defaults: {public_url: "https://h.example.org", postal_address: Fernwood, track: {opens: false, clicks: false}}
accounts:
  mail:
    provider: mailgun
    settings: {domain: mg.example.com, from: a@mg.example.com}
    secrets: {api_key: env:MAIL}
    limits: ["10/s"]
  crm: {provider: hubspot, secrets: {token: env:CRM}}
  other: {provider: resend, settings: {from: o@example.com}, secrets: {api_key: env:OTHER}}
lists:
  news: {title: News, description: Mondays}
  offers: {title: Offers}
audiences:
  readers: {all: [{list: news}, {audience: customers}, {not: {audience: gone}}]}
  customers: {field: plan, is: paid}
  gone: {field: churned, is: true}
  strangers: {field: plan, is: none}
flows:
  welcome:
    on: LEAD_CAPTURE
    steps: [{id: a, account: mail, action: send_email, with: {to: "{{ payload.email }}", subject: Hi, text: Hello}}]
campaigns:
  note:
    schedule: "cron(0 9 ? * MON *)"
    timezone: recipient
    audience: readers
    steps:
      - {id: mail, account: mail, action: send_email, with: {to: "{{ lead.email }}", list: news, template: note}}
      - {id: crm, account: crm, action: upsert_contact, with: {email: "{{ lead.email }}", properties: {a: b}}}
    approve: true
  sale:
    schedule: "cron(0 9 1 * ? *)"
    audience: readers
    steps:
      - {id: mail, account: other, action: send_email, with: {to: "{{ lead.email }}", list: offers, template: sale}}
"""
WORDS = "{{ unsubscribe_url }} {{ postal_address }}"
TEMPLATES = {
    "note.txt": f"---\nsubject: Note\n---\nHello {WORDS}",
    "note.html": f"<p>Hello {WORDS}</p>",
    "sale.txt": f"---\nsubject: Sale\n---\nBuy {WORDS}",
}


def version(*changes: tuple[str, str], file: str | None = None, text: str = "") -> Config:
    document = DOCUMENT
    for old, new in changes:
        assert old in document
        document = document.replace(old, new, 1)
    templates = TEMPLATES | ({file: text} if file else {})
    return Config.load(1, json.loads(json.dumps(compile_document(document, templates))))


BEFORE = version()

CHANGES = [
    ('schedule: "cron(0 9 ? * MON *)"', 'schedule: "cron(0 8 ? * MON *)"', ["campaigns.note.schedule"]),
    ("timezone: recipient", "timezone: Europe/Berlin", ["campaigns.note.fallback_timezone", "campaigns.note.timezone"]),
    ("approve: true", "approve: false", ["campaigns.note.approve"]),
    ("approve: true", 'pace: "5/h"', ["campaigns.note.approve", "campaigns.note.pace"]),
    ("    approve: true", '    approve: true\n    quiet_hours: "21:00-08:00"', ["campaigns.note.quiet_hours"]),
    ("    approve: true", "    approve: true\n    business_days: true", ["campaigns.note.business_days"]),
    ("    approve: true", '    approve: true\n    cap: "2/7d"', ["campaigns.note.cap"]),
    ("    approve: true", "    approve: true\n    misfire: 2h", ["campaigns.note.misfire"]),
    ("    approve: true", "    approve: true\n    on_gap: skip", ["campaigns.note.on_gap"]),
    ("properties: {a: b}", "properties: {a: c}", ["campaigns.note.steps.crm.with.properties.a"]),
    ("properties: {a: b}", "properties: {c: b}", [f"campaigns.note.steps.crm.with.properties.{each}" for each in "ac"]),
    ("template: note}", "template: note, subject: Louder}", ["campaigns.note.steps.mail.with.subject"]),
    (
        "- {id: crm, account: crm",
        "- {id: contact, account: crm",
        ["campaigns.note.order of steps", "campaigns.note.steps.contact", "campaigns.note.steps.crm"],
    ),
    (
        "template: note}",
        "template: sale}",
        ["campaigns.note.steps.mail.with.template", "templates.note", "templates.sale"],
    ),
    ("audience: readers", "audience: customers", ["audiences.gone", "audiences.readers", "campaigns.note.audience"]),
    ("field: plan, is: paid", "field: plan, is: trial", ["audiences.customers"]),
    ("churned, is: true", "churned, is: false", ["audiences.gone"]),
    ("{list: news}, {audience", "{list: offers}, {audience", ["audiences.readers"]),
    ("title: News", "title: Notes", ["lists.news.title"]),
    ("description: Mondays", "description: Tuesdays", ["lists.news.description"]),
    ("from: a@mg.example.com", "from: b@mg.example.com", ["accounts.mail.settings.from"]),
    ("api_key: env:MAIL", "api_key: env:MAIL2", ["accounts.mail.secrets.api_key"]),
    ("postal_address: Fernwood", "postal_address: Elsewhere", ["defaults.postal_address"]),
    ("https://h.example.org", "https://i.example.org", ["defaults.public_url"]),
    ("clicks: false", "clicks: true", ["defaults.track.clicks"]),
    ("  note:\n    schedule", "  memo:\n    schedule", None),
]

UNRELATED = [
    ("churned, is: true}\n  strangers: {field: plan, is: none}", "churned, is: true}"),
    ("title: Offers", "title: Sales"),
    ("env:OTHER", "env:ANOTHER"),
    ("from: o@example.com", "from: p@example.com"),
    ("subject: Hi, text: Hello", "subject: Hi, text: Hey"),
    ("cron(0 9 1 * ? *)", "cron(0 9 2 * ? *)"),
    ('limits: ["10/s"]', 'limits: ["5/s"]\n    on_unknown: drop'),
    ("description: Mondays}", "description: Mondays, confirm: {account: mail, template: sure}}"),
]


@pytest.mark.parametrize(("old", "new", "expected"), CHANGES, ids=[new.strip() for _, new, _ in CHANGES])
def test_each_kind_of_change_is_named_exactly(old: str, new: str, expected: list[str] | None) -> None:
    found = configuration_differences(BEFORE, version((old, new)), "note")

    assert found == (expected or ["campaigns.note"])


@pytest.mark.parametrize(("old", "new"), UNRELATED, ids=[new for _, new in UNRELATED])
def test_what_a_run_does_not_depend_on_is_no_difference(old: str, new: str) -> None:
    after = version((old, new), file="sure.txt", text="---\nsubject: Sure?\n---\n{{ confirm_url }}")

    assert configuration_differences(BEFORE, after, "note") == []
    assert content_hash(after, "note") == content_hash(BEFORE, "note")


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("note.txt", f"---\nsubject: Note\n---\nHi {WORDS}", ["templates.note.text"]),
        ("note.txt", f"---\nsubject: News\n---\nHello {WORDS}", ["templates.note.subject"]),
        ("note.html", f"<p>Hi {WORDS}</p>", ["templates.note.html"]),
        ("sale.txt", f"---\nsubject: Sale\n---\nBuy more {WORDS}", []),
    ],
)
def test_the_words_of_its_templates_count(file: str, text: str, expected: list[str]) -> None:
    after = version(file=file, text=text)

    assert configuration_differences(BEFORE, after, "note") == expected
    assert (content_hash(after, "note") == content_hash(BEFORE, "note")) is (expected == [])


def test_the_order_of_its_steps_counts() -> None:
    lines = DOCUMENT.split("\n")
    first = next(place for place, line in enumerate(lines) if "{id: mail, account: mail" in line)
    swap = ("\n".join(lines[first : first + 2]), "\n".join([lines[first + 1], lines[first]]))

    assert configuration_differences(BEFORE, version(swap), "note") == ["campaigns.note.order of steps"]


SAME_WORDS = {
    "campaigns.note.schedule",
    "campaigns.note.approve",
    "campaigns.note.pace",
    "campaigns.note.audience",
    "campaigns.note.quiet_hours",
    "campaigns.note.business_days",
    "campaigns.note.cap",
    "campaigns.note.misfire",
    "campaigns.note.on_gap",
    "campaigns.note.timezone",
    "campaigns.note.fallback_timezone",
    "accounts.mail.secrets.api_key",
    "audiences.readers",
    "audiences.customers",
    "audiences.gone",
}


@pytest.mark.parametrize(
    ("old", "new", "expected"), [each for each in CHANGES if each[2]], ids=[new.strip() for _, new, to in CHANGES if to]
)
def test_the_content_is_what_mails_say_and_not_when_or_to_whom(old: str, new: str, expected: list[str]) -> None:
    same = content_hash(version((old, new)), "note") == content_hash(BEFORE, "note")

    assert same is (set(expected) <= SAME_WORDS)


def test_the_same_document_has_the_same_content_whatever_its_version() -> None:
    other = Config.load(7, json.loads(json.dumps(compile_document(DOCUMENT, TEMPLATES))))

    assert content_hash(other, "note") == content_hash(BEFORE, "note")
    assert configuration_differences(BEFORE, other, "note") == []

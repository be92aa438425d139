"""The configuration document: what is compiled, and what each mistake is answered with.

Long, because each kind of mistake has its line.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drumbeat.configuration import yaml_lines
from drumbeat.configuration.document import compile_document
from drumbeat.core.configuration import Config, Form, Limit, LookPolicy, Retry
from drumbeat.core.errors import ConfigError, Mistake
from tests.unit.configuration.samples import DOCUMENT

FLOW = "flows:\n  f:\n    on: LEAD_CAPTURE\n    steps:\n"


def mistakes(text: str, templates: Mapping[str, str] | None = None, *, sandbox: bool = True) -> list[str]:
    try:
        compile_document(text, templates or {}, sandbox=sandbox)
    except ConfigError as error:
        return [str(mistake) for mistake in error.mistakes]
    return []


def only(text: str, templates: Mapping[str, str] | None = None) -> str:
    found = mistakes(text, templates)
    assert len(found) == 1, found
    return found[0]


def step(line: str) -> str:
    return f"{DOCUMENT}{FLOW}      - {line}\n"


def load(text: str, templates: Mapping[str, str] | None = None) -> Config:
    return Config.load(1, json.loads(json.dumps(compile_document(text, templates or {}))))


# ---------------------------------------------------------------- what is compiled


def test_defaults_are_filled_in() -> None:
    account = load(DOCUMENT).accounts["crm"]

    assert account.retry == Retry(base=1, cap=900, lasts=7 * 86_400)
    assert (account.on_unknown, account.lookup, account.limits, account.settings) == ("hold", None, (), {})


def test_what_is_written_wins_over_the_defaults() -> None:
    account = load("""
version: 1
defaults: {retry: {for: 2d, base: 5s, cap: 1h}}
accounts:
  mail:
    provider: mailgun
    settings: {domain: mg.example.com, from: a@b.example}
    secrets: {api_key: ssm:/drumbeat/prod/accounts/mail-api-key}
    limits: ["10/s burst 20", "50000/d"]
    on_unknown: drop
    lookup: {looks: [1m, 5m, 30m], retention: 3d}
""").accounts["mail"]

    assert account.retry == Retry(5, 3600, 2 * 86_400)
    assert account.limits == (Limit(10, 1, 20), Limit(50_000, 86_400, None))
    assert account.lookup == LookPolicy((60, 300, 1800), 259_200)
    assert account.secrets == {"api_key": "ssm:/drumbeat/prod/accounts/mail-api-key"}


def test_tries_are_taken_with_a_warning_and_still_written_for_the_release_that_counts_them() -> None:
    warnings: list[Mistake] = []
    text = DOCUMENT.replace("version: 1", "version: 1\ndefaults:\n  retry: {tries: 3}", 1)

    compiled = compile_document(text, {}, warn=warnings.append)

    (warning,) = warnings
    assert warning.line == text[: text.index("tries")].count("\n") + 1
    assert "for: 7d" in warning.message
    assert compiled["accounts"]["crm"]["retry"] == {"tries": 3, "base": 1.0, "cap": 900.0}
    assert Config.load(1, compiled).accounts["crm"].retry.lasts == 7 * 86_400


def test_what_an_older_release_compiled_lasts_seven_days() -> None:
    compiled = compile_document(DOCUMENT, {})
    del compiled["expiry"]

    assert Config.load(1, compiled).accounts["crm"].retry == Retry(1.0, 900.0, 7 * 86_400)


def test_a_source_carries_its_schemes_options() -> None:
    source = load("""
version: 1
sources:
  sms:
    {webhook: twilio, secrets: [env:A, env:B], public_url: "https://hooks.example.com/x", type: FEEDBACK, map: {}}
""").sources["sms"]

    assert (source.door, source.scheme, source.tolerance) == ("webhook", "twilio", 300)
    assert source.options == {"public_url": "https://hooks.example.com/x"}
    assert source.secrets == ("env:A", "env:B")


@pytest.mark.parametrize(
    ("scheme", "written", "seconds"),
    [
        ("mailgun", "", 43_200),
        ("mailgun", ", tolerance: 5m", 300),
        ("stripe", "", 300),
        ("slack", ", tolerance: 0s", 0),
    ],
)
def test_a_source_has_the_tolerance_of_its_scheme_unless_it_says_another(
    scheme: str, written: str, seconds: float
) -> None:
    source = load(f"version: 1\nsources: {{a: {{webhook: {scheme}, secrets: [env:A], type: FEEDBACK{written}}}}}")

    assert source.sources["a"].tolerance == seconds


def test_metas_verify_token_is_a_reference() -> None:
    text = "version: 1\nsources: {{a: {{webhook: meta, secrets: [env:A], type: FEEDBACK, verify_token: {}}}}}"

    assert load(text.format("env:TOKEN")).sources["a"].options == {"verify_token": "env:TOKEN"}
    with pytest.raises(ConfigError, match="references, never values") as refused:
        load(text.format("my-token"))
    assert "my-token" not in str(refused.value)


def test_on_is_a_word_and_not_a_truth() -> None:
    flow = load(step("{id: a, account: site, action: call, with: {method: POST, path: /x}}")).flows["f"]

    assert (flow.on, flow.when, flow.steps[0].delay) == ("LEAD_CAPTURE", None, 0)


def test_a_campaign_takes_the_default_timezone() -> None:
    campaigns = load("""
version: 1
defaults: {timezone: Europe/Berlin}
campaigns:
  a: {schedule: "cron(0 9 ? * MON *)"}
  b: {schedule: rate(1 day), timezone: America/New_York}
""").campaigns

    assert (campaigns["a"].timezone, campaigns["b"].timezone) == ("Europe/Berlin", "America/New_York")


def test_front_matter_is_taken_off_templates() -> None:
    template = load("version: 1", {"a.html": "---\nsubject: Hi\n---\n<p>", "a.txt": "plain\r\n"}).templates["a"]

    assert (template.subject, template.html, template.text) == ("Hi", "<p>", "plain\n")


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_what_windows_adds_to_a_file_is_no_part_of_a_mail(line_end: str) -> None:
    written = {
        "a.html": "---\nsubject: Hi\n---\n{% extends 'layouts/l.html' %}",
        "a.txt": "---\nsubject: Hi\n---\nplain\n",
        "layouts/l.html": "<p>\n",
    }

    template = load(
        "version: 1", {name: "\ufeff" + text.replace("\n", line_end) for name, text in written.items()}
    ).templates["a"]

    assert (template.subject, template.text) == ("Hi", "plain\n")
    assert (template.html, dict(template.parts)) == ("{% extends 'layouts/l.html' %}", {"layouts/l.html": "<p>\n"})


def test_aliases_are_read_where_they_stand() -> None:
    limits = load(
        'version: 1\naccounts:\n  a: {provider: hubspot, secrets: {token: env:A}, limits: &l ["1/s"]}\n'
        "  b: {provider: hubspot, secrets: {token: env:B}, limits: *l}"
    ).accounts

    assert limits["a"].limits == limits["b"].limits == (Limit(1, 1, 1),)


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "drumbeat.yaml:1: the document must hold fields"),
        ("- 1", "drumbeat.yaml:1: the document must hold fields"),
        ("accounts: {}", "drumbeat.yaml:1: version is missing; add it"),
        ("version: 2", "drumbeat.yaml:1: version must be 1"),
        ("version: 1\nversion: 1", "drumbeat.yaml:2: version is given twice, first in line 1"),
        ("version: 1\nacounts: {}", "drumbeat.yaml:2: there is no field acounts here; did you mean accounts?"),
        ("version: 1\naccounts:\n\ta: 1", "drumbeat.yaml:3: not YAML: a tab; indent with spaces"),
        ("version: 1\na: b: c", "drumbeat.yaml:2: not YAML: a second colon"),
        ("version: 1\na: [", "drumbeat.yaml:2: not YAML"),
        ("version: 1\n---\nversion: 1", "drumbeat.yaml:2: not YAML: a second document"),
        ("version: 1\nflows: *x", "drumbeat.yaml:2: not YAML: found undefined alias"),
        ("version: 1\nflows: !!python/object:os.system {}", "drumbeat.yaml:2: tags such as"),
        ("version: 1\nflows: {<<: {}}", "drumbeat.yaml:2: merge keys"),
        ("version: 1\nflows: [a]", "drumbeat.yaml:2: flows must be a mapping"),
        ("version: 1\nflows: \x01", "drumbeat.yaml:2: not YAML: a control character"),
        ('version: 1\nflows: {"\\0": 1}', "drumbeat.yaml:2: a text holds the character NUL; delete it"),
        ("version: 1\naccounts: {'a b': {provider: hubspot, secrets: {token: env:A}}}", "2: 'a b' cannot be a name"),
        ("version: 1\naccounts: {a}", "drumbeat.yaml:2: a must be a mapping, like {name: value} (it is empty)"),
        ("version: 1\ndefaults: {timezone: Europe/Berln}", "timezone Europe/Berln; did you mean Europe/Berlin?"),
        ("version: 1\ndefaults: {retry: {tries: 0}}", "2: tries must be at least 1"),
        ("version: 1\ndefaults: {retry: {tries: '5'}}", "2: tries must be a whole number without quotes"),
        ("version: 1\ndefaults: {retry: {base: 5}}", "2: base must be text such as 15m"),
        ("version: 1\ndefaults: {postal_address: ''}", "2: postal_address is empty; give it a value"),
        (f"version: 1\ndefaults: {{postal_address: {'x' * 2000}}}", "2: postal_address takes at most 1,000 characters"),
        ("version: 1\ndefaults: {retry: {bse: 5s}}", "2: there is no field bse here; did you mean base?"),
    ],
)  # fmt: skip
def test_the_document_itself(text: str, expected: str) -> None:
    assert expected in only(text)


def account(fields: str) -> str:
    return f"version: 1\naccounts:\n  a:\n    {{{fields}}}"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("provider: mailgn", "drumbeat.yaml:4: there is no provider mailgn; did you mean mailgun?"),
        ("provider: hubspot", "3: secret token is missing; hubspot needs it"),
        ("provider: hubspot, secrets: {token: pat-na1-abc}", "4: token: secrets are references, never values"),
        ("provider: hubspot, secrets: {token: ssm:/other/prod/x}", "secrets are references"),
        ("provider: hubspot, secrets: {token: env:T, tken: env:T}", "hubspot has no secret tken; did you mean token?"),
        ("provider: resend, secrets: {api_key: env:T}, settings: {form: x, from: a@b.c}", "did you mean from?"),
        ("provider: resend, secrets: {api_key: env:T}, settings: {from: nobody}", "4: from must be one address"),
        ("provider: resend, secrets: {api_key: env:T}, settings: {from: [a]}", "4: from must be text"),
        (
            "provider: resend, secrets: {api_key: env:T}, settings: {from: a@b.c, track: {opens: false}}",
            "4: track is no setting of an account; write it under defaults",
        ),
        (
            "provider: resend, secrets: {api_key: env:T}, settings: {from: a@b.c, track: false}",
            "4: track is no setting of an account; write it under defaults",
        ),
        ("provider: hubspot, secrets: {token: env:T}, limits: 10/s", "4: limits must be a list"),
        ("provider: hubspot, secrets: {token: env:T}, limits: [10 per s]", "limits[0]: a limit is N/s"),
        ("provider: hubspot, secrets: {token: env:T}, limits: [1/s, 5/d burst 2]", "limits[1]: limits per h and d"),
        ("provider: hubspot, secrets: {token: env:T}, on_unknown: rsend", "there is no rsend; did you mean resend?"),
        ("provider: hubspot, secrets: {token: env:T}, lookup: {looks: [1m], retention: 1d}", "delete lookup"),
        ("provider: hubspot, secrets: {token: env:T}, retry: {tries: 3}", "there is no field retry here"),
        ("provider: hubspot, secrets: {token: env:T}, limits: ", "limits is empty; give it a value or delete"),
    ],
)  # fmt: skip
def test_accounts(fields: str, expected: str) -> None:
    assert expected in only(account(fields))


@pytest.mark.parametrize(
    ("lookup", "expected"),
    [
        ("{looks: [5m, 1m], retention: 3d}", "looks must rise"),
        ("{looks: [5m, 30m], retention: 20m}", "retention must be longer than the last look"),
        ("{looks: [], retention: 20m}", "looks needs at least one entry"),
        ("{looks: [5m]}", "retention is missing"),
    ],
)
def test_lookups(lookup: str, expected: str) -> None:
    mailgun = "provider: mailgun, settings: {domain: mg.b.example, from: a@b.c}, secrets: {api_key: env:A}"

    assert expected in only(account(f"{mailgun}, lookup: {lookup}"))


def test_a_base_url_that_the_provider_needs_is_wanted_where_there_is_no_sandbox() -> None:
    text = account("provider: http, secrets: {signing_key: env:A}")

    assert mistakes(text, sandbox=True) == []
    assert "setting base_url is missing; http needs it" in mistakes(text, sandbox=False)[0]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("webhook: strip, secrets: [env:A], type: LEAD_CAPTURE", "scheme strip; did you mean stripe?"),
        ("webhook: stripe, secrets: [], type: LEAD_CAPTURE", "secrets needs at least one entry"),
        ("webhook: stripe, type: LEAD_CAPTURE", "secrets is missing; add it"),
        ("webhook: sns, type: FEEDBACK", "topic is missing; sns needs it"),
        ("webhook: sns, type: FEEDBACK, topic: mail-events", "topic must be a topic's ARN"),
        (
            "webhook: sns, type: FEEDBACK, topic: 'arn:aws:sns:eu-central-1:123456789012:a', secrets: [env:A]",
            "sns signs by a certificate that it publishes; delete secrets",
        ),
        ("webhook: stripe, secrets: env:A, type: LEAD_CAPTURE", "secrets must be a list"),
        ("webhook: stripe, secrets: [whsec_abc], type: LEAD_CAPTURE", "secrets are references"),
        ("webhook: stripe, secrets: [env:A], type: LEAD", "there is no LEAD; did you mean LEAD_CAPTURE?"),
        ("webhook: stripe, secrets: [env:A]", "type is missing"),
        ("webhook: stripe, secrets: [env:A], type: FEEDBACK, tolerance: 5min", "tolerance: a duration is"),
        ("webhook: stripe, secrets: [env:A], type: FEEDBACK, public_url: 'https://x'", "stripe has no options"),
        ("webhook: stripe, secrets: [env:A], type: FEEDBACK, map: {a: 'data.['}", "a: not JMESPath at"),
        ("webhook: stripe, secrets: [env:A], type: FEEDBACK, map: {a: 'lenght(data)'}", "did you mean length?"),
        ("webhook: hmac, secrets: [env:A], type: FEEDBACK, algorithm: md5", "there is no algorithm md5"),
        ("webhook: hmac, secrets: [env:A], type: FEEDBACK, signed: '{id}'", "signed must hold {body} once"),
        ("webhook: twilio, secrets: [env:A], type: FEEDBACK, public_url: x", "public_url is the address"),
        ("webhook: github, secrets: [env:A], type: FEEDBACK, trust_delivery_id: 'yes'", "must be true or false"),
        ("webhook: twilio, secrets: [env:A], type: FEEDBACK, trust_delivery_id: 1", "must be true or false"),
        ("webhook: stripe, secrets: [env:A], type: FEEDBACK, trust_delivery_id: true", "delete trust_delivery_id"),
        ("form: {fields: {name: required}}", "a form needs the person's address"),
        ("form: {fields: {email: required, site: optional}, honeypot: site}", "site is a field that people fill"),
        ("form: {fields: {email: required}, redirect: 'http://x.example/'}", "must be the address of a page"),
        ("form: {fields: {email: required}, redirect: 'https:///thanks'}", "begins with https:// and a host"),
        ("form: {fields: {email: required}, redirect: 'https://x.example/größe'}", "other characters as %C3%A9"),
        ("form: {fields: {email: required}, redirect: 'https://bücher.example/'}", "write a host as xn--…"),
        ("form: {fields: {email: required}, redirect: 'https://x.example/a b'}", "may hold only what stands in an"),
        ("form: {fields: {email: required}, redirect: \"https://x.example/\\n\"}", "may hold only what stands in an"),
        ("form: {fields: {email: required}, redirect: 'https://a:b@x.example/'}", "and nothing else there"),
        ("form: {fields: {email: required}, redirect: 'https://x.example;a/'}", "and nothing else there"),
        ("form: {fields: {email: required}, redirect: 'https://x.example:/'}", "and nothing else there"),
        ("form: {fields: {email: required}, redirect: 'https://x.example:66000/'}", "Port out of range"),
        ("form: {fields: {email: required}, redirect: 'https://[x/'}", "Invalid IPv6 URL"),
        ("form: {fields: {email: required}, origins: ['https://x.example/a']}", "must be an origin"),
        ("form: {fields: {email: required}, origins: ['https://bücher.example']}", "write a host as xn--…"),
        ("form: {fields: {email: required}, origins: ['https://a@x.example']}", "and nothing else there"),
        ("form: {fields: {email: needed}}", "must be 'required' or 'optional'"),
        ("form: {fields: {email: required}}, list: news", "there is no list news"),
        ("form: {fields: {email: required}}, locale: xx", "there is no xx"),
        ("form: {fields: {email: required}}, lead: {only: []}", "must be false, or say which fields"),
        ("webhook: stripe, secrets: [env:A], type: CONSENT", "there is no CONSENT"),
    ],
)  # fmt: skip
def test_sources(fields: str, expected: str) -> None:
    assert expected in only(f"version: 1\nsources: {{s: {{{fields}}}}}")


def form_of(line: str) -> Form:
    form = load(f"version: 1\nsources: {{s: {{form: {{fields: {{email: required}}, {line}}}}}}}").sources["s"].form
    assert form
    return form


def test_a_page_is_where_a_browser_is_sent_as_it_is_written() -> None:
    pages = ["https://x.example/gr%C3%B6%C3%9Fe?a=1#b", "https://intranet:8443/x", "http://localhost:3000/thanks"]

    for page in pages:
        assert form_of(f"redirect: '{page}'").redirect == page


def test_an_origin_is_kept_as_browsers_write_it() -> None:
    written = {
        "https://Shop.example": "https://shop.example",
        "https://shop.example:443/": "https://shop.example",
        "HTTPS://SHOP.example:8443": "https://shop.example:8443",
        "https://xn--bcher-kva.example": "https://xn--bcher-kva.example",
        "http://localhost:80": "http://localhost",
        "http://[::1]:3000": "http://[::1]:3000",
    }

    assert form_of(f"origins: {list(written)}").origins == tuple(written.values())


OWN = """version: 1
sources:
  erp:
    webhook: hmac
    secrets: [env:A]
    type: FEEDBACK
"""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["id_header: X-Id"], "7: id_header is not signed: signed is {body}, so a captured"),
        (["id_header: X-Id"], "Write {id} into signed"),
        (["id_header: X-Id", "timestamp_header: X-At"], "7: id_header is not signed: signed is {timestamp}.{body}"),
        (["timestamp_header: X-At", "signed: '{body}'"], "7: timestamp_header is not signed: signed is {body}, so"),
        (["timestamp_header: X-At", "signed: '{body}'"], "Write {timestamp} into signed"),
        (["id_header: X-Id", "timestamp_header: X-At", "signed: '{id}{timestamp}.{body}'"], "9: signed puts nothing"),
        (["timestamp_header: X-At", "signed: '{timestamp}{body}'"], "like {timestamp}.{body}"),
        (["id_header: X-Id", "signed: '{body}{id}'"], "like {body}.{id}"),
        (["signed: '{id}.{body}'"], "7: signed holds {id}, and nothing says where it comes from; add id_header"),
        (["signed: '{timestamp}.{body}'"], "7: signed holds {timestamp}, and nothing says where"),
        (["trust_delivery_id: true"], "7: trust_delivery_id trusts no header yet; add id_header"),
        (["id_header: X-Id", "signed: '{id}.{body}'", "trust_delivery_id: true"], "9: the id is signed"),
        (["id_header: X-Id", "trust_delivery_id: false"], "7: id_header is not signed"),
    ],
)  # fmt: skip
def test_an_hmac_signs_its_id_and_its_time(options: list[str], expected: str) -> None:
    assert expected in only(OWN + "".join(f"    {option}\n" for option in options))


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["timestamp_header: X-At"],
        ["timestamp_header: X-At", "signed: 'v0:{timestamp}:{body}'"],
        ["id_header: X-Id", "signed: '{id}.{body}'"],
        ["id_header: X-Id", "trust_delivery_id: true"],
        ["id_header: X-Id", "timestamp_header: X-At", "signed: '{timestamp}.{id}.{body}'", "trust_delivery_id: false"],
    ],
)
def test_an_hmac_that_signs_what_it_is_judged_by_is_right(options: list[str]) -> None:
    assert mistakes(OWN + "".join(f"    {option}\n" for option in options)) == []


def test_a_source_may_trust_an_id_that_is_not_signed() -> None:
    fields = "webhook: github, secrets: [env:A], type: CONTENT_PUBLISH, trust_delivery_id: true"

    assert load(f"version: 1\nsources: {{code: {{{fields}}}}}").sources["code"].options == {"trust_delivery_id": True}


CALL = "action: call, with: {method: POST, path: /x}"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"id: a, account: sight, {CALL}", "11: there is no account sight; did you mean site?"),
        (f"id: a, account: crm, {CALL}", "which can only upsert_contact; call needs an account at http"),
        ("id: a, account: site, action: cal, with: {}", "there is no action cal; did you mean call?"),
        ("id: a, account: site, action: post_message, with: {text: x}", "no provider can post_message yet"),
        (f"id: a b, account: site, {CALL}", "'a b' cannot be a name"),
        (f"id: a, account: site, delay: 3 days, {CALL}", "delay: a duration is"),
        (f"id: a, account: site, after: b, {CALL}", "there is no step b; there are none"),
        (f"id: a, account: site, after: a, {CALL}", "steps wait for each other: a after a"),
        (f"id: a, account: site, {CALL}, unless: \"clicked('b')\"", "since, such as clicked(), are not supported yet"),
        (f"id: a, account: site, {CALL}, when: \"lead.x == 'y'\"", "type, source, payload, not lead"),
        (f"id: a, account: site, {CALL}, when: ", "when is empty"),
        ("id: a, account: site, action: call", "11: with is missing"),
    ],
)
def test_steps(line: str, expected: str) -> None:
    assert expected in only(step(f"{{{line}}}"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("method: POST", "11: path is missing"),
        ("method: FETCH, path: /x", "there is no FETCH"),
        ("method: POST, path: '/{{ effect_id }}'", "effect_id is not known yet"),
        ("method: POST, path: /a/%2e%2e/b", "11: path leads out of the account's base_url"),
        ("method: POST, path: /x, headers: {'a b': c}", "'a b' is no header"),
        ("method: POST, path: /x, body: {a: ['{{ b }}']}", "did you mean payload.b?"),
    ],
)
def test_calls(arguments: str, expected: str) -> None:
    assert expected in only(step(f"{{id: a, account: site, action: call, with: {{{arguments}}}}}"))


def test_a_contacts_properties_are_plain() -> None:
    line = (
        "{id: a, account: crm, action: upsert_contact, with: {email: x@y.example, properties: {a: [b], c: 1, d: null}}}"
    )

    assert "a must be a text or a number" in only(step(line))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("subject: s, template: welcom", "there is no template welcom; write templates/welcom.html"),
        ("text: t", "subject is missing"),
        ("subject: s", "a mail needs words"),
        ("subject: 5, text: t", "subject must be text; put quotes"),
        ("subject: s, text: t, bcc: y", "there is no field bcc here"),
        ("subject: s, text: t, headers: {Bcc: y}", "each mail goes to one person"),
        ("subject: s, text: t, headers: {Reply-To: 'Inc., Fernwood <a@b.example>'}", "Reply-To is not an address"),
        ("subject: s, text: t, headers: {reply-to: ada}", "reply-to is not an address: it holds no @; write one, or"),
        ("subject: '{{ email }}', text: t", "did you mean payload.email?"),
        ("subject: '{{ event.sorce }}', text: t", "event has no sorce; did you mean source?"),
        ("subject: s, text: '{{ lead.name }}'", "text: lead is only known in the steps of a campaign; what the event"),
        ("subject: s, text: '{{ unsubscribe_url }}'", "a mail without a list is transactional"),
        ("subject: s, text: '{{ confirm_url }}'", "only known in the mail that asks to confirm a list"),
        ("subject: s, text: t, list: news", "there is no list news; a mail with a list goes only to people who agreed"),
        (
            "subject: s, text: 'a {% if run is defined %}x{% endif %}'",
            "run is only known in the steps of a campaign; take it out",
        ),
        ("subject: s, text: \"{{ variant | default('') }}\"", "variant is not supported yet; take it out"),
        ("subject: s, text: '{{ campaign }}'", "steps of a campaign; payload.campaign is the name"),
        ("subject: s, text: '{{ 1e400 }}'", "a number lies beyond 2^53 - 1"),
        ("subject: s, text: '{{ payload.a + 12345678901234567890 }}'", "a number lies beyond 2^53 - 1"),
        ("subject: s, text: '{{ now() }}'", "not now"),
        ("subject: s, text: '{{ payload.a | uper }}'", "there is no filter uper; did you mean upper?"),
        ("subject: s, text: '{{ payload.a'", "text: not a template"),
        ("subject: s, text: \"{% include 'a' %}\"", "only files of the folder of templates may include"),
    ],
)
def test_mails(arguments: str, expected: str) -> None:
    assert expected in only(
        step(f"{{id: a, account: mail, action: send_email, with: {{to: x@y.example, {arguments}}}}}")
    )


@pytest.mark.parametrize(
    ("action", "argument", "account"), [("send_email", "to", "mail"), ("upsert_contact", "email", "crm")]
)
def test_an_address_that_can_be_read_here_is_one(action: str, argument: str, account: str) -> None:
    rest = "subject: s, text: t" if action == "send_email" else "properties: {}"
    line = f"{{id: a, account: {account}, action: {action}, with: {{{argument}: ada at example, {rest}}}}}"

    assert f"{argument} is not an address: " in only(step(line))


def test_steps_in_a_circle_are_told_once() -> None:
    text = step(f"{{id: a, account: site, after: c, {CALL}}}") + "".join(
        f"      - {{id: {name}, account: site, after: {after}, {CALL}}}\n" for name, after in ("ba", "cb", "da")
    )

    assert "steps wait for each other: a after c after b after a; take one `after` out" in only(text)


def test_a_step_id_is_given_once() -> None:
    text = step(f"{{id: a, account: site, {CALL}}}") + f"      - {{id: a, account: site, {CALL}}}\n"

    assert "drumbeat.yaml:12: step a is there twice" in only(text)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("source = 'x'", "when: not JMESPath at character"),
        ("sorce == 'x'", "when: a condition sees type, source, payload, not sorce; did you mean source?"),
        ("email == 'x'", "did you mean payload.email?"),
        ("!payload.name", "put brackets around the path: !(payload.name)"),
        ("startswith(source, 'x')", "there is no function startswith; did you mean starts_with?"),
        ("(payload.list[?name == 'x'] | [0].ok) && nme", "not nme"),
    ],
)
def test_conditions(condition: str, expected: str) -> None:
    flow = f"flows:\n  f:\n    on: LEAD_CAPTURE\n    when: {json.dumps(condition)}\n    steps:\n"

    assert expected in only(f"{DOCUMENT}{flow}      - {{id: a, account: site, {CALL}}}")


@pytest.mark.parametrize("steps", ["", "    steps:", "    steps: []", "    steps: {}"])
def test_a_flow_has_steps(steps: str) -> None:
    assert "steps must be a list with at least one step" in only(
        f"{DOCUMENT}flows:\n  f:\n    on: LEAD_CAPTURE\n{steps}"
    )


@pytest.mark.parametrize(
    ("type", "why"),
    [
        ("FEEDBACK", "no flow acts on FEEDBACK, which is what providers report of mails; give the source another type"),
        ("CONSENT", "no flow acts on CONSENT; a sign-up that was confirmed is a LEAD_CAPTURE"),
        ("LEAD", "there is no LEAD; did you mean LEAD_CAPTURE?"),
    ],
)
def test_no_flow_is_on_what_providers_report_or_people_agree_to(type: str, why: str) -> None:
    flow = f"flows:\n  f:\n    on: {type}\n    steps:\n      - {{id: a, account: site, {CALL}}}"

    assert f"drumbeat.yaml:{len(DOCUMENT.splitlines()) + 3}: on: {why}" in only(f"{DOCUMENT}{flow}")


SHOP = """
sources:
  shop: {webhook: stripe, secrets: [env:A], type: LEAD_CAPTURE, map: {email: data.email, name: data.name}}
flows:
  f:
    on: ON
    when: "source == 'shop' && payload.name != 'x'"
    steps:
      - id: a
        account: mail
        action: send_email
        with: {to: "{{ payload.mail }}", template: t, headers: {X-A: "{{ payload.x | default('') }}"}}
"""


def test_a_flow_for_one_source_uses_the_fields_that_it_maps() -> None:
    found = mistakes(
        DOCUMENT + SHOP.replace("ON", "LEAD_CAPTURE"),
        {"t.txt": "---\nsubject: Hi\n---\n{{ payload.nme }} {{ payload.y if payload.y is defined }}"},
    )

    assert any("payload.mail is used, and the source's map has no mail; did you mean email?" in one for one in found)
    assert any("payload.nme is used, and the source's map has no nme; did you mean name?" in one for one in found)
    assert not any("payload.x " in one for one in found)


def test_a_flow_for_one_source_is_on_its_type() -> None:
    found = mistakes(
        DOCUMENT + SHOP.replace("ON", "CONTENT_PUBLISH").replace("payload.mail", "payload.email"), {"t.txt": "a"}
    )

    assert any("the events of shop are LEAD_CAPTURE, so this flow would never run" in one for one in found)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("schedule: every monday", "schedule: a schedule is"),
        ("schedule: rate(1 day), timezone: Mars", "there is no timezone Mars"),
        ("schedule: rate(1 day), audience: {source: x}", "audience must be text"),
        ("schedule: rate(1 day), pace: 5/s", "pace is for a campaign with an audience"),
    ],
)
def test_campaigns(fields: str, expected: str) -> None:
    assert expected in only(f"version: 1\ncampaigns: {{c: {{{fields}}}}}")


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("a.md", "x", "templates/a.md:1: a template is NAME.mjml, NAME.html or NAME.txt"),
        ("a b.txt", "x", "templates/a b.txt:1: a template is"),
        ("a.txt", "one\n{{ nobody }}", "templates/a.txt:2: a text sees event, payload"),
        ("a.txt", "---\nsubject: Hi\n---\none\n{{ payload.x", "templates/a.txt:5: not a template"),
        ("a.txt", "---\nsubject: '{{ x }}'\n---\n", "templates/a.txt:2: subject: a text sees"),
        (
            "a.txt",
            "---\nsubjekt: Hi\n---\n",
            "a.txt:2: there is no field subjekt here; did you mean subject?",
        ),
        ("a.txt", "---\nsubject: 5\n---\n", "templates/a.txt:2: subject must be text"),
        ("a.txt", "---\nsubject: a: b\n---\n", "templates/a.txt:2: not YAML"),
        ("a.txt", "---\nsubject: Hi\n", "templates/a.txt:1: the front matter does not end"),
        ("a.txt", '---\nsubject: "\\0"\n---\n', "templates/a.txt:2: a text holds the character NUL; delete it"),
        ("a.txt", '---\nsubject: "\\ud800"\n---\n', "templates/a.txt:2: a text holds half of a surrogate pair"),
        ("a.txt", "one\ntwo\0", "templates/a.txt:2: a text holds the character NUL; delete it"),
        ("a.html", "x" * 500_000, "templates/a.html:1: over 400 KiB"),
    ],
)
def test_templates(file: str, text: str, expected: str) -> None:
    assert expected in only("version: 1", {file: text})


@pytest.mark.parametrize(
    "text",
    [
        "---\nsubject: 42\n---\nx",
        "---\nsubject: News: the fern\n---\nx",
        "---\nsubjct: Hi\n---\nx",
        "---\nsubject: Hi\nx",
        "---\nsubject: Hi\n---\nx\0",
        "---\nsubject: Hi\n---\n" + "x" * 500_000,
    ],
)
def test_a_subject_that_cannot_be_read_is_not_called_missing(text: str) -> None:
    mail = step("{id: a, account: mail, action: send_email, with: {to: a@b.example, template: t}}")

    assert "templates/t.txt:" in only(mail, {"t.txt": text})
    assert "subject is missing" in only(mail, {"t.txt": "---\npreheader: Hi\n---\nx"})


def test_two_subjects_for_one_mail_are_a_mistake() -> None:
    html, text = "---\nsubject: A\n---\nx", "---\nsubject: B\n---\nx"

    assert "templates/a.txt:2: another subject than in a.html" in only("version: 1", {"a.html": html, "a.txt": text})


def test_all_mistakes_come_at_once_in_the_order_of_their_lines() -> None:
    text = """version: 1
accounts:
  mail: {provider: mailgn}
  crm: {provider: hubspot, secrets: {token: env:A}, limits: [much]}
flows:
  f:
    on: LEAD
    steps:
      - {id: a, account: cmr, action: upsert_contact, delay: 1, with: {email: "{{ x }}", properties: {}}}
      - {id: b, account: crm, action: upsert_contact, after: c, with: {email: x@y.example, propertys: {}}}
"""

    found = mistakes(text, {"t.txt": "{{ y }}"})

    assert [one.partition(": ")[0] for one in found] == [
        "drumbeat.yaml:3",
        "drumbeat.yaml:4",
        "drumbeat.yaml:7",
        *["drumbeat.yaml:9"] * 3,
        *["drumbeat.yaml:10"] * 3,
        "templates/t.txt:1",
    ]


def test_a_value_that_may_be_a_secret_is_never_quoted() -> None:
    text = account("provider: hubspot, secrets: {token: pat-na1-abcdef, other: hunter2, third: 5}")

    assert "abcdef" not in "".join(mistakes(text))
    assert "hunter2" not in "".join(mistakes(text))


BILLION = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "\n".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]" for before, name in pairwise("abcdefghi")
)


@pytest.mark.point(1)
@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        "version: 1\na: " + "[" * 60 + "]" * 60,
        BILLION,
        "a: &a [*a]",
        "x" * 600_000,
        "version: 1\nx: \"\\ud800\"",
        "version: 99999999999999999999999999",
    ],
)  # fmt: skip
def test_hostile_documents_are_refused_in_bounded_work(text: str) -> None:
    assert mistakes(text)


@settings(max_examples=150)
@given(st.text(st.sampled_from("version:1\n {}[]-'\"&*!|>#%@`,flowsaccount ")), st.dictionaries(st.text(), st.text()))
def test_any_text_is_either_compiled_or_refused(text: str, templates: dict[str, str]) -> None:
    compiled: dict[str, object] | None = None
    found: list[Mistake] = []
    try:
        compiled = compile_document(text, templates)
    except ConfigError as error:
        found = error.mistakes

    assert (compiled is None) == bool(found)
    assert all(mistake.line >= 1 for mistake in found)


def spots(tree: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """List every place in a document."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(spot for key, value in inner for spot in spots(value, (*path, key)))]


def replaced(tree: object, path: tuple[str | int, ...], value: object) -> object:
    if not path:
        return value
    copy = dict(tree) if isinstance(tree, dict) else list(tree)  # type: ignore[call-overload] # a place in it
    copy[path[0]] = replaced(copy[path[0]], path[1:], value)
    return copy


WHOLE = yaml_lines.read((Path(__file__).resolve().parents[3] / "campaigns/drumbeat.yaml").read_text(), "x").data
ANYTHING = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.just("{{ payload.x }}")
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=4,
)


@settings(max_examples=200)
@example(("flows", "thanks", "on"), "\U00010000")  # JSON writes it as two halves, which YAML does not join
@given(st.sampled_from(spots(WHOLE)), ANYTHING)
def test_a_sound_document_with_anything_anywhere_is_compiled_or_refused(
    path: tuple[str | int, ...], value: object
) -> None:
    text = json.dumps(replaced(WHOLE, path, value))  # JSON is YAML

    compiled: dict[str, object] | None = None
    with suppress(ConfigError):
        compiled = compile_document(
            text, {"welcome.txt": "---\nsubject: Hi\n---\nHi", "thanks.txt": "---\nsubject: Hi\n---\nHi"}
        )

    if compiled is not None:
        Config.load(1, json.loads(json.dumps(compiled)))

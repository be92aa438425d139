"""What `apply` refuses of lists, and of the mails that belong to one."""

import pytest

from drumbeat.configuration.document import compile_document
from drumbeat.core.compatibility import FORMS, LISTS, SPLIT
from drumbeat.core.errors import ConfigError, Mistake

ADDRESS = "Fernwood GmbH, Am Wald 1, 10115 Berlin"
WHOLE = "public_url: 'https://hooks.example.com', postal_address: 'Fernwood GmbH, Am Wald 1, 10115 Berlin'"
RIGHT = "{{ unsubscribe_url }} {{ postal_address }}"
ASKS = {"confirm.txt": "---\nsubject: s\n---\n{{ confirm_url }}"}


def document(
    mail: str = "subject: s, text: '{{ unsubscribe_url }} {{ postal_address }}'",
    *,
    defaults: str = WHOLE,
    lists: str = "{news: {title: News}}",
    more: str = "",
) -> str:
    return f"""version: 1
defaults: {{{defaults}}}
accounts:
  mail: {{provider: resend, settings: {{from: a@mg.example.com}}, secrets: {{api_key: env:MAIL}}}}
  crm: {{provider: hubspot, secrets: {{token: env:CRM}}}}
lists: {lists}
{more}
flows:
  f:
    on: LEAD_CAPTURE
    steps:
      - {{id: a, account: mail, action: send_email, with: {{to: x@y.example, list: news, {mail}}}}}
"""


def mistakes(text: str, templates: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        compile_document(text, templates or {})
    return [str(mistake) for mistake in refused.value.mistakes]


def warnings(text: str, templates: dict[str, str] | None = None, *, sandbox: bool = True) -> list[Mistake]:
    found: list[Mistake] = []
    compile_document(text, templates or {}, sandbox=sandbox, warn=found.append)
    return found


def test_a_mail_to_a_list_that_people_can_leave_is_taken() -> None:
    compiled = compile_document(document(), {})

    assert compiled["lists"] == {"news": {"title": "News", "description": "", "confirm": None}}
    assert LISTS in compiled["must_understand"]


def test_the_postal_address_may_be_written_out() -> None:
    words = "Bye: {{ unsubscribe_url }}\\nFernwood GmbH,\\n Am Wald 1, 10115 Berlin"

    assert compile_document(document(f'subject: s, text: "{words}"'), {})


@pytest.mark.parametrize(
    ("mail", "expected"),
    [
        ("subject: s, text: '{{ postal_address }}'", "the text of a mail to a list must hold {{ unsubscribe_url }}"),
        ("subject: s, text: '{{ unsubscribe_url }}'", "must hold the sender's postal address"),
        (f"subject: s, text: '{RIGHT}', html: '<p>'", "the html of a mail to a list must hold {{ unsubscribe_url }}"),
        (f"subject: s, text: '{RIGHT}', headers: {{list-unsubscribe: x}}", "list-unsubscribe is set for you"),
        (f"subject: s, text: '{RIGHT}', headers: {{Feedback-ID: x}}", "Feedback-ID is set for you"),
        (f"subject: s, text: '{RIGHT} {{{{ confirm_url }}}}'", "only known in the mail that asks to confirm"),
    ],
)
def test_a_mail_to_a_list_must_say_how_to_leave_it_and_who_sends_it(mail: str, expected: str) -> None:
    assert any(expected in mistake for mistake in mistakes(document(mail)))


@pytest.mark.parametrize(
    ("defaults", "expected"),
    [
        (f"postal_address: '{ADDRESS}'", "a mail to a list needs public_url under defaults"),
        ("public_url: 'https://hooks.example.com'", "a mail to a list needs postal_address under defaults"),
        ("public_url: 'http://hooks.example.com', postal_address: x", "must be an address that begins with https://"),
        ("public_url: 'https://hooks', postal_address: x", "must be an address that begins with https://"),
        ("public_url: 'https://hooks.example.com/?a=b', postal_address: x", "must be an address that begins with"),
        ("public_url: hooks.example.com, postal_address: x", "must be an address that begins with https://"),
    ],
)
def test_a_mail_to_a_list_needs_a_place_where_people_leave_it(defaults: str, expected: str) -> None:
    found = mistakes(document(defaults=defaults))

    assert len(found) == 1
    assert expected in found[0]


def test_a_list_that_is_not_there_is_named() -> None:
    found = mistakes(document(lists="{newsletter: {title: News}}"))

    assert "there is no list news; did you mean newsletter?" in found[0]


@pytest.mark.parametrize(
    ("confirm", "templates", "expected"),
    [
        ("{account: mial, template: confirm}", ASKS, "there is no account mial; did you mean mail?"),
        ("{account: crm, template: confirm}", ASKS, "crm is at hubspot, which sends no mail"),
        ("{account: mail, template: confrim}", ASKS, "there is no template confrim; did you mean confirm?"),
        ("{account: mail, template: confirm}", {"confirm.txt": "x {{ confirm_url }}"}, "subject is missing"),
        (
            "{account: mail, template: confirm}",
            {"confirm.txt": "---\nsubject: s\n---\nx"},
            "the text of confirm holds no {{ confirm_url }}",
        ),
        (
            "{account: mail, template: confirm}",
            ASKS | {"confirm.html": "<p>x"},
            "the html of confirm holds no {{ confirm_url }}",
        ),
        (
            "{account: mail, template: confirm}",
            {"confirm.txt": "---\nsubject: s\n---\n{{ confirm_url }} {{ unsubscribe_url }}"},
            "there is nothing yet to unsubscribe from",
        ),
    ],
)
def test_a_list_asks_for_confirmation_only_by_a_mail_that_can_be_sent_and_answered(
    confirm: str, templates: dict[str, str], expected: str
) -> None:
    found = mistakes(document(lists=f"{{news: {{title: News, confirm: {confirm}}}}}"), templates)

    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(
    ("part", "template"),
    [
        ("text", {"confirm.txt": "---\nsubject: s\n---\n{{ payload.name }} {{ confirm_url }}"}),
        ("subject", {"confirm.txt": "---\nsubject: '{{ payload.name }}'\n---\n{{ confirm_url }}"}),
        ("html", ASKS | {"confirm.html": "{% if payload.name %}x{% endif %} {{ confirm_url }}"}),
    ],
)
def test_words_of_strangers_in_the_mail_that_asks_are_warned_of(part: str, template: dict[str, str]) -> None:
    text = document(lists="{news: {title: News, confirm: {account: mail, template: confirm}}}")

    (warning,) = warnings(text, template)

    assert (warning.line, f"the {part} of confirm uses payload" in warning.message) == (6, True)
    assert warnings(text, ASKS) == []


@pytest.mark.parametrize(
    ("host", "is_warned"),
    [
        ("hooks.example.com", True),
        ("example.org", True),
        ("hooks.test", True),
        ("a.b.invalid", True),
        ("fernwood.example", True),
        ("hooks.localhost", True),
        ("hooks.fernwood.com", False),
        ("myexample.com", False),
        ("test.fernwood.com", False),
    ],
)
def test_an_address_for_examples_is_warned_of_where_real_people_get_mail(host: str, is_warned: bool) -> None:
    text = document(defaults=f"public_url: 'https://{host}', postal_address: x")

    assert [host in each.message for each in warnings(text, sandbox=False)] == [True] * is_warned
    assert warnings(text) == []


def test_a_list_that_asks_for_confirmation_needs_a_page_for_it() -> None:
    text = document(
        defaults=f"postal_address: '{ADDRESS}'",
        lists="{news: {title: News, confirm: {account: mail, template: confirm}}}",
    )

    assert any("a person confirms on a page: give its address as public_url" in each for each in mistakes(text, ASKS))


def test_a_form_and_a_split_make_the_release_before_wait() -> None:
    sources = """sources:
  signup: {form: {fields: {email: required}}, list: news}
  hook: {webhook: github, secrets: [env:A], type: CONTENT_PUBLISH, split: facts}
"""

    compiled = compile_document(document(more=sources), {})

    assert {FORMS, SPLIT} <= set(compiled["must_understand"])
    assert compiled["sources"]["signup"]["lead"] is None


@pytest.mark.parametrize(
    ("lead", "compiled"), [("true", None), ("false", []), ("{only: [name, plan]}", ["name", "plan"])]
)
def test_a_source_says_what_becomes_of_leads(lead: str, compiled: object) -> None:
    sources = f"sources: {{signup: {{form: {{fields: {{email: required}}}}, lead: {lead}}}}}"

    assert compile_document(document(more=sources), {})["sources"]["signup"]["lead"] == compiled


LAYOUT = {"letter.html": '{% extends "l.html" %}', "l.html": "---\nsubject: s\n---\n" + RIGHT}


def test_the_link_and_the_address_may_stand_in_a_layout() -> None:
    assert compile_document(document("subject: s, template: letter"), LAYOUT)

    without = LAYOUT | {"l.html": "{{ postal_address }}"}
    (found,) = mistakes(document("subject: s, template: letter"), without)
    assert "the html of a mail to a list must hold {{ unsubscribe_url }}" in found


@pytest.mark.parametrize(("name", "field"), [("lead", "plan"), ("campaign", "name"), ("run", "id")])
def test_a_flow_has_no_template_that_is_for_campaigns(name: str, field: str) -> None:
    words = {"letter.txt": f"{RIGHT} {{{{ {name}.{field} }}}}"}

    (found,) = mistakes(document("subject: s, template: letter"), words)

    assert f"template: {name} is only known in the steps of a campaign" in found


def test_a_confirmation_knows_no_lead() -> None:
    words = {"confirm.txt": "---\nsubject: Hi {{ lead.name }}\n---\n{{ confirm_url }}"}
    lists = "{news: {title: News, confirm: {account: mail, template: confirm}}}"

    assert any("the subject of confirm uses lead" in each for each in mistakes(document(lists=lists), words))


def test_a_template_that_cannot_be_read_is_a_mistake_also_where_its_fields_are_compared() -> None:
    source = "sources: {shop: {webhook: github, secrets: [env:A], type: LEAD_CAPTURE, map: {a: b}}}"
    text = document("subject: s, template: letter", more=source).replace(
        "on: LEAD", "when: source == 'shop'\n    on: LEAD"
    )

    assert any("letter.txt:1: not a template" in each for each in mistakes(text, {"letter.txt": "{{ payload.x"}))

import json
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumbeat.core.actions import Action, Call, SendEmail, UpsertContact
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.planning.plan import plan
from drumbeat.planning.render import Unrenderable, render
from tests.unit.configuration.samples import config, event

EFFECT = UUID(int=9)
WORDS = {
    "hi.html": '---\nsubject: "Hi {{ payload.name }}"\n---\n<p>{{ payload.name }} & {{ effect_id }}</p>',
    "hi.txt": "{{ payload.name }}",
}


def one_step(account: str, action: str, arguments: Mapping[str, object]) -> str:
    step = {"id": "s", "account": account, "action": action, "with": arguments}
    return f"  f: {{on: LEAD_CAPTURE, steps: [{json.dumps(step)}]}}"


def rendered(
    payload: object, account: str, action: str, arguments: Mapping[str, object], semantics: int = SEMANTICS
) -> Action:
    version = config(one_step(account, action, arguments), templates=WORDS).by(semantics)
    return render(event(payload), version, "f", "s", effect_id=EFFECT)


def mail(payload: object, **arguments: object) -> SendEmail:
    given = {"to": "{{ payload.email }}", "template": "hi"} | arguments
    made = rendered({"email": "ada@example.com", "name": "Ada"} | dict(payload), "mail", "send_email", given)  # type: ignore[call-overload] # a mapping
    assert isinstance(made, SendEmail)
    return made


def test_a_mail_takes_its_words_from_the_template() -> None:
    assert mail({}) == SendEmail(
        to="ada@example.com", subject="Hi Ada", text="Ada", html=f"<p>Ada & {EFFECT}</p>", headers={}, list=None
    )


def test_what_the_step_says_wins_over_the_template() -> None:
    made = mail({}, subject="Yo {{ payload.name }}", text="Y", html="<i>{{ payload.name }}</i>")

    assert (made.subject, made.text, made.html) == ("Yo Ada", "Y", "<i>Ada</i>")


def test_values_are_escaped_in_html_and_nowhere_else() -> None:
    made = mail({"name": "<Ada> & co"})

    assert made.html is not None
    assert made.html.startswith("<p>&lt;Ada&gt; &amp; co")
    assert (made.text, made.subject) == ("<Ada> & co", "Hi <Ada> & co")


@pytest.mark.parametrize("separator", ["\n", "\r", "\r\n", "\x00", "\x0b", "\u2028", "\x85"])
@pytest.mark.parametrize("place", ["subject", "headers"])
def test_nothing_of_an_event_can_begin_a_header(separator: str, place: str) -> None:
    value = "{{ payload.name }} x"

    with pytest.raises(Unrenderable, match="line break") as refused:
        mail(
            {"name": f"Ada{separator}Bcc: eve@example.com"},
            **{place: {"X-Name": value} if place == "headers" else value},
        )

    assert "eve" not in str(refused.value)


def test_space_around_a_line_is_no_break() -> None:
    assert mail({"name": "Ada\n"}).subject == "Hi Ada"


def test_an_empty_subject_is_refused() -> None:
    with pytest.raises(Unrenderable, match="subject is empty"):
        mail({"name": " "}, subject="{{ payload.name }}")


def test_a_missing_field_is_refused_and_named() -> None:
    with pytest.raises(Unrenderable, match=r"text: its text uses payload\.company"):
        mail({}, text="{{ payload.company }}")


def test_half_a_character_is_refused() -> None:
    with pytest.raises(Unrenderable, match="half a character"):
        mail({"name": "\ud83d"}, subject="Hi")


def test_a_mail_that_grows_too_large_is_refused() -> None:
    with pytest.raises(Unrenderable, match="grows over 512 KiB"):
        mail({"name": "x" * 1000}, text="{% for i in range(1000) %}{{ payload.name }}{% endfor %}")


def test_contact_properties_are_texts() -> None:
    made = rendered(
        {"email": "ada@EXAMPLE.com", "age": 36},
        "crm",
        "upsert_contact",
        {
            "email": "{{ payload.email }}",
            "properties": {"n": "", "age": "{{ payload.age }}", "two": 2},
        },
    )

    assert made == UpsertContact("ada@example.com", {"age": "36", "n": "", "two": "2"})


def test_a_body_that_is_no_text_is_sent_as_json_in_one_fixed_order() -> None:
    made = rendered(
        {"name": 'A "d" a'},
        "site",
        "call",
        {
            "method": "POST",
            "path": "/x",
            "headers": {"X-B": "{{ event.source }}", "X-A": "1"},
            "body": {"z": ["{{ payload.name }}", 1, None, True], "a": {"id": "{{ event.id }}"}},
        },
    )

    assert isinstance(made, Call)
    assert made.body == '{"a":{"id":"00000000-0000-0000-0000-000000000007"},"z":["A \\"d\\" a",1,null,true]}'
    assert list(made.headers.items()) == [("X-A", "1"), ("X-B", "website")]


def test_a_body_that_is_text_is_sent_as_it_is() -> None:
    made = rendered({"n": 1}, "site", "call", {"method": "PUT", "path": "/x", "body": "n={{ payload.n }}"})

    assert made == Call("PUT", "/x", "n=1", {})


def test_an_erased_event_is_refused() -> None:
    version = config(one_step("mail", "send_email", {"to": "a@b.example", "template": "hi"}), templates=WORDS)

    with pytest.raises(Unrenderable, match="erased"):
        render(replace(event({}), body=None), version, "f", "s", effect_id=EFFECT)


@pytest.mark.parametrize(("flow", "step"), [("f", "nobody"), ("nobody", "s")])
def test_a_step_that_the_version_lacks_is_refused(flow: str, step: str) -> None:
    version = config(one_step("mail", "send_email", {"to": "a@b.example", "template": "hi"}), templates=WORDS)

    with pytest.raises(Unrenderable, match="not in version 1"):
        render(event({}), version, flow, step, effect_id=EFFECT)


@pytest.mark.point(45)
@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(["email", "name"]), st.one_of(st.emails(), st.text(), st.integers(), st.none())))
def test_the_same_effect_is_rendered_the_same_and_goes_where_it_was_planned(payload: dict[str, object]) -> None:
    version = config(one_step("mail", "send_email", {"to": "{{ payload.email }}", "template": "hi"}), templates=WORDS)
    planned = plan(event(payload), version).effects
    if not planned:
        return

    def attempt(payload: object) -> object:
        try:
            return render(event(payload), version, "f", "s", effect_id=planned[0].id)
        except Unrenderable as refused:
            return str(refused)

    first = attempt(payload)

    assert first == attempt(dict(reversed(payload.items())))
    if isinstance(first, SendEmail):
        assert first.to == planned[0].target
        assert "\n" not in first.subject


# ---------------------------------------------------------------- headers that are addresses


@pytest.mark.parametrize(
    ("filled", "sent"),
    [
        ("eve@EXAMPLE.com", "eve@example.com"),
        ("Eve <eve@example.com>", "Eve <eve@example.com>"),
        ("mailto:eve@example.com", "eve@example.com"),
        ("Fernwood Inc. <eve@faß.example>", '"Fernwood Inc." <eve@xn--fa-hia.example>'),
    ],
)
@pytest.mark.parametrize("header", ["Reply-To", "reply-to", "Errors-To"])
def test_a_reply_address_that_the_event_gives_is_read_like_any_other(header: str, filled: str, sent: str) -> None:
    made = mail({"answer": filled}, headers={header: "{{ payload.answer }}", "X-A": "b, c"})

    assert made.headers == {header: sent, "X-A": "b, c"}


@pytest.mark.parametrize("filled", ["Inc., Fernwood <eve@example.com>", "eve", "eve@example.com, ada@example.com"])
def test_one_that_is_no_address_refuses_the_mail_without_repeating_it(filled: str) -> None:
    with pytest.raises(Unrenderable, match=r"headers\.Reply-To is not an address") as refused:
        mail({"answer": filled}, headers={"Reply-To": "{{ payload.answer }}"})

    assert "eve" not in str(refused.value)


def test_without_one_there_is_no_such_header() -> None:
    assert mail({"answer": None}, headers={"Reply-To": "{{ payload.answer }}"}).headers == {}


def test_by_the_first_rules_a_header_is_what_was_filled_in() -> None:
    version = config(one_step("mail", "send_email", {"to": "{{ payload.email }}", "subject": "Hi", "text": "Hi",
                                                     "headers": {"Reply-To": "{{ payload.answer }}"}}))  # fmt: skip
    sent = render(event({"email": "user@faß.de", "answer": "a, b"}), version.by(1), "f", "s", effect_id=EFFECT)

    assert isinstance(sent, SendEmail)
    assert (sent.to, sent.headers) == ("user@fass.de", {"Reply-To": "a, b"})

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumbeat.core import ids
from drumbeat.core.configuration import Config, Flow
from drumbeat.planning.plan import plan, plan_flow
from tests.unit.configuration.samples import NOON, config, event

WELCOME = """
  welcome:
    on: LEAD_CAPTURE
    steps:
      - {id: contact, account: crm, action: upsert_contact, with: {email: "{{ payload.email }}", properties: {a: b}}}
      - id: hello
        account: mail
        action: send_email
        delay: 3d
        after: contact
        with: {to: "{{ payload.email }}", subject: Hi, text: Hi}
      - {id: tell, account: site, action: call, after: hello, with: {method: POST, path: "/leads/{{ payload.id }}"}}
"""
ADA = {"email": " Ada@EXAMPLE.com", "id": "7"}


def shuffled(config: Config) -> Config:
    return replace(
        config, flows=dict(reversed(list(config.flows.items()))), accounts=dict(reversed(list(config.accounts.items())))
    )


def test_each_step_becomes_an_effect_for_its_target() -> None:
    planned = plan(event(ADA), config(WELCOME))

    assert [(one.step, one.account, one.action, one.target, one.needs_consent) for one in planned.effects] == [
        ("contact", "crm", "upsert_contact", "Ada@example.com", False),
        ("hello", "mail", "send_email", "Ada@example.com", True),
        ("tell", "site", "call", "POST /leads/7", False),
    ]
    assert not planned.failed


def test_an_effect_is_named_by_event_flow_step_and_target() -> None:
    planned = plan(event(ADA), config(WELCOME))

    assert planned.effects[1].id == ids.effect_id(event(ADA).id, "welcome", "hello", "Ada@example.com")


def test_steps_know_whom_they_wait_for_and_who_waits_for_them() -> None:
    contact, hello, tell = plan(event(ADA), config(WELCOME)).effects

    assert (contact.after, hello.after, tell.after) == (None, contact.id, hello.id)
    assert (contact.dependents, hello.dependents, tell.dependents) == ((hello.id,), (tell.id,), ())


def test_delays_count_from_receipt() -> None:
    assert plan(event(ADA), config(WELCOME)).effects[1].due_at == NOON + timedelta(days=3)


def test_delays_count_from_the_scheduled_time_if_there_is_one() -> None:
    later = datetime(2026, 7, 1, 9, tzinfo=timezone(timedelta(hours=2)))

    contact, hello, _ = plan(event(ADA, scheduled_at=later), config(WELCOME)).effects

    assert contact.due_at == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert hello.due_at == datetime(2026, 7, 4, 7, tzinfo=UTC)


def test_a_time_beyond_the_calendar_fails_the_flow() -> None:
    planned = plan(event(ADA, scheduled_at=datetime.max.replace(tzinfo=UTC)), config(WELCOME))

    assert planned.effects == ()
    assert "calendar" in planned.failed["welcome"]


def test_a_flow_for_another_type_of_event_is_not_planned() -> None:
    planned = plan(event(ADA, type="FEEDBACK"), config(WELCOME))

    assert (planned.effects, planned.failed) == ((), {})


def test_a_version_that_was_applied_with_a_flow_for_feedback_goes_on() -> None:
    today = config(WELCOME)
    before = replace(today, flows={name: replace(flow, on="FEEDBACK") for name, flow in today.flows.items()})

    planned = plan(event(ADA, type="FEEDBACK"), before)

    assert [one.step for one in planned.effects] == [one.step for one in plan(event(ADA), today).effects]
    assert planned.effects


def conditional(condition: str) -> Config:
    return config(f"""
  only:
    on: LEAD_CAPTURE
    when: {json.dumps(condition)}
    steps: [{{id: tell, account: site, action: call, with: {{method: POST, path: /x}}}}]
""")


@pytest.mark.parametrize(
    ("condition", "planned"),
    [
        ("source == 'landing'", True),
        ("source == 'elsewhere'", False),
        ("type == 'LEAD_CAPTURE' && payload.score > `3`", True),
        ("contains(payload.tags, 'vip')", True),
        ("payload.tags", False),  # true-ish is not true
        ("payload.nobody", False),
        ("!(payload.nobody)", True),
        ("payload.yes", True),
        ("payload.one", False),  # 1 is not true
    ],
)
def test_a_flow_is_planned_when_its_condition_is_exactly_true(condition: str, planned: bool) -> None:
    payload = {"score": 5, "tags": ["vip"], "yes": True, "one": 1}

    assert bool(plan(event(payload, source="landing"), conditional(condition)).effects) is planned


def test_a_condition_that_errs_fails_its_flow_without_quoting_the_payload() -> None:
    planned = plan(event({"email": "ada@example.com"}), conditional("sum(payload.email) > `3`"))

    assert planned.effects == ()
    assert "condition" in planned.failed["only"]
    assert "ada" not in planned.failed["only"]


STEPS = """
  f:
    on: LEAD_CAPTURE
    steps:
      - {id: a, account: site, action: call, when: "payload.country == 'DE'", with: {method: POST, path: /a}}
      - {id: b, account: site, action: call, unless: "payload.country == 'DE'", with: {method: POST, path: /b}}
      - {id: c, account: site, action: call, after: b, with: {method: POST, path: /c}}
      - {id: d, account: site, action: call, after: c, with: {method: POST, path: /d}}
"""


@pytest.mark.parametrize(("country", "steps"), [("DE", ["a"]), ("FR", ["b", "c", "d"])])
def test_a_step_whose_condition_fails_is_left_out_with_what_waits_for_it(country: str, steps: list[str]) -> None:
    planned = plan(event({"country": country}), config(STEPS))

    assert [effect.step for effect in planned.effects] == steps


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({}, r"step contact: email: its text uses payload\.email"),
        ({"email": "ada at example.com", "id": "7"}, "step contact: email is not an address"),
        ({"email": "ada@example.com\nBcc: eve@example.com", "id": "7"}, "email is not an address"),
        ({"email": "ada@example.com", "id": "a\r\nX-Evil: 1"}, "step tell: path holds a line break"),
        ({"email": "ada@example.com", "id": "../../admin"}, "path holds a . or .."),
        ({"email": "ada@example.com", "id": "%2e%2e/admin"}, "path holds a . or .."),
        ({"email": "ada@example.com", "id": "\ud800"}, "path: its text|half a character"),
        ({"email": None, "id": "7"}, "it is empty"),
        ({"email": ["ada@example.com"], "id": "7"}, "not an address"),
    ],
)
def test_a_target_that_cannot_be_told_fails_its_flow_alone(payload: dict[str, object], reason: str) -> None:
    step = "{id: x, account: site, action: call, with: {method: PUT, path: /x}}"
    other = f"  other: {{on: LEAD_CAPTURE, steps: [{step}]}}"

    planned = plan(event(payload), config(f"{WELCOME}\n{other}"))

    assert [effect.flow for effect in planned.effects] == ["other"]
    assert list(planned.failed) == ["welcome"]
    assert re.search(reason, planned.failed["welcome"])
    assert "ada" not in planned.failed["welcome"]


@pytest.mark.parametrize("body", [None, b"", b"[]", b"{", b'{"payload": 1}', b"\xff"])
def test_a_body_that_gives_no_payload_fails_every_flow_that_acts(body: bytes | None) -> None:
    broken = replace(event({}), body=body)

    planned = plan(broken, config(WELCOME))

    assert planned.effects == ()
    assert list(planned.failed) == ["welcome"]


def test_a_mapped_field_that_the_delivery_lacks_is_null_and_makes_no_other_path() -> None:
    map = "{email: data.email, id: data.id}"
    shop = f"sources:\n  shop: {{webhook: github, secrets: [env:X], type: LEAD_CAPTURE, map: {map}}}"
    delivered = event(None, source="shop", door="webhook", body=b'{"data": {"email": "ada@example.com"}}')
    version = config(WELCOME, more=shop)

    assert "path has an empty part" in plan(delivered, version).failed["welcome"]
    targets = [effect.target for effect in plan(delivered, version.by(2)).effects]
    assert targets == ["ada@example.com", "ada@example.com", "POST /leads/"]


def test_one_flow_planned_alone_is_the_same_as_in_the_whole_plan() -> None:
    both = config(WELCOME + STEPS)
    payload = {**ADA, "country": "DE"}

    alone = plan_flow(event(payload), both, "welcome")

    assert alone.effects == tuple(one for one in plan(event(payload), both).effects if one.flow == "welcome")
    assert alone.version == both.version


def test_the_hash_tells_plans_apart() -> None:
    hashes = {
        plan(event(ADA), config(WELCOME)).hash,
        plan(event({**ADA, "email": "eve@example.com"}), config(WELCOME)).hash,
        plan(event({**ADA, "id": "8"}), config(WELCOME)).hash,
        plan(event(ADA), config(WELCOME.replace("3d", "4d"))).hash,
        plan(event(ADA), config(WELCOME.replace("after: contact", "after: tell").replace("after: hello, ", ""))).hash,
        plan(event(ADA, type="FEEDBACK"), config(WELCOME)).hash,
    }

    assert len(hashes) == 6
    assert all(len(one) == 32 for one in hashes)


def test_the_hash_is_the_same_in_every_release() -> None:
    # Stored with each plan for ever: another value here means that old plans can no longer be verified.
    assert plan(event(ADA), config(WELCOME)).hash.hex() == (
        "c55b214a57903b59b7d5caa86292ba81810f30ac2104d0c5134adea053ca81e8"
    )


@settings(max_examples=50)
@given(
    st.dictionaries(st.sampled_from(["email", "id", "country", "name"]), st.one_of(st.emails(), st.text(), st.none())),
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),
)
def test_the_same_event_and_version_give_the_same_plan(payload: dict[str, object], scheduled_at: datetime) -> None:
    version = config(WELCOME + STEPS)

    first = plan(event(payload, scheduled_at=scheduled_at), version)
    second = plan(event(dict(reversed(payload.items())), scheduled_at=scheduled_at), shuffled(version))

    assert first == second


@settings(max_examples=50)
@given(st.permutations(range(4)))
def test_effects_are_the_same_whatever_order_the_steps_stand_in(order: list[int]) -> None:
    version = config(STEPS)
    flow = version.flows["f"]
    moved = replace(version, flows={"f": Flow("f", flow.on, flow.when, tuple(flow.steps[index] for index in order))})

    effects = {effect.id for effect in plan(event({"country": "FR"}), moved).effects}

    assert effects == {effect.id for effect in plan(event({"country": "FR"}), version).effects}


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("account: mail, action: send_email, with: {to: '{{ payload.mail }}', subject: s, text: t}", "to: "),
        ("account: crm, action: upsert_contact, with: {email: '{{ payload.mail }}', properties: {}}", "email: "),
        ("account: site, action: call, with: {method: POST, path: '/{{ payload.mail }}'}", "path: "),
    ],
)
def test_what_may_not_be_empty_is_not_advised_to_be(step: str, said: str) -> None:
    planned = plan(event({}), config(f"  f: {{on: LEAD_CAPTURE, steps: [{{id: s, {step}}}]}}"))

    assert (
        f"{said}its text uses payload.mail, which the event does not have; it may not be empty" in planned.failed["f"]
    )
    assert "default('')" not in planned.failed["f"]

"""What the release before compiled is planned and rendered to the byte as that release does it."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from drumbeat.core.configuration import Config
from drumbeat.core.events import Event
from drumbeat.planning.plan import plan
from drumbeat.planning.render import Unrenderable, render
from tests.releases import before
from tests.unit.configuration.samples import DOCUMENT

# Texts whose meaning has changed since: they are what a careless rule would break.
TEXTS = [
    "{{ payload.a }}",
    "{{ payload.a | default('') }}",
    "x{{ payload.a }}",
    "{{ payload.items }}",
    "{{ payload.items is defined }}",
    "{{ payload.items | default([]) | length }}",
    "{{ payload.items() | list }}",
    "{{ payload.a.title is defined }}{{ payload.a.title() }}",
    "{{ payload.a | title }}{{ payload.a | urlencode }}{{ payload.a | e }}",
    "{{ [payload.a, true] | join('-') }}{{ '%s' | format(payload.a) }}",
    "{{ effect_id }}",
    "",
]
PAYLOADS: list[dict[str, object]] = [
    {},
    {"a": None},
    {"a": ""},
    {"a": "ada"},
    {"a": True},
    {"a": 2},
    {"a": ["x", None]},
    {"items": [1], "a": {"b": 1}},
    {"a": "..;/x"},
    {"a": "%2f../x"},
]


def document(text: str) -> str:
    said = json.dumps(text)
    path = json.dumps(f"/x/{text}" if "effect_id" not in text else "/x")
    return f"""{DOCUMENT}
flows:
  contact: {{on: LEAD_CAPTURE, steps: [{{id: s, account: crm, action: upsert_contact,
    with: {{email: a@b.example, properties: {{p: {said}, q: 1, r: null}}}}}}]}}
  mail: {{on: LEAD_CAPTURE, steps: [{{id: s, account: mail, action: send_email,
    with: {{to: a@b.example, subject: s, text: {said}, html: {said}, headers: {{X-A: {said}, X-B: ""}}}}}}]}}
  call: {{on: LEAD_CAPTURE, steps: [{{id: s, account: site, action: call,
    with: {{method: POST, path: {path}, headers: {{X-A: {said}}}, body: {{v: {said}, w: [{said}, 1]}}}}}}]}}
"""


def outcome(event: Any, config: Any, plan: Any, render: Any, refused: type[Exception]) -> object:
    """Return all that a release makes of an event; the words of a refusal may be better ones."""
    made = plan(event, config)
    found: list[object] = [made.hash, sorted(made.failed)]
    for effect in made.effects:
        try:
            made = render(event, config, effect.flow, "s", effect_id=effect.id)
            found.append(repr(made).replace(", tracking=None", ""))  # which the release before does not know
        except refused:
            found.append("refused")
    return found


@pytest.mark.parametrize("text", TEXTS)
def test_an_event_is_rendered_as_the_release_before_does_it(text: str) -> None:
    compiled = json.loads(
        json.dumps(before.module("drumbeat.configuration.document").compile_document(document(text), {}))
    )
    old, new = before.module("drumbeat.core.configuration").Config.load(1, compiled), Config.load(1, compiled)
    theirs = [before.module(f"drumbeat.planning.{name}") for name in ("plan", "render")]

    for payload in PAYLOADS:
        body = json.dumps({"payload": payload}).encode()
        facts = (UUID(int=7), "website", "k", "LEAD_CAPTURE", "api", None, datetime(2026, 3, 1, tzinfo=UTC), body)
        once = outcome(
            before.module("drumbeat.core.events").Event(*facts),
            old,
            theirs[0].plan,
            theirs[1].render,
            theirs[1].Unrenderable,
        )

        assert outcome(Event(*facts), new, plan, render, Unrenderable) == once

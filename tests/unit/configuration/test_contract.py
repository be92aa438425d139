"""Compiled configurations and plan hashes are stored: another release must compile and plan the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from drumbeat.configuration.document import compile_document
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.configuration import Config
from drumbeat.planning.plan import plan
from tests.unit.configuration.samples import event

HERE = Path(__file__).parent
COMPILED: dict[str, Any] = json.loads((HERE / "contract.json").read_text())  # as the first release wrote it
RULES: dict[str, Any] = {"semantics": SEMANTICS, "must_understand": []}
NO_LISTS: dict[str, Any] = {"lists": {}, "audiences": {}, "public_url": None, "postal_address": None, "track": None}
TEMPLATES = {"hello.txt": "---\nsubject: Hello\n---\nHi {{ payload.name }}", "hello.html": "<p>{{ payload.name }}</p>"}
LEAD = event({"email": "Ada@EXAMPLE.com", "name": "Ada"})
# No provider can carry these out yet, so no document with them is compiled.
POSTS: list[dict[str, Any]] = [
    {"id": "post", "action": "publish_post", "arguments": {"text": "New: {{ payload.name }}"}},
    {"id": "say", "action": "post_message", "arguments": {"text": "x", "channel": "#{{ payload.name }}"}},
    {"id": "own", "action": "post_message", "arguments": {"text": "x"}},
]
REST = {"account": "site", "delay": 0.0, "after": None, "when": None, "unless": None}


def test_a_document_is_compiled_to_the_same_form() -> None:
    compiled = compile_document((HERE / "contract.yaml").read_text(), TEMPLATES)

    expiry = dict.fromkeys(COMPILED["accounts"], 7 * 86_400.0)  # apart from the accounts: the first release reads those
    assert json.loads(json.dumps(compiled)) == _today() | RULES | NO_LISTS | {"expiry": expiry}


def _today() -> dict[str, Any]:
    """Return what the first release wrote; but a list was a word for the provider then, and no source said `lead`."""
    document: dict[str, Any] = json.loads(json.dumps(COMPILED))
    for flow in document["flows"].values():
        for step in flow["steps"]:
            step["arguments"].pop("list", None)
    for source in document["sources"].values():
        source["lead"] = None
    return document


@pytest.mark.parametrize(
    ("document", "rules"),
    [(COMPILED, {}), (COMPILED, RULES | {"semantics": 3}), (None, RULES)],
    ids=["before there were numbers", "before there were lists", "today"],
)
def test_an_event_is_planned_to_the_same_effects(document: dict[str, Any] | None, rules: dict[str, Any]) -> None:
    document = document or _today()
    posts = {"on": "LEAD_CAPTURE", "when": None, "steps": [step | REST for step in POSTS]}
    version = Config.load(1, document | rules | {"flows": document["flows"] | {"posts": posts}})

    planned = plan(LEAD, version)

    assert not planned.failed
    assert [(one.step, str(one.id), one.target, one.needs_consent) for one in planned.effects] == [
        ("post", "60c754f3-9f60-4b46-3218-b63327abbd0a", "site", False),
        ("say", "7806494b-1c25-7a2e-cce6-942a52b4f624", "#Ada", False),
        ("own", "4b28bae3-1770-e42e-2670-bc47b674588b", "site", False),
        ("contact", "73a843f9-e87d-e299-4a61-1c067745ad38", "Ada@example.com", False),
        ("hello", "7b07de09-bfa3-db66-c1fb-c5217bb4d85b", "Ada@example.com", True),
        ("tell", "dbafd706-70fc-89d8-24f9-c2a25083d4b6", "POST /leads/Ada", False),
        ("nothing", "88133d39-a0af-1c45-39da-fc7cac7a3399", "GET /ping", False),
    ]
    assert planned.hash.hex() == "dfd5523d3d6cbfefb71b5612272376235ade1aa40d9f391a7e11a7012c95a9f9"

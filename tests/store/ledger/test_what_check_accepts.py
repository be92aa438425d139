"""Whatever `apply --check` accepts, the ledger takes and gives back the same: no value is refused or changed there."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from drumbeat.configuration import yaml_lines
from drumbeat.configuration.document import compile_document
from drumbeat.core.errors import ConfigError
from tests.conftest import TestDatabase
from tests.unit.configuration.samples import DOCUMENT
from tests.unit.configuration.test_document import replaced, spots

CAMPAIGN = Path(__file__).resolve().parents[3] / "campaigns/drumbeat.yaml"
WHOLE = yaml_lines.read(CAMPAIGN.read_text(), "x").data
WORDS = dict.fromkeys(("welcome.txt", "thanks.txt"), "---\nsubject: Hi\n---\nHi")
STEP = "  - {id: a, account: site, action: call, with: {method: POST, path: /x, body: VALUE}}"
# As people write them, and as no JSON has them.
SCALARS = st.one_of(
    st.from_regex(r"[-+]?[0-9]{1,25}(\.[0-9]{0,20})?([eE][-+]?[0-9]{1,4})?", fullmatch=True),
    st.sampled_from(
        ["null", "true", ".inf", ".nan", "-0", "-0.0", "1e400", "0x10", '"\\0"', '"\\ud800"', '"\\uffff"', "~"]
    ),
    st.text(max_size=8).map(json.dumps),
    st.floats().map(repr),
    st.integers().map(str),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: f"[{', '.join(each)}]")
        | st.dictionaries(SCALARS, inner, max_size=3).map(
            lambda each: "{" + ", ".join(f"? {key} : {value}" for key, value in each.items()) + "}"
        )
    ),
    max_leaves=6,
)
IN_ONE_LEDGER = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


def compiled(text: str, templates: dict[str, str]) -> Any:
    """Return what a document that is accepted compiles to, None for one that is refused."""
    try:
        return compile_document(text, templates)
    except ConfigError:
        return None


def stored(database: TestDatabase, value: object) -> Any:
    return database.run("SELECT %s::jsonb AS value", (Jsonb(value),))[0]["value"]


def typed(value: object) -> str:
    """Write a value so that 1 and 1.0 and true differ."""
    return json.dumps(value, sort_keys=True)


@IN_ONE_LEDGER
@given(VALUES)
@example("1e400")
@example("12345678901234567890")
@example("1e22")
@example("-0.0")
@example("1e-7")
@example("5e-324")
@example("9007199254740991")
def test_a_value_of_a_body_comes_back_as_it_was_read(database: TestDatabase, value: str) -> None:
    document = f"{DOCUMENT}flows:\n f:\n  on: LEAD_CAPTURE\n  steps:\n{STEP.replace('VALUE', value)}\n"

    if (accepted := compiled(document, {})) is not None:
        assert typed(stored(database, accepted)) == typed(accepted)


@IN_ONE_LEDGER
@given(st.sampled_from(spots(WHOLE)), VALUES)
def test_so_does_a_whole_document_with_anything_anywhere(
    database: TestDatabase, path: tuple[str | int, ...], value: str
) -> None:
    document = json.dumps(replaced(WHOLE, path, "HERE")).replace('"HERE"', value)

    if (accepted := compiled(document, WORDS)) is not None:
        assert typed(stored(database, accepted)) == typed(accepted)
        assert database.run("SELECT %s::text AS text", (document,)) == [{"text": document}]


@pytest.mark.parametrize("depth", [33, 34])
def test_what_nests_as_deep_as_it_may_is_taken(database: TestDatabase, depth: int) -> None:
    value = "[" * depth + "1" + "]" * depth
    accepted = compiled(f"{DOCUMENT}flows:\n f:\n  on: LEAD_CAPTURE\n  steps:\n{STEP.replace('VALUE', value)}\n", {})

    assert (accepted is None) == (depth == 34)
    assert accepted is None or stored(database, accepted) == accepted

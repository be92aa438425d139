"""`docs/configuration.md`: everything that it shows can be applied, and it names all there is."""

import re
from pathlib import Path

import pytest

from drumbeat.configuration import document_models
from drumbeat.configuration.document import compile_document
from drumbeat.local.campaign_files import templates
from drumbeat.planning import actions
from drumbeat.providers import registry as providers
from drumbeat.sources import registry as schemes
from drumbeat.sources.signature import Option

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "configuration.md").read_text()
EXAMPLE = (ROOT / "campaigns" / "drumbeat.yaml").read_text()
TEMPLATES = {name: file.read_text() for name, file in templates(ROOT / "campaigns/drumbeat.yaml").items()}
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


NEEDS = {
    "flows": {"sources", "accounts", "lists"},
    "sources": {"accounts", "lists"},
    "lists": {"accounts"},
    "audiences": {"accounts", "lists"},
    "campaigns": {"accounts", "lists", "audiences"},
}


def sections(text: str) -> dict[str, str]:
    """Take a document apart by its top-level fields."""
    return {
        part.partition(":")[0]: part for part in re.split(r"^(?=[a-z])", text, flags=re.MULTILINE) if part[:1].isalpha()
    }


def completed(block: str) -> str:
    """Add the sections of the example that a block leaves out, but none that needs a part which the block replaces."""
    given = sections(block)
    missing = sections(EXAMPLE).items() - given.items()
    lacking = [
        (name, text) for name, text in missing if name not in given and not NEEDS.get(name, set()) & given.keys()
    ]
    return "".join([*given.values(), *(f"{text}\n" for _, text in sorted(lacking))])


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: next(iter(sections(block))))
def test_what_it_shows_can_be_applied(block: str) -> None:
    whole = block if block.startswith("version:") else completed(block)

    compiled = compile_document(whole, TEMPLATES)

    assert all(compiled[name] for name in sections(block).keys() - {"version", "defaults"})


def test_there_is_an_example_of_every_section() -> None:
    assert {name for block in BLOCKS for name in sections(block)} == set(document_models.Document.model_fields)


@pytest.mark.parametrize(
    "form",
    [
        document_models.Account,
        document_models.Source,
        document_models.Step,
        document_models.Retry,
        document_models.Lookup,
        document_models.Campaign,
    ],
)
def test_every_field_is_named(form: type[document_models.Form]) -> None:
    fields = {field.alias or name for name, field in form.model_fields.items()}

    assert {name for name in fields if not re.search(rf"\b{name}\b", TEXT)} == set()


def test_every_provider_scheme_and_action_is_named() -> None:
    named = set(re.findall(r"`(\w+)`", TEXT))

    assert {*providers.names(), *schemes.names(), *actions.names()} <= named


def test_the_table_of_options_is_what_the_schemes_declare() -> None:
    """To renew it: copy the rows that pytest shows."""
    rows = [
        f"| `{scheme}` | `{name}` | {f'`{option.default}`' if option.default else ''} | {meaning(option)} |"
        for scheme in sorted(schemes.names())
        for name, option in schemes.get(scheme).options.items()
    ]

    _, _, table = TEXT.partition("| `webhook` | option | default | |\n|---|---|---|---|\n")

    assert table.partition("\n\n")[0].splitlines() == rows


def test_no_option_has_the_name_of_a_field_that_every_source_has() -> None:
    options = {name for scheme in schemes.names() for name in schemes.get(scheme).options}

    assert options.isdisjoint(document_models.Source.model_fields)


def meaning(option: Option) -> str:
    return option.meaning + (f": {', '.join(f'`{one}`' for one in option.choices)}" if option.choices else "")


@pytest.mark.parametrize("action", sorted({one for name in providers.names() for one in providers.get(name).actions}))
def test_every_argument_of_an_action_that_a_provider_can_is_named(action: str) -> None:
    (row,) = re.findall(rf"^\| `{action}` \| (.*) \|$", TEXT, re.MULTILINE)

    assert {name for name in actions.get(action).arguments if f"`{name}`" not in row} == set()

"""The campaign that ships with the repository, and its schema."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from drumbeat.configuration.document import compile_document, schema
from drumbeat.core.actions import Call, SendEmail, UpsertContact
from drumbeat.core.configuration import Config
from drumbeat.core.events import Event
from drumbeat.local.campaign_files import templates
from drumbeat.planning.context import Variables
from drumbeat.planning.mail_bodies import bodies
from drumbeat.planning.mail_checks import mail_checks
from drumbeat.planning.plan import plan
from drumbeat.planning.render import render
from drumbeat.planning.sample_values import sample_values
from tests.unit.configuration.samples import NOON, event

CAMPAIGNS = Path(__file__).resolve().parents[3] / "campaigns"
DOCUMENT = (CAMPAIGNS / "drumbeat.yaml").read_text()
TEXTS = {name: file.read_text() for name, file in templates(CAMPAIGNS / "drumbeat.yaml").items()}


@pytest.fixture(scope="module")
def example() -> Config:
    return Config.load(1, json.loads(json.dumps(compile_document(DOCUMENT, TEXTS))))


def actions(event: Event, version: Config) -> dict[str, object]:
    planned = plan(event, version)
    assert not planned.failed
    return {
        effect.step: render(event, version, effect.flow, effect.step, effect_id=effect.id) for effect in planned.effects
    }


@pytest.mark.parametrize("name", ["Ada", None])
def test_a_lead_is_welcomed_with_or_without_a_name(example: Config, name: str | None) -> None:
    payload = {"email": "ada@example.com"} | ({"name": name} if name else {})

    made = actions(event(payload), example)

    properties = ({"firstname": name} if name else {}) | {"lifecyclestage": "lead"}  # a name that is there stays
    assert made["contact"] == UpsertContact("ada@example.com", properties)
    assert isinstance(made["hello"], SendEmail)
    assert made["hello"].subject == f"{name or 'Hello'}, your account at Fernwood"
    assert made["hello"].html is not None
    assert ("Good to have you, Ada." if name else "Good to have you.") in re.sub(r"\s+", " ", made["hello"].html)
    assert made["hello"].text is not None
    assert made["hello"].text.startswith("Good to have you, Ada." if name else "Good to have you.")
    assert isinstance(made["tell-office"], Call)


def test_an_order_of_the_shop_is_thanked_for_and_nothing_else(example: Config) -> None:
    body = b'{"type": "order", "data": {"email": "ada@example.com", "name": "Ada", "order_number": "F-7"}}'

    made = actions(Event(event({}).id, "shop", "k", "LEAD_CAPTURE", "webhook", None, NOON, body), example)

    assert list(made) == ["contact", "receipt"]
    assert isinstance(made["receipt"], SendEmail)
    assert made["receipt"].subject == "We are packing your order F-7"


@pytest.mark.parametrize(("action", "steps"), [("published", ["announce"]), ("deleted", [])])
def test_a_published_release_becomes_news(example: Config, action: str, steps: list[str]) -> None:
    release = {"name": "1.0", "html_url": "https://git.example.com/1", "body": "All new."}
    body = json.dumps({"action": action, "release": release}).encode()

    made = actions(Event(event({}).id, "repository", "k", "CONTENT_PUBLISH", "webhook", None, NOON, body), example)

    assert list(made) == steps


def test_the_schema_for_editors_is_the_forms_schema() -> None:
    """To renew it: write `drumbeat.configuration.document.schema()` as JSON with an indent of 2 into the file."""
    assert json.loads((CAMPAIGNS / "drumbeat.schema.json").read_text()) == schema()
    assert DOCUMENT.startswith("# yaml-language-server: $schema=drumbeat.schema.json\n")


def words(text: str) -> object:
    """Read YAML as editors do: `on` is a word."""

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {  # noqa: RUF012 - as the base class has it
            first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":bool") or first in "tTfF"]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    return yaml.load(text, Loader)


def test_the_example_fits_the_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())

    jsonschema.validate(words(DOCUMENT), schema(), jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("provider: mailgun", "provider: mailgn"),
        ("action: call", "action: cal"),
        ("on: LEAD_CAPTURE", "on: LEAD"),
        ("tolerance: 5m", "tolerance: 5 minutes"),
        ("method: POST", "methd: POST"),
        ("template: welcome", "template: 5"),
        ("webhook: github", "webhook: hmac\n    algorithm: md5"),
        ("secret:mailgun-api-key", "key-123"),
    ],
)
def test_the_schema_refuses_what_apply_refuses(written: str, instead: str) -> None:
    assert written in DOCUMENT

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(words(DOCUMENT.replace(written, instead)), schema(), jsonschema.Draft202012Validator)


def test_planning_and_rendering_need_neither_a_validator_nor_yaml() -> None:
    program = (
        "import sys, drumbeat.planning.plan, drumbeat.planning.render;"
        "from drumbeat.planning import actions; from drumbeat.sources import registry as schemes;"
        "_ = [table.get(name) for table in (actions, schemes) for name in table.names()];"
        "print([name for name in ('pydantic', 'yaml') if name in sys.modules])"
    )

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("lead", [{"email": "ada@example.com", "name": "Ada"}, {"email": "eve@example.com"}])
def test_the_newsletter_is_a_mail_that_one_would_send(example: Config, lead: dict[str, str]) -> None:
    template = example.templates["newsletter"]
    links = {"unsubscribe_url": "https://hooks.example.com/u/t", "postal_address": example.postal_address}
    values = sample_values([], {**links, "lead": lead, "list": {"title": "The Monday note"}})

    text, html = bodies(template, Variables(values, example.semantics))

    assert text is not None
    assert html is not None
    assert ("Good morning, Ada," in text) is ("name" in lead)
    assert all(str(each) in text for each in links.values())
    assert html.index("One plant, one trick, and one thing") < html.index("FERNWOOD")
    assert [each for each in mail_checks(html, text) if not each.ok] == []


def test_a_first_newsletter_leaves_at_night_too_until_quiet_hours_are_asked_for(example: Config) -> None:
    asked = compile_document(DOCUMENT.replace("# quiet_hours:", "quiet_hours:"), TEXTS)

    assert example.campaigns["monday-note"].quiet_hours is None
    assert Config.load(1, json.loads(json.dumps(asked))).campaigns["monday-note"].quiet_hours is not None

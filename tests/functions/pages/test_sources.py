"""The page of sources: the address to give a sender, whether its secret is there, what arrived or was refused last."""

import csv
import hashlib
from datetime import UTC, datetime
from io import StringIO

import pytest

from drumbeat.configuration.document import compile_document
from drumbeat.ingest import refusals
from drumbeat.ingest.refusals import Refusal
from drumbeat.ledger import configs
from drumbeat.services import Services
from tests.functions.pages.visitor import HOST, Visitor
from tests.store.people.history import record, said

SECRET = "a secret value"
DOCUMENT = """
version: 1
defaults: {{public_url: "{url}", postal_address: "Fernwood GmbH, Am Wald 1, 10115 Berlin"}}
lists: {{news: {{title: Monday notes}}}}
sources:
  code: {{webhook: github, secrets: ["env:PAGE_SECRET"], type: CONTENT_PUBLISH}}
  shop: {{webhook: standard_webhooks, secrets: ["env:PAGE_NO_SECRET"], type: LEAD_CAPTURE}}
  sms:
    {{webhook: twilio, secrets: ["env:PAGE_SECRET"], type: LEAD_CAPTURE, public_url: "https://sms.example.com/in"}}
  signup: {{form: {{fields: {{email: required}}}}, list: news}}
"""


def apply(services: Services, url: str = "https://hooks.example.com/") -> None:
    compiled = compile_document(DOCUMENT.format(url=url), {})
    hash = hashlib.sha256(url.encode()).digest()
    configs.insert(services.db, hash=hash, document="", templates={}, compiled=compiled, identities={}, actor="test")


@pytest.fixture
def services(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setenv("PAGE_SECRET", SECRET)
    apply(visitor.services)
    visitor.sign_in("read")
    return visitor.services


def test_each_source_has_its_address_and_says_whether_its_secret_is_there(visitor: Visitor, services: Services) -> None:
    html = visitor.get("/sources").html

    for url in ("hooks.example.com/v1/webhooks/code", "sms.example.com/in", "hooks.example.com/f/signup"):
        assert f'value="https://{url}"' in html
    assert '<i class="badge good">present</i> <code>env:PAGE_SECRET</code>' in html
    assert "env:PAGE_NO_SECRET does not exist or may not be read" in html
    assert SECRET not in html


def test_without_a_configured_address_it_is_the_one_by_which_the_page_was_asked_for(visitor: Visitor) -> None:
    visitor.sign_in("read")

    assert f'value="https://{HOST}/v1/events"' in visitor.get("/sources").html


def test_what_arrived_last_and_what_was_refused_last_are_shown(visitor: Visitor, services: Services) -> None:
    early, late = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    events = [
        said({}, key="1", source="code", type="CONTENT_PUBLISH", at=early),
        said({}, key="2", source="code", type="FEEDBACK", at=late),
        said({}, key="3", source="other", at=late),
    ]
    record(services.db, events)
    refusals.keep("shop", Refusal.SIGNATURE_WRONG, services)

    html = visitor.get("/sources").html
    rows = {row["name"]: row for row in csv.DictReader(StringIO(visitor.get("/sources?format=csv").html))}

    assert f'<a href="/events/{events[1].id}">FEEDBACK</a>' in html
    assert f"/events/{events[0].id}" not in html
    assert '<i class="badge warn">signature wrong</i> Its signature is not that of its body' in html
    assert html.count("none in 30 days") == 2
    assert (rows["code"]["last"] != "", rows["shop"]["last"], rows["signup"]["refused"]) == (True, "", "")


def test_while_redis_is_away_refusals_are_not_known_and_the_rest_is(visitor: Visitor, services: Services) -> None:
    services.redis.close()
    services.redis.refused = True

    shown = visitor.get("/sources")

    assert shown.status == 200
    assert "Redis is away" in shown.html
    assert "none in 30 days" not in shown.html


def test_without_a_configuration_it_says_how_to_get_one(visitor: Visitor) -> None:
    visitor.sign_in("read")

    assert "No source is configured" in visitor.get("/sources").html

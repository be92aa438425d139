"""Pages of audiences: what they say, how many are in, and why a person is or is not."""

import csv
from io import StringIO

import pytest

from drumbeat.configuration.document import compile_document
from drumbeat.ledger import configs
from drumbeat.services import Services
from tests.functions.pages.visitor import Visitor
from tests.store.people.history import said, tell

DOCUMENT = """
version: 1
defaults: {public_url: "https://hooks.example.com", postal_address: "Fernwood GmbH, Am Wald 1, 10115 Berlin"}
accounts: {mail: {provider: resend, settings: {from: "Ada <ada@fernwood.example>"}, secrets: {api_key: env:K}}}
lists: {news: {title: Monday notes}}
audiences:
  trials:
    all:
      - {field: plan, is: trial}
      - {field: seats, at_least: 3}
      - not: {happened: clicked, within: 30d}
  reached: {all: [{audience: trials}, {list: news}]}
campaigns:
  digest:
    audience: reached
    steps: [{id: mail, account: mail, action: send_email, with: {to: "{{ lead.email }}", list: news, template: t}}]
"""
TEMPLATES = {"t.txt": "---\nsubject: Notes\n---\n{{ unsubscribe_url }} {{ postal_address }}"}
PEOPLE: dict[str, dict[str, object]] = {
    "iris@example.com": {"plan": "trial", "seats": 5},
    "bob@example.com": {"plan": "trial", "seats": "many"},
    "joe@example.com": {"plan": "paid", "seats": 9},
}


@pytest.fixture
def services(visitor: Visitor) -> Services:
    """Services that know three people and two audiences."""
    services = visitor.services
    compiled = compile_document(DOCUMENT, TEMPLATES)
    for number in (b"2", b"3"):
        configs.insert(
            services.db, hash=number, document="", templates={}, compiled=compiled, identities={}, actor="test"
        )
    tell(services, *(said({"email": email, **known}, key=email) for email, known in PEOPLE.items()))
    visitor.sign_in("read", "people")
    return services


def test_audiences_are_shown_in_words_with_the_campaigns_that_mean_them(visitor: Visitor, services: Services) -> None:
    html = visitor.get("/audiences").html
    file = visitor.get("/audiences?format=csv")

    for words in ("plan is &#34;trial&#34;", "seats is at least 3", "clicked at least once within 30d", "list news"):
        assert words in html
    assert 'is in the audience <a href="/audiences/trials">trials</a>' in html
    assert '<a class="pair" href="/campaigns/digest">digest</a>' in html
    assert [row["name"] for row in csv.DictReader(StringIO(file.html))] == ["reached", "trials"]


def test_an_audience_is_counted_when_that_is_asked_for(visitor: Visitor, services: Services) -> None:
    asked = visitor.get("/audiences/trials").html
    counted = visitor.get("/audiences/trials?count=1").html

    assert "<b>1</b><span>are in</span>" not in asked
    assert "iris@example.com" in asked
    assert "<b>1</b><span>are in</span>" in counted
    assert "<b>1</b><span>not known, so left out</span>" in counted
    assert "1 person: seats is not a number" in counted
    assert ("iris@example.com" in counted, "joe@example.com" in counted) == (True, False)


@pytest.mark.parametrize(
    ("lead", "verdict", "condition"),
    [
        ("iris@example.com", "is in.", '<i class="badge good">yes</i> seats is at least 3 <span class="dim">has 5'),
        ("joe@example.com", "is not in.", '<i class="badge alarm">no</i> plan is &#34;trial&#34;'),
        (
            "bob@example.com",
            "whether they are in is not known",
            '<i class="badge warn">not known</i> seats is at least',
        ),
    ],
)
def test_it_is_explained_for_one_person(
    visitor: Visitor, services: Services, lead: str, verdict: str, condition: str
) -> None:
    html = visitor.get(f"/audiences/trials?lead={lead}").html

    assert verdict in html
    assert condition in html


def test_of_a_person_without_a_lead_and_an_audience_that_there_is_not_it_says_so(
    visitor: Visitor, services: Services
) -> None:
    assert "This person has no lead" in visitor.get("/audiences/trials?lead=stranger@example.com").html
    assert visitor.get("/audiences/trails").status == 404
    assert visitor.get("/audiences/trials?lead=nonsense").status == 400


def test_its_people_are_listed_with_leads(visitor: Visitor, services: Services) -> None:
    html = visitor.get("/people?audience=trials").html

    assert ("iris@example.com" in html, "joe@example.com" in html) == (True, False)
    assert visitor.get("/people?audience=trials&list=news").status == 400


def test_without_people_it_is_counted_and_names_no_one(visitor: Visitor, services: Services) -> None:
    visitor.sign_in_blind()

    html = visitor.get("/audiences/trials?count=1").html

    assert "<b>1</b><span>are in</span>" in html
    assert "@example.com" not in html.replace("ada@example.com", "")
    assert visitor.get("/audiences/trials?lead=iris@example.com").status == 403

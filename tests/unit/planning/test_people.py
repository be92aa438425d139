"""What an event says about a person: pure, and the same whatever came before."""

import json
from typing import Any

import pytest

from drumbeat.core.configuration import Config
from drumbeat.core.consent import ConsentKind
from drumbeat.planning.people import ConsentFact, PeopleFacts
from drumbeat.planning.plan import plan
from tests.unit.configuration.samples import config, event

LISTS = """
defaults: {public_url: "https://hooks.example.com", postal_address: "Fernwood GmbH, Am Wald 1, 10115 Berlin"}
lists:
  news: {title: Monday notes}
  offers: {title: Offers, confirm: {account: mail, template: confirm}}
"""
SOURCES = """
sources:
  narrow: {form: {fields: {email: required}}, lead: {only: [name, plan]}}
  silent: {form: {fields: {email: required}}, lead: false}
  hook: {type: LEAD_CAPTURE, webhook: hmac, secrets: ["env:HOOK"], header: x-signature,
         map: {email: contact.mail, plan: contact.plan}}
"""
TEMPLATES = {"confirm.txt": "---\nsubject: Confirm\n---\nPress {{ confirm_url }}"}


@pytest.fixture(scope="module")
def version() -> Config:
    return config("  {}", templates=TEMPLATES, more=LISTS + SOURCES)


def people(
    version: Config, payload: Any, *, type: str = "LEAD_CAPTURE", source: str = "site", door: str = "api", **more: Any
) -> PeopleFacts:
    """Return what an event says; `more` stands beside its payload."""
    body = json.dumps({"payload": payload, **more}).encode()
    return plan(event(payload, type=type, source=source, door=door, body=body), version).people


def attributes(version: Config, payload: dict[str, Any], **more: Any) -> Any:
    found = people(version, {"email": "ada@example.com"} | payload, **more).lead
    return found and found.attributes


def refused(version: Config, payload: dict[str, Any]) -> Any:
    found = people(version, {"email": "ada@example.com"} | payload).lead
    assert found is not None
    return found.refused


def consents(version: Config, *statements: Any, **more: Any) -> list[ConsentFact]:
    return list(people(version, {"email": "ada@example.com"}, consent=list(statements), **more).consents)


class Counted(bytes):
    """A body that counts how often it is read."""

    read = 0

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        self.read += 1
        return super().decode(encoding, errors)


def test_a_body_is_read_once_for_all_that_it_says(version: Config) -> None:
    body = Counted(b'{"payload": {"email": "ada@example.com", "plan": "paid"}, "consent": [{"list": "news"}]}')

    made = plan(event({}, body=body), version).people

    assert made.lead is not None and made.consents
    assert body.read == 1


def test_every_other_field_of_a_lead_capture_becomes_an_attribute(version: Config) -> None:
    payload = {"name": "Ada", "timezone": "Europe/Berlin", "seats": 3, "tags": ["a", "b"], "beta": False}

    assert attributes(version, payload) == payload
    assert people(version, {"email": "Ada <ADA@Example.COM>"}).address == "ADA@example.com"


def test_what_is_absent_null_or_blank_changes_nothing(version: Config) -> None:
    assert attributes(version, {"a": None, "b": "", "c": " \t\n", "d": 0, "e": False, "f": [], "g": {}}) == {
        "d": 0, "e": False, "f": [], "g": {}
    }  # fmt: skip


def test_unset_removes_and_nothing_that_only_looks_like_it(version: Config) -> None:
    payload = {"a": {"$unset": True}, "b": {"$unset": 1}, "c": {"$unset": True, "x": 1}, "d": {"$unset": "true"}}

    found = people(version, {"email": "ada@example.com"} | payload).lead

    assert found is not None
    assert (found.removed, sorted(found.attributes)) == (("a",), ["b", "c", "d"])


@pytest.mark.parametrize(
    "value",
    [
        "x" * 511,  # with its quotes 513 bytes
        "é" * 256,
        "nul \x00",
        ["deep", {"nul \x00": 1}],
        "half \ud800",
        {"half \udfff": 1},
        float("inf"),
        float("nan"),
        10**512,
        ["x"] * 200,
    ],
)
def test_what_is_too_large_or_cannot_be_kept_is_named_and_not_taken(version: Config, value: object) -> None:
    assert refused(version, {"note": value, "plan": "paid"}) == ("note",)
    assert attributes(version, {"note": value, "plan": "paid"}) == {"plan": "paid"}


@pytest.mark.parametrize("value", ["x" * 510, "é" * 255, 10**511, -0.1, 1e308, "\\u0000 written out"])
def test_what_fits_is_taken_as_it_is(version: Config, value: object) -> None:
    assert attributes(version, {"note": value}) == {"note": value}
    assert refused(version, {"note": value}) == ()


def test_a_value_nested_without_end_costs_its_event_nothing_else(version: Config) -> None:
    body = b'{"payload": {"email": "ada@example.com", "plan": "paid", "deep": ' + b"[" * 500 + b"]" * 500 + b"}}"
    made = plan(event({}, body=body), version).people

    assert made.lead is not None
    assert (made.lead.attributes, made.lead.refused) == ({"plan": "paid"}, ("deep",))


def test_names_that_are_no_names_are_left_out(version: Config) -> None:
    assert attributes(version, {"": 1, "x" * 101: 1, "line\nbreak": 1, "half \ud800": 1, "x" * 100: 1, "größe": 2}) == {
        "x" * 100: 1, "größe": 2
    }  # fmt: skip


def test_a_source_may_narrow_what_becomes_of_its_leads(version: Config) -> None:
    payload = {"name": "Ada", "plan": "paid", "seats": 3}

    assert attributes(version, payload, source="narrow", door="form") == {"name": "Ada", "plan": "paid"}
    assert people(version, {"email": "ada@example.com"} | payload, source="silent", door="form").lead is None
    assert people(version, {"email": "ada@example.com"}, source="silent", door="form").address == "ada@example.com"


def test_only_a_lead_capture_makes_a_lead_and_no_replay_does(version: Config) -> None:
    consent = {"list": "news", "kind": "given"}

    for type in ("CONTENT_PUBLISH", "CAMPAIGN_TRIGGER", "FEEDBACK", "CONSENT"):
        assert people(version, {"email": "ada@example.com", "plan": "paid"}, type=type).lead is None
    replayed = people(version, {"email": "ada@example.com"}, door="replay", consent=[consent])
    assert replayed == PeopleFacts("ada@example.com")


@pytest.mark.parametrize(
    "email", [None, "", "no address", 7, True, ["ada@example.com"], {"a": "b@c.de"}, "a@b.de, c@d.de"]
)
def test_what_names_no_address_says_nothing(version: Config, email: object) -> None:
    assert people(version, {"email": email, "plan": "paid"}, consent=[{"list": "news"}]) == PeopleFacts()


def test_a_mapped_delivery_makes_a_lead_and_says_nothing_of_consent(version: Config) -> None:
    body = json.dumps({"contact": {"mail": "ada@example.com", "plan": "paid"}, "consent": [{"list": "news"}]}).encode()

    made = plan(event({}, source="hook", door="webhook", body=body), version).people

    assert made.lead is not None
    assert (made.address, made.lead.attributes, made.consents) == ("ada@example.com", {"plan": "paid"}, ())


@pytest.mark.parametrize(
    ("door", "by_person"), [("api", False), ("import", False), ("form", True), ("confirm", True), ("unsubscribe", True)]
)
def test_only_what_people_do_themselves_counts_as_their_word(version: Config, door: str, by_person: bool) -> None:
    assert consents(version, {"list": "news", "kind": "given"}, door=door) == [
        ConsentFact("news", ConsentKind.GIVEN, by_person)
    ]


def test_where_a_list_confirms_a_program_can_only_ask_and_an_import_brings_what_was_given(version: Config) -> None:
    given = {"list": "offers", "kind": "given"}

    assert [fact.kind for fact in consents(version, given, door="api")] == [ConsentKind.PENDING]
    assert [fact.kind for fact in consents(version, given, door="import")] == [ConsentKind.GIVEN]
    assert [fact.kind for fact in consents(version, given, door="confirm")] == [ConsentKind.GIVEN]


def test_every_list_can_be_left_at_once_and_not_joined(version: Config) -> None:
    statements = [{"list": "*", "kind": kind} for kind in ("withdrawn", "given", "pending")]

    assert consents(version, *statements, door="unsubscribe") == [ConsentFact("*", ConsentKind.WITHDRAWN, True)]


@pytest.mark.parametrize(
    ("door", "kind", "kept"),
    [("form", "given", "given"), ("form", "pending", "pending"), ("confirm", "given", "given"),
     ("import", "given", "given"), ("import", "withdrawn", "withdrawn"), ("api", "given", "pending")],
)  # fmt: skip
def test_what_was_said_of_a_list_that_was_renamed_meanwhile_is_kept(
    version: Config, door: str, kind: str, kept: str
) -> None:
    (fact,) = consents(version, {"list": "renamed", "kind": kind}, door=door)

    assert (fact.list, fact.kind) == ("renamed", kept)


@pytest.mark.parametrize(
    "statement", ["news", 7, None, {}, {"list": 7}, {"list": "no name"}, {"list": "news", "kind": "maybe"}, ["news"]]
)
def test_what_is_no_statement_about_a_list_says_nothing(version: Config, statement: object) -> None:
    assert consents(version, statement, {"list": "news"}, {"list": "news"}) == [
        ConsentFact("news", ConsentKind.GIVEN, False)
    ]

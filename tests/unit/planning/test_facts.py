"""Deliveries that are split: which events one makes, and what each is acted on for."""

import json
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from drumbeat.core import ids
from drumbeat.core.configuration import Config, Flow, Source
from drumbeat.core.events import Event
from drumbeat.planning.facts import MOST_FACTS, facts_of
from drumbeat.planning.payload import Unmappable, read
from drumbeat.planning.plan import plan, plan_flow
from tests.conftest import VECTORS

DELIVERY = UUID(int=5)
FILE = VECTORS / "webhooks.json"
PUBLISHED: list[dict[str, Any]] = [
    case
    for case in (json.loads(FILE.read_bytes()) if FILE.exists() else [])
    if case["scheme"] in ("sendgrid", "hubspot_v3") and case["expect"] == "valid"
]


def event(body: object, key: str = "d-1") -> Event:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    id = ids.event_id("shop", key)
    return Event(id, "shop", key, "LEAD_CAPTURE", "webhook", None, datetime(2026, 1, 1, tzinfo=UTC), raw)


def config(split: str | None = "@", scheme: str = "github", **map: str) -> Config:
    source = Source("shop", "webhook", scheme, "LEAD_CAPTURE", (), 300, map, {}, split=split)
    return Config(3, {}, {"shop": source}, {"welcome": Flow("welcome", "LEAD_CAPTURE", None, ())}, {}, {})


def test_each_element_is_an_event_named_by_its_delivery_and_its_place() -> None:
    facts = facts_of(event({"people": [{"email": "a@example.com"}, {"email": "b@example.com"}]}), config("people"))

    assert [(fact.key, fact.body) for fact in facts] == [
        ("fact 1 of d-1", b'{"email":"a@example.com"}'),
        ("fact 2 of d-1", b'{"email":"b@example.com"}'),
    ]
    assert [fact.id for fact in facts] == [ids.event_id("shop", fact.key) for fact in facts]


def test_a_delivery_of_one_fact_is_acted_on_itself_so_that_a_release_before_has_the_same_event() -> None:
    one = event([{"email": "a@example.com"}])

    assert facts_of(one, config()) == ()
    assert read(one, config(who="email")) == {"who": "a@example.com"}


@pytest.mark.parametrize(
    ("scheme", "fact"),
    [
        ("sendgrid", {"sg_event_id": "e-1", "email": "a@example.com"}),
        ("hubspot_v3", {"eventId": 1, "objectId": 7, "attemptNumber": 0}),
        ("hubspot_v1", {"eventId": 1, "objectId": 7, "attemptNumber": 0}),
    ],
)
def test_a_fact_that_its_sender_names_is_the_same_event_in_whatever_delivery_it_comes(
    scheme: str, fact: dict[str, object]
) -> None:
    other = {"sg_event_id": "e-2", "eventId": 2}
    again = fact | {"attemptNumber": 3} if "attemptNumber" in fact else fact

    alone = facts_of(event([fact], "d-1"), config(scheme=scheme))
    beside = facts_of(event([other, again], "d-2"), config(scheme=scheme))

    assert len(alone) == 1
    assert beside[1].id == alone[0].id != beside[0].id


@pytest.mark.skipif(not PUBLISHED, reason=f"no vectors at {VECTORS}; set DRUMBEAT_VECTORS")
@pytest.mark.parametrize("case", PUBLISHED, ids=[case["id"] for case in PUBLISHED])
def test_the_facts_of_published_batches_have_names_of_their_own(case: dict[str, Any]) -> None:
    body = b64decode(case["body_b64"])

    facts = facts_of(event(body), config(scheme=case["scheme"]))

    assert [json.loads(fact.body) for fact in facts] == json.loads(body)
    assert all(fact.key.startswith("fact ") and "d-1" not in fact.key for fact in facts)


def test_a_fact_that_comes_twice_in_one_delivery_is_one_event() -> None:
    facts = facts_of(event([{"sg_event_id": "e-1"}, {"sg_event_id": "e-1"}, {"email": "?"}]), config(scheme="sendgrid"))

    assert [fact.key for fact in facts] == ["fact e-1", "fact 3 of d-1"]


def test_a_fact_is_read_as_json_whatever_its_sender_sends() -> None:
    form = b"payload=" + b'{"people": [{"name": "Zo\\u00eb"}, {"name": "Bo"}]}'
    facts = facts_of(event(form), config("people", "slack"))
    fact = replace(event(facts[0].body), delivery=DELIVERY)

    assert read(fact, config("people", "slack", who="name")) == {"who": "Zoë"}
    assert read(fact, config(None, "slack", who="name")) == {"who": "Zoë"}  # the source has no `split` any more
    assert facts_of(fact, config("people", "slack")) == ()


def test_what_is_not_unicode_keeps_its_characters() -> None:
    (first, _) = facts_of(event(b'[{"name": "\\ud800"}, {}]'), config())

    assert json.loads(first.body) == {"name": "\ud800"}


def test_the_plan_of_a_delivery_that_is_split_is_its_facts_and_no_effect() -> None:
    two = event([{"n": 1}, {"n": 2}])

    for made in (plan(two, config()), plan_flow(two, config(), "welcome")):
        assert (len(made.facts), made.effects, made.failed) == (2, (), {})


@pytest.mark.parametrize(
    ("body", "split", "why"),
    [
        ({"people": {"a": 1}}, "people", "gives no list"),
        ({"people": None}, "people", "gives no list"),
        ({"people": []}, "people", "finds no fact"),
        ([], "@", "finds no fact"),
        ([1, "x"], "sort(@)", "split does not fit"),
        ([{"n": n} for n in range(MOST_FACTS + 1)], "@", f"holds {MOST_FACTS + 1:,} facts"),
        (b"not JSON", "@", "not in a form that github sends"),
    ],
)
def test_a_delivery_that_cannot_be_split_says_why_and_does_nothing(body: object, split: str, why: str) -> None:
    made = plan(event(body), config(split))

    assert why in made.failed["welcome"]
    assert (made.facts, made.effects) == ((), ())


def test_a_fact_that_does_not_fit_its_map_costs_its_neighbours_nothing() -> None:
    facts = facts_of(event([{"n": 1}, 7]), config())
    good, bad = (replace(event(fact.body), delivery=DELIVERY) for fact in facts)

    assert read(good, config()) == {"n": 1}
    with pytest.raises(Unmappable, match="not a JSON object"):
        read(bad, config())

import json
from dataclasses import replace
from typing import Any

import pytest

from drumbeat.core.actions import UpsertContact
from drumbeat.core.outcomes import Accepted, Denied, NotSent, Refused, Throttled, Unclear, Unknown
from drumbeat.providers.base import SameId
from drumbeat.providers.hubspot import HubSpot
from tests.unit.providers.adapters import KEY, NOW, UNREADABLE, reply, target

HUBSPOT = HubSpot()
ACCOUNT = target(HUBSPOT)
CONTACT = UpsertContact("grace@example.org", {"lastname": "Hopper", "firstname": "Grace"})
RESULT = {"id": "512", "new": True, "properties": {"email": "grace@example.org"}, "archived": False}


def batch(**fields: object) -> dict[str, Any]:
    return {"status": "COMPLETE", "results": [RESULT], "startedAt": "", "completedAt": ""} | fields


def mixed(category: str) -> dict[str, Any]:
    failed = {"status": "error", "category": category, "message": "grace@example.org", "context": {}}
    return batch(results=[], numErrors=1, errors=[failed])


def test_the_contact_is_known_by_its_address_and_carries_the_key() -> None:
    request = HUBSPOT.build(ACCOUNT, CONTACT, key=KEY)

    assert (request.method, request.url) == (
        "POST",
        "https://api.hubapi.com/crm/v3/objects/contacts/batch/upsert",
    )
    assert request.headers == {"content-type": "application/json"}
    assert json.loads(request.body) == {
        "inputs": [
            {
                "idProperty": "email",
                "id": "grace@example.org",
                "properties": {"firstname": "Grace", "lastname": "Hopper"},
                "objectWriteTraceId": KEY,
            }
        ]
    }


@pytest.mark.point(45)
def test_the_order_of_properties_does_not_change_the_bytes() -> None:
    other_order = UpsertContact("grace@example.org", {"firstname": "Grace", "lastname": "Hopper"})

    assert HUBSPOT.build(ACCOUNT, CONTACT, key=KEY) == HUBSPOT.build(ACCOUNT, other_order, key=KEY)


def test_signing_adds_the_token_and_nothing_else() -> None:
    request = HUBSPOT.build(ACCOUNT, CONTACT, key=KEY)

    signed = HUBSPOT.sign(request, {"token": "pat-1"}, key=KEY, now=NOW)

    assert signed.headers == {**request.headers, "authorization": "Bearer pat-1"}
    assert signed.body == request.body


@pytest.mark.parametrize("status", [200, 201, 207])
def test_success_is_the_contacts_id(status: int) -> None:
    assert HUBSPOT.read(reply(status, batch())) == Accepted("512")


@pytest.mark.point(40)
@pytest.mark.parametrize(
    "body",
    [
        *UNREADABLE,
        batch(status="PENDING"),
        batch(results=[]),
        batch(results=[RESULT, RESULT]),
        batch(results=[{"new": True}]),
        batch(results=[{"id": 512}]),
        batch(results="512"),
        batch(errors=[{"category": "VALIDATION_ERROR"}]),
    ],
)
@pytest.mark.parametrize("status", [200, 202, 207])
def test_a_success_that_is_not_complete_is_unknown(status: int, body: object) -> None:
    assert isinstance(HUBSPOT.read(reply(status, body)), Unknown)


@pytest.mark.point(43)
@pytest.mark.parametrize(
    ("category", "outcome"),
    [
        ("VALIDATION_ERROR", Refused),
        ("OBJECT_NOT_FOUND", Refused),
        ("CONFLICT", NotSent),
        ("RATE_LIMITS", Throttled),
        ("MISSING_SCOPES", Denied),
        ("INTERNAL_ERROR", Unknown),
        ("", Unknown),
    ],
)
def test_a_mixed_batch_is_read_by_its_one_entry(category: str, outcome: type) -> None:
    read = HUBSPOT.read(reply(207, mixed(category)))

    assert isinstance(read, outcome)
    assert "grace" not in str(read)


@pytest.mark.point(43)
@pytest.mark.parametrize("status", [400, 404, 413])
def test_a_documented_refusal_is_final_and_quotes_nobody(status: int) -> None:
    outcome = HUBSPOT.read(reply(status, {"status": "error", "message": "grace@example.org is invalid"}))

    assert isinstance(outcome, Refused)
    assert "grace" not in outcome.reason


COLOUR = HUBSPOT.build(ACCOUNT, UpsertContact("grace@example.org", {"Favourite Colour": "Grace"}), key=KEY)
NOT_THERE = {"name": "Favourite Colour", "error": "PROPERTY_DOESNT_EXIST", "message": "grace@example.org"}


@pytest.mark.parametrize(
    ("error", "details"),
    [
        ({"message": f"Property values were not valid: {json.dumps([NOT_THERE])}"},
         " (Favourite Colour: PROPERTY_DOESNT_EXIST)"),
        ({"errors": [{"code": "READ_ONLY", "context": {"propertyName": ["Favourite Colour"]}}]},
         " (Favourite Colour: READ_ONLY)"),
        ({"message": 'Property "Favourite Colour" does not exist for Grace'}, " (Favourite Colour)"),
        ({"message": f"not valid: {json.dumps([NOT_THERE | {'name': 'Grace', 'error': 'grace@example.org'}])}"}, ""),
        ({"message": "not valid: [{"}, ""),
        ({"message": ["Favourite Colour"], "errors": 7}, ""),
    ],
)  # fmt: skip
def test_a_refusal_names_the_property_and_the_error_and_no_value(error: dict[str, object], details: str) -> None:
    asked = replace(reply(400, {"status": "error", "category": "VALIDATION_ERROR", **error}), request=COLOUR)
    failed = batch(results=[], errors=[{"category": "VALIDATION_ERROR", **error}])

    assert HUBSPOT.read(asked) == Refused(f"HTTP 400: a property or a value is not valid{details}")
    assert HUBSPOT.read(replace(reply(207, failed), request=COLOUR)) == Refused(
        f"HTTP 207: a property or a value is not valid{details}"
    )


def test_a_lost_race_and_a_locked_record_are_tried_again() -> None:
    assert isinstance(HUBSPOT.read(reply(409, {"category": "CONFLICT"})), NotSent)
    locked = HUBSPOT.read(reply(423))
    assert isinstance(locked, NotSent)
    assert locked.retry_after == 2.0


@pytest.mark.point(42)
@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_concern_the_account(status: int) -> None:
    assert isinstance(HUBSPOT.read(reply(status, {"category": "MISSING_SCOPES"})), Denied)


@pytest.mark.point(41)
@pytest.mark.parametrize(
    ("status", "policy", "headers", "pause"),
    [
        (429, "TEN_SECONDLY_ROLLING", {}, None),
        (429, "TEN_SECONDLY_ROLLING", {"retry-after": "10"}, 10.0),
        (429, "DAILY", {}, 3600.0),
        (429, "DAILY", {"retry-after": "60"}, 60.0),
        (477, None, {"retry-after": "86400"}, 21600.0),
    ],
)
def test_limits_throttle_the_account(
    status: int, policy: str | None, headers: dict[str, str], pause: float | None
) -> None:
    outcome = HUBSPOT.read(reply(status, {"policyName": policy}, headers))

    assert isinstance(outcome, Throttled)
    assert outcome.retry_after == pause


@pytest.mark.point(39)
@pytest.mark.parametrize("status", [302, 408, 500, 502, 503, 504, 522])
def test_everything_else_may_have_been_written(status: int) -> None:
    assert HUBSPOT.read(reply(status, batch())) == Unknown(f"HTTP {status}")


def test_a_repeat_is_always_safe_and_nothing_is_searched_for() -> None:
    assert HUBSPOT.repeat(ACCOUNT) == SameId()
    assert HUBSPOT.build_lookup(ACCOUNT, key=KEY, since=NOW) is None
    assert isinstance(HUBSPOT.read_lookup(reply(200, {}), key=KEY), Unclear)
    assert HUBSPOT.identity(ACCOUNT) == "hubspot https://api.hubapi.com"
    assert HUBSPOT.problems({}) == []

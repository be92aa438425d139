"""HubSpot's contacts, as its documentation describes them."""

import json

import pytest

from drumbeat.sandbox.contact_properties import Properties
from tests.unit.sandbox.sandbox_process import SandboxProcess, contact


def test_the_same_values_twice_are_one_contact(sandbox: SandboxProcess) -> None:
    first = sandbox.hubspot(contact("one@example.org", "t-1", firstname="Ada"))
    again = sandbox.hubspot(contact("one@example.org", "t-1", firstname="Ada"))

    assert (first.status, first.json["results"][0]["new"]) == (200, True)
    assert (again.status, again.json["results"][0]["new"]) == (200, False)
    assert first.json["results"][0]["id"] == again.json["results"][0]["id"]
    assert first.json["results"][0]["objectWriteTraceId"] == "t-1"
    assert sandbox.done("t-1") == 1


def test_only_the_given_properties_are_touched(sandbox: SandboxProcess) -> None:
    sandbox.hubspot(contact("two@example.org", "t-2", firstname="Ada", city="London"))

    held = sandbox.hubspot(contact("Two@example.org", "t-3", firstname="Grace")).json["results"][0]["properties"]

    assert (held["firstname"], held["city"]) == ("Grace", "London")


def test_a_late_repeat_that_overwrites_newer_values_counts_as_done_again(sandbox: SandboxProcess) -> None:
    sandbox.hubspot(contact("three@example.org", "t-4", firstname="Old"))
    sandbox.hubspot(contact("three@example.org", "t-5", firstname="New"))
    sandbox.hubspot(contact("three@example.org", "t-4", firstname="Old"))

    assert sandbox.done("t-4") == 2
    kept = [
        one for one in sandbox.call("GET", "/_sandbox/contacts").json["items"] if one["email"] == "three@example.org"
    ]
    assert [(one["created"], one["updated"], one["traces"]) for one in kept] == [(1, 2, ["t-4", "t-5", "t-4"])]


def test_a_mixed_batch_is_answered_207_with_each_error_tied_to_its_row(sandbox: SandboxProcess) -> None:
    reply = sandbox.hubspot(contact("four@example.org", "t-6"), contact("nobody", "t-7"))

    assert reply.status == 207
    assert [one["objectWriteTraceId"] for one in reply.json["results"]] == ["t-6"]
    assert [one["context"]["objectWriteTraceId"] for one in reply.json["errors"]] == [["t-7"]]
    assert (sandbox.done("t-6"), sandbox.done("t-7")) == (1, 0)


def test_a_batch_with_nothing_valid_is_answered_400(sandbox: SandboxProcess) -> None:
    bad_address = sandbox.hubspot(contact("nobody", "t-8"))
    bad_property = sandbox.hubspot(contact("five@example.org", "t-9", **{"First Name": "Ada"}))

    assert (bad_address.status, bad_address.json["category"]) == (400, "VALIDATION_ERROR")
    assert (bad_property.status, bad_property.json["category"]) == (400, "VALIDATION_ERROR")


def test_a_contact_is_read_by_its_email(sandbox: SandboxProcess) -> None:
    sandbox.hubspot(contact("six@example.org", "t-10", firstname="Ada"))
    path = "/hubspot/crm/v3/objects/contacts/six%40example.org?idProperty=email"

    found = sandbox.call("GET", path, authorization="Bearer pat-1")
    elsewhere = sandbox.call("GET", path, authorization="Bearer another-portal")

    assert found.json["properties"]["firstname"] == "Ada"
    assert (elsewhere.status, elsewhere.json["category"]) == (404, "OBJECT_NOT_FOUND")


def test_no_token_is_answered_401(sandbox: SandboxProcess) -> None:
    reply = sandbox.call("POST", "/hubspot/crm/v3/objects/contacts/batch/upsert", {"inputs": []})

    assert (reply.status, reply.json["category"]) == (401, "INVALID_AUTHENTICATION")


@pytest.mark.parametrize(
    ("property", "value", "error"),
    [
        ("Favourite Colour", "blue", "PROPERTY_DOESNT_EXIST"),
        ("favourite_colour", "blue", "PROPERTY_DOESNT_EXIST"),
        ("createdate", "2026-01-01", "READ_ONLY_VALUE"),
        ("hs_object_id", "7", "READ_ONLY_VALUE"),
        ("lifecyclestage", "buyer", "INVALID_OPTION"),
        ("hs_lead_status", "new", "INVALID_OPTION"),
        ("closedate", "soon", "INVALID_LONG"),
        ("email", "a..b@example.org", "INVALID_EMAIL"),
    ],
)
def test_a_value_that_hubspot_refuses_is_refused_by_name(
    sandbox: SandboxProcess, property: str, value: str, error: str
) -> None:
    given = contact("typed@example.org", f"t-{property}") | {"properties": {property: value}}

    refused = sandbox.hubspot(given)

    assert (refused.status, refused.json["category"]) == (400, "VALIDATION_ERROR")
    (named,) = json.loads(refused.json["message"].partition(": ")[2])
    assert (named["name"], named["error"]) == (property, error)
    assert sandbox.done(f"t-{property}") == 0


def test_an_empty_value_clears_a_property_of_any_kind(sandbox: SandboxProcess) -> None:
    cleared = sandbox.hubspot(contact("clear@example.org", "t-clear", lifecyclestage="", firstname="", closedate=""))

    assert cleared.status == 200


def test_a_portals_own_property_exists_once_it_was_created(sandbox: SandboxProcess) -> None:
    path = "/hubspot/crm/v3/properties/contacts"
    colour = {
        "name": "favourite_colour", "label": "Favourite colour", "type": "enumeration", "fieldType": "select",
        "groupName": "contactinformation", "options": [{"label": "Blue", "value": "blue"}],
    }  # fmt: skip

    created = sandbox.call("POST", path, colour, authorization="Bearer pat-own")
    again = sandbox.call("POST", path, colour, authorization="Bearer pat-own")
    listed = sandbox.call("GET", path, authorization="Bearer pat-own").json["results"]
    taken = sandbox.hubspot(contact("own@example.org", "t-own", favourite_colour="blue"), token="pat-own")
    not_an_option = sandbox.hubspot(contact("own@example.org", "t-own-2", favourite_colour="red"), token="pat-own")
    elsewhere = sandbox.hubspot(contact("own@example.org", "t-own-3", favourite_colour="blue"), token="pat-else")

    assert (created.status, again.status, again.json["category"]) == (201, 409, "OBJECT_ALREADY_EXISTS")
    (own,) = [property for property in listed if property["name"] == "favourite_colour"]
    assert (own["label"], own["options"][0]["label"], own["options"][0]["value"]) == (
        "Favourite colour", "Blue", "blue"
    )  # fmt: skip
    assert (taken.status, not_an_option.status, elsewhere.status) == (200, 400, 400)
    assert sandbox.call("GET", f"{path}/favourite_colour", authorization="Bearer pat-else").status == 404


@pytest.mark.parametrize("definition", [{}, {"name": "A b"}, {"name": "a", "type": "colour"}, [], "a"])
def test_a_property_that_is_not_defined_whole_is_refused(sandbox: SandboxProcess, definition: object) -> None:
    whole = {"label": "A", "type": "string", "fieldType": "text", "groupName": "g"}
    content = json.dumps(whole | definition if isinstance(definition, dict) else definition)

    assert sandbox.call("POST", "/hubspot/crm/v3/properties/contacts", content, authorization="Bearer p").status == 400


def test_a_property_in_a_record_from_before_there_were_labels_is_read() -> None:
    properties = Properties()

    properties.apply({"action": "create_property", "account": "p", "property": ["plan", "enumeration", ["free"]]})

    shown = properties.of("p")["plan"].shown
    assert (shown["label"], shown["options"]) == (
        "plan", [{"label": "free", "value": "free", "displayOrder": 0, "hidden": False}]
    )  # fmt: skip

"""HubSpot's contacts, as its documentation describes them."""

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

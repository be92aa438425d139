"""Resend, as its documentation describes it."""

import json
import threading

import pytest

from tests.unit.sandbox.sandbox_process import SandboxProcess

DAY = 86_400


def test_a_repeat_under_its_key_gets_the_first_answer_and_sends_nothing(sandbox: SandboxProcess) -> None:
    first = sandbox.resend("r-1")
    again = sandbox.resend("r-1")

    assert (first.status, again.status) == (200, 200)
    assert again.json == first.json
    assert sandbox.done("r-1") == 1
    assert [entry["did"] for entry in sandbox.record("r-1")] == ["accepted", "replayed"]


@pytest.mark.point(45)
def test_a_key_with_another_body_is_refused(sandbox: SandboxProcess) -> None:
    sandbox.resend("r-2")

    reply = sandbox.resend("r-2", mail={"subject": "Something else"})

    assert (reply.status, reply.json["name"]) == (409, "invalid_idempotent_request")
    assert sandbox.done("r-2") == 1


@pytest.mark.point(44)
def test_a_key_is_forgotten_after_a_day(sandbox: SandboxProcess) -> None:
    first = sandbox.resend("r-3").json
    sandbox.shift(DAY - 60)
    within = sandbox.resend("r-3").json
    sandbox.shift(DAY + 60)
    after = sandbox.resend("r-3").json

    assert within == first
    assert after != first
    assert sandbox.done("r-3") == 2


def test_keys_of_another_team_are_other_keys(sandbox: SandboxProcess) -> None:
    sandbox.resend("r-4", token="re_one")
    sandbox.resend("r-4", token="re_two")

    assert sandbox.done("r-4") == 2


def test_a_key_whose_first_request_is_still_running_is_refused(sandbox: SandboxProcess) -> None:
    sandbox.inject("accept_then_hang", match="r-5", seconds=60, times=1)
    first = threading.Thread(target=_until_the_client_gives_up, args=(sandbox, "r-5"))

    first.start()
    while not sandbox.record("r-5"):
        pass
    during = sandbox.resend("r-5")
    first.join()
    after = sandbox.resend("r-5")

    assert (during.status, during.json["name"]) == (409, "concurrent_idempotent_requests")
    assert after.status == 200
    assert sandbox.done("r-5") == 1


@pytest.mark.parametrize(
    ("fields", "status", "name"),
    [
        ({"to": ["nobody"]}, 422, "validation_error"),
        ({"from": ""}, 422, "missing_required_field"),
        ({"from": "Inc., Fernwood <a@example.com>"}, 422, "invalid_from_address"),
        ({"from": "Ada <a@example.com"}, 422, "invalid_from_address"),
        ({"to": ["a..b@example.com"]}, 422, "validation_error"),
        ({"to": [".a@example.com"]}, 422, "validation_error"),
        ({"tags": [{"name": "list", "value": "spring sale"}]}, 422, "validation_error"),
        ({"tags": [{"name": "größe", "value": "m"}]}, 422, "validation_error"),
        ({"tags": [{"name": "a", "value": "b" * 257}]}, 422, "validation_error"),
        ({"to": ["Support: EU <b@example.com>"]}, 422, "validation_error"),
        ({"headers": {"reply-to": "Inc., Fernwood <a@example.com>"}}, 422, "validation_error"),
        ({"reply_to": ["a@example.com", "nobody"]}, 422, "validation_error"),
        ({"text": ""}, 422, "validation_error"),
    ],
)
def test_a_bad_mail_is_refused_in_words(
    sandbox: SandboxProcess, fields: dict[str, object], status: int, name: str
) -> None:
    reply = sandbox.resend("r-6", mail=fields)

    assert (reply.status, reply.json["name"], reply.json["statusCode"]) == (status, name, status)
    assert sandbox.done("r-6") == 0


def test_a_key_that_is_too_long_is_refused(sandbox: SandboxProcess) -> None:
    reply = sandbox.resend("k" * 257)

    assert (reply.status, reply.json["name"]) == (400, "invalid_idempotency_key")


def test_a_mail_is_found_by_its_id_and_in_the_list(sandbox: SandboxProcess) -> None:
    id = sandbox.resend("r-7", mail={"subject": "Find me"}).json["id"]

    found = sandbox.call("GET", f"/resend/emails/{id}", authorization="Bearer re_1").json
    listed = sandbox.call("GET", "/resend/emails?limit=5", authorization="Bearer re_1").json

    assert (found["id"], found["subject"], found["object"]) == (id, "Find me", "email")
    assert listed["data"][0]["id"] == id
    assert sandbox.call("GET", f"/resend/emails/{id}", authorization="Bearer re_other").status == 404


def test_a_batch_is_one_mail_each_under_one_key(sandbox: SandboxProcess) -> None:
    mail = {"from": "a@example.com", "subject": "Hello", "text": "It works."}
    mails = json.dumps([mail | {"to": "x@example.org"}, mail | {"to": ["y@example.org"]}])

    first = sandbox.call("POST", "/resend/emails/batch", mails, authorization="Bearer re_1", idempotency_key="batch-1")
    again = sandbox.call("POST", "/resend/emails/batch", mails, authorization="Bearer re_1", idempotency_key="batch-1")

    assert len(first.json["data"]) == 2
    assert again.json == first.json
    assert (sandbox.done("batch-1#0"), sandbox.done("batch-1#1")) == (1, 1)


def _until_the_client_gives_up(sandbox: SandboxProcess, key: str) -> None:
    with pytest.raises(TimeoutError):
        sandbox.with_timeout(1.0).resend(key)

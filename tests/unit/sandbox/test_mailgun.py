"""Mailgun, as its documentation describes it."""

import pytest

from tests.unit.sandbox.sandbox_process import SandboxProcess, basic


def test_a_message_is_queued_under_its_own_message_id(sandbox: SandboxProcess) -> None:
    reply = sandbox.mailgun("m-1")

    assert reply.status == 200
    assert reply.json == {"id": "<m-1@mg.example.com>", "message": "Queued. Thank you."}


def test_a_message_without_an_id_is_given_one(sandbox: SandboxProcess) -> None:
    reply = sandbox.mailgun("m-2", **{"h:Message-Id": ""})

    assert reply.json["id"].endswith("@mg.example.com>")


def test_a_repeat_is_a_second_mail_because_there_is_no_idempotency(sandbox: SandboxProcess) -> None:
    sandbox.mailgun("m-3")
    sandbox.mailgun("m-3")

    assert sandbox.done("m-3") == 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"to": "nobody"}, "to parameter is not a valid address. please check documentation"),
        ({"to": ""}, "to parameter is missing"),
        ({"from": ""}, "from parameter is missing"),
        (
            {"from": "Inc., Fernwood <a@example.com>"},
            "from parameter is not a valid address. please check documentation",
        ),
        ({"from": "Support: EU <a@example.com>"}, "from parameter is not a valid address. please check documentation"),
        ({"from": "Ada <a@example.com"}, "from parameter is not a valid address. please check documentation"),
        ({"to": "Support: EU <b@example.com>"}, "to parameter is not a valid address. please check documentation"),
        (
            {"h:Reply-To": "Inc., Fernwood <a@example.com>"},
            "h:Reply-To parameter is not a valid address. please check documentation",
        ),
        ({"text": ""}, "Need at least one of 'text', 'html' or 'template' parameters specified"),
    ],
)
def test_a_bad_message_is_refused_with_a_sentence(
    sandbox: SandboxProcess, fields: dict[str, str], message: str
) -> None:
    reply = sandbox.mailgun("m-4", **fields)

    assert (reply.status, reply.json) == (400, {"message": message})
    assert sandbox.done("m-4") == 0


def test_a_multipart_form_is_read_too(sandbox: SandboxProcess) -> None:
    parts = {
        "from": "a@example.com",
        "to": "Bob <b@example.org>",
        "subject": "Ünï",
        "html": "<p>x</p>",
        "v:effect-id": "m-5",
    }
    body = (
        "".join(f'--B\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in parts.items())
        + "--B--\r\n"
    )

    reply = sandbox.call(
        "POST",
        "/mailgun/v3/mg.example.com/messages",
        body.encode(),
        authorization=basic("k"),
        content_type="multipart/form-data; boundary=B",
    )

    assert reply.status == 200
    assert sandbox.record("m-5")[0]["asked"]["subject"] == "Ünï"


def test_percent_encoding_is_decoded_exactly(sandbox: SandboxProcess) -> None:
    subject = "a+b = 100 % & 'ünï' _ =3D \t漢\n."

    sandbox.mailgun("m-6", subject=subject)

    assert sandbox.record("m-6")[0]["asked"]["subject"] == subject


def test_no_credentials_are_answered_401(sandbox: SandboxProcess) -> None:
    reply = sandbox.call("POST", "/mailgun/v3/mg.example.com/messages", b"")

    assert (reply.status, reply.body) == (401, b"Forbidden")


def test_a_revoked_key_is_answered_401_until_it_is_restored(sandbox: SandboxProcess) -> None:
    sandbox.call("POST", "/_sandbox/revoked", {"credential": "key"})
    while_revoked = sandbox.mailgun("m-7").status
    sandbox.call("DELETE", "/_sandbox/revoked", {"credential": "key"})

    assert (while_revoked, sandbox.mailgun("m-7").status) == (401, 200)
    assert sandbox.done("m-7") == 1


def test_the_events_find_an_acceptance_by_its_message_id(sandbox: SandboxProcess) -> None:
    sandbox.mailgun("e-1")
    sandbox.mailgun("e-2")

    items = sandbox.events("e-1").json["items"]

    assert [item["message"]["headers"]["message-id"] for item in items] == ["e-1@mg.example.com"]
    assert items[0]["event"] == "accepted"
    assert items[0]["user-variables"] == {"effect-id": "e-1"}
    assert sandbox.events("e-none").json["items"] == []


def test_the_events_of_another_domain_stay_there(sandbox: SandboxProcess) -> None:
    sandbox.mailgun("e-3", domain="mg.example.com")

    assert sandbox.events("e-3", domain="other.example.com").json["items"] == []


def test_the_events_come_in_pages_that_end_empty(sandbox: SandboxProcess) -> None:
    for number in range(3):
        sandbox.mailgun(f"p-{number}", domain="pages.example.com")
    query = "?event=accepted&begin=1&ascending=yes&limit=2"

    first = sandbox.call("GET", f"/mailgun/v3/pages.example.com/events{query}", authorization=basic("k")).json
    second = _follow(sandbox, first["paging"]["next"])
    third = _follow(sandbox, second["paging"]["next"])

    assert [len(page["items"]) for page in (first, second, third)] == [2, 1, 0]
    assert {"first", "last", "next", "previous"} == set(first["paging"])


def test_the_events_begin_where_the_search_begins(sandbox: SandboxProcess) -> None:
    sandbox.mailgun("e-4")
    at = sandbox.record("e-4")[0]["at"]

    assert len(sandbox.events("e-4", begin=str(at - 60)).json["items"]) == 1
    assert sandbox.events("e-4", begin=str(at + 60)).json["items"] == []


@pytest.mark.point(47)
def test_a_lagging_log_shows_nothing_until_the_lag_has_passed(sandbox: SandboxProcess) -> None:
    sandbox.inject("lookup_lag", provider="mailgun", seconds=300)
    sandbox.mailgun("e-5")

    at_once = sandbox.events("e-5").json["items"]
    sandbox.shift(301)
    later = sandbox.events("e-5").json["items"]

    assert (len(at_once), len(later)) == (0, 1)


def test_the_log_forgets_after_three_days(sandbox: SandboxProcess) -> None:
    sandbox.mailgun("e-6")

    sandbox.shift(3 * 86_400 + 60)

    assert sandbox.events("e-6").json["items"] == []


def _follow(sandbox: SandboxProcess, url: str) -> dict[str, dict[str, str]]:
    page: dict[str, dict[str, str]] = sandbox.call("GET", "/" + url.split("/", 3)[3], authorization=basic("k")).json
    return page

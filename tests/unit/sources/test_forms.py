"""Bodies that are forms, as GitHub, Slack, Mailgun and Twilio send them."""

import json
from urllib.parse import quote_plus, urlencode

import pytest

from drumbeat.sources import forms, registry
from drumbeat.sources.signature import Allowed, Delivery, Unverified
from tests.senders import NOW, SECRET, URL, mailgun

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
SIGNED: dict[str, str] = json.loads(mailgun())["signature"]


def multipart(*parts: tuple[str, str], boundary: str = BOUNDARY, end: str = "--\r\n") -> bytes:
    """Write a form of several parts; a head may hold more than the name."""
    written = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{head}"\r\n\r\n{value}\r\n' for head, value in parts
    )
    return f"{written}--{boundary}{end}".encode()


def verified(body: bytes) -> str:
    return registry.get("mailgun").verify(Delivery("POST", URL, {}, body), Allowed([SECRET], NOW, 300, {}))


@pytest.mark.parametrize(
    "body",
    [
        urlencode({**SIGNED, "event": "delivered", "recipient": "ada@example.com"}).encode(),
        multipart(*SIGNED.items(), ("event", "delivered")),
        multipart(*SIGNED.items(), ('attachment-1"; filename="a.txt', "--not the end\r\n\r\nx")),
        multipart(*SIGNED.items(), ("body-plain", "two\r\nlines\r\n\r\nof --text"), boundary="x"),
    ],
    ids=["urlencoded", "multipart", "with a file", "with lines"],
)
def test_mailguns_forms_are_verified_and_named_by_their_token(body: bytes) -> None:
    assert verified(body) == SIGNED["token"]


@pytest.mark.parametrize(
    "body",
    [
        urlencode({**SIGNED, "token": "other"}).encode(),
        urlencode({name: SIGNED[name] for name in ("timestamp", "token")}).encode(),
        urlencode([*SIGNED.items(), ("token", SIGNED["token"])]).encode(),
        multipart(*SIGNED.items(), ("signature", "0" * 64)),
        multipart(*SIGNED.items(), end=""),
        multipart(*SIGNED.items())[2:],
        multipart(*((f'{name}"; filename="f', value) for name, value in SIGNED.items())),
        multipart(*SIGNED.items(), *[("a", "b")] * 1001),
        b"&".join([b"a=1"] * 1001),
        b"--x\r\n",
        b"--x--\r\n",
        b"--x\r\n\r\n\r\n--x--",
    ],
)
def test_a_form_without_one_good_signature_is_unverified(body: bytes) -> None:
    with pytest.raises(Unverified):
        verified(body)


def test_a_form_is_read_field_by_field() -> None:
    form = multipart(("event", "opened"), ("tag", "a"), ("tag", "b"), ("note", "\u00e9"), ('file"; filename="x', "y"))

    assert forms.fields(form) == {"event": ["opened"], "tag": ["a", "b"], "note": ["\u00e9"]}
    assert registry.get("mailgun").read(form) == {"event": "opened", "tag": "b", "note": "\u00e9"}


@pytest.mark.parametrize("scheme", ["github", "slack"])
def test_the_json_in_a_forms_payload_is_the_delivery(scheme: str) -> None:
    body = f"payload={quote_plus(json.dumps({'action': 'published', 'name': 'a & b'}))}".encode()

    assert registry.get(scheme).read(body) == {"action": "published", "name": "a & b"}
    assert registry.get(scheme).read(b'{"payload": "{}"}') == {"payload": "{}"}


@pytest.mark.parametrize("value", ["text", "7", "[]", "{", "", "[" * 100_000, "null"])
def test_a_payload_that_is_no_object_is_a_field(value: str) -> None:
    assert registry.get("slack").read(urlencode({"payload": value}).encode()) == {"payload": value}


def test_a_command_of_slack_is_its_fields() -> None:
    assert registry.get("slack").read(b"command=%2Fweather&text=&payload=%7B%7D") == {
        "command": "/weather",
        "text": "",
        "payload": "{}",
    }


@pytest.mark.parametrize("body", [b"", b"nonsense", b"\xff", b"a=1&b", b"a=1;b=2&"])
def test_what_is_neither_json_nor_a_form_is_not_read(body: bytes) -> None:
    with pytest.raises(ValueError):
        forms.read(body)

"""Deliveries that the vendors' own libraries sign or judge: our doors agree with them about every one."""

import json
import time
from base64 import b64decode
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import pytest

from tests.functions.doors import Doors
from tests.sdks.conftest import Program
from tests.senders import SECRET, SENDERS

pytestmark = pytest.mark.proof

HOST = "https://hooks.example.com"
PATH = "/v1/webhooks/vector"
NOTE = '{"id": "evt_1", "event_id": "evt_1", "note": "Grüße, 👋 & more\\n"}'
BATCH = '[{"eventId": 1, "note": "ü", "attemptNumber": 0}]'
FORM = urlencode([("Body", "hi ü & +"), ("From", "+4912"), ("To", ""), ("Body", "twice")])
QUERY = f"a=%2F%3A%40&b={quote('ü x')}&c=1+2"

# What a library signs as, our scheme, and what it sends.
SIGNED = [
    ("hubspot_v1", "hubspot_v1", BATCH, ""),
    ("hubspot_v3", "hubspot_v3", BATCH, ""),
    ("hubspot_v3", "hubspot_v3", BATCH, QUERY),
    ("paddle", "paddle", NOTE, ""),
    ("slack", "slack", NOTE, ""),
    ("slack", "slack", "command=%2Fweather&text=94070", ""),
    ("slack", "slack", f"payload={quote(NOTE)}", ""),
    ("standard_webhooks", "standard_webhooks", NOTE, ""),
    ("svix", "standard_webhooks", NOTE, ""),
    ("svix", "resend", NOTE, ""),
    ("svix as webhook", "resend", NOTE, ""),
    ("standard_webhooks", "resend", NOTE, ""),
    ("stripe", "stripe", NOTE, ""),
    ("twilio", "twilio", FORM, ""),
    ("twilio", "twilio", FORM, QUERY),
    ("twilio shared key", "twilio", FORM, ""),
]
JUDGED = ["github", "meta", "resend", "sendgrid"]


@pytest.fixture
def vector(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> Doors:
    """A door for the source `vector`, which `configured` gives its scheme."""
    monkeypatch.setenv("SIGNED_WITH", SECRET)
    return doors


def configured(doors: Doors, scheme: str) -> Doors:
    doors.configure(vector={"scheme": scheme, "secrets": ["env:SIGNED_WITH"]})
    return doors


def status(doors: Doors, body: str, headers: Mapping[str, str], query: str = "") -> int:
    return doors.post(PATH, body.encode(), key=None, headers=headers, query=query, encoded=True).status


@pytest.mark.parametrize(("sdk", "scheme", "body", "query"), SIGNED)
def test_what_a_library_signs_is_taken_and_what_was_altered_is_not(
    vector: Doors, libraries: Program, sdk: str, scheme: str, body: str, query: str
) -> None:
    url = f"{HOST}{PATH}" + (f"?{query}" if query else "")
    job = {"do": "sign", "sdk": sdk, "secret": SECRET, "body": body, "url": url, "now": int(time.time())}
    headers: dict[str, str] = libraries.ask(**job)
    other: dict[str, str] = libraries.ask(**job | {"secret": SECRET[::-1]})
    door = configured(vector, scheme)

    altered = [status(door, body + end, headers, query) for end in (" ", "&x=1")]
    forged = status(door, body, other, query)
    good = [status(door, body, headers, query) for _ in range(2)]

    assert (altered, forged) == ([401, 401], 401)
    assert good in ([202, 200], [200, 200])
    assert [row["body"] for row in door.events()] == [body.encode()]


@pytest.mark.parametrize("scheme", JUDGED)
def test_a_library_and_our_door_judge_alike(
    vector: Doors, libraries: Program, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    sender = SENDERS[scheme]
    monkeypatch.setenv("SIGNED_WITH", sender.secret)
    body = BATCH if scheme == "sendgrid" else NOTE
    key = b64decode(SECRET) if sender.in_base64 else None
    delivery = sender.delivery(body.encode(), key=key, now=int(time.time()))
    door = configured(vector, scheme)
    changed = [(body, delivery.headers), (body + " ", delivery.headers), (body.replace("1", "2"), delivery.headers)]

    judged = [
        libraries.ask(do="judge", sdk=scheme, secret=sender.secret, body=text, headers=dict(headers))
        for text, headers in changed
    ]
    ours = [status(door, text, headers) < 300 for text, headers in changed]

    assert judged == ours == [True, False, False]


def test_slacks_challenge_that_its_library_signed_is_echoed(vector: Doors, libraries: Program) -> None:
    body = json.dumps({"type": "url_verification", "token": "x", "challenge": "3eZbrw1aBm2"})
    now = int(time.time())
    headers = libraries.ask(do="sign", sdk="slack", secret=SECRET, body=body, url="", now=now)
    door = configured(vector, "slack")

    answer = door.post(PATH, body.encode(), key=None, headers=headers, encoded=True)

    assert (answer.status, answer.body) == (200, {"challenge": "3eZbrw1aBm2"})
    assert door.events() == []

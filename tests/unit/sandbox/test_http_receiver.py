"""Receivers of the user's own under /http/."""

import base64
import hashlib
import hmac
import time

import pytest

from tests.unit.sandbox.sandbox_process import Reply, SandboxProcess

SECRET = "whsec_" + base64.b64encode(b"a secret of the receiver").decode()


def test_any_method_and_path_is_taken_and_recorded(sandbox: SandboxProcess) -> None:
    reply = sandbox.call("PUT", "/http/shop/orders/7?x=1", b"\xff body", webhook_id="w-1")

    assert reply.status == 200
    entry = sandbox.record("w-1")[0]
    assert (entry["account"], entry["method"], entry["did"]) == ("shop", "PUT", "accepted")


def test_a_receiver_that_ignores_keys_does_a_repeat_again(sandbox: SandboxProcess) -> None:
    for _ in range(2):
        sandbox.call("POST", "/http/forgetful/x", b"{}", webhook_id="w-2")

    assert sandbox.done("w-2") == 2


def test_a_receiver_that_honours_keys_does_a_repeat_once(sandbox: SandboxProcess) -> None:
    sandbox.call("POST", "/_sandbox/receivers", {"account": "careful", "honour_keys": True})

    replies = [sandbox.call("POST", "/http/careful/x", b"{}", webhook_id="w-3").json for _ in range(2)]
    other = sandbox.call("POST", "/http/careful/x", b"{1}", webhook_id="w-3")

    assert replies[0] == replies[1]
    assert other.status == 422
    assert sandbox.done("w-3") == 1


def test_a_signature_is_verified_when_a_secret_is_set(sandbox: SandboxProcess) -> None:
    sandbox.call("POST", "/_sandbox/receivers", {"account": "signed", "secret": SECRET})
    now = int(time.time())

    assert _signed(sandbox, "w-4", now).status == 200
    assert _signed(sandbox, "w-5", now, body=b"altered").status == 401
    assert _signed(sandbox, "w-6", now - 600).status == 401
    assert sandbox.call("POST", "/http/signed/x", b"{}", webhook_id="w-7").status == 401
    assert [sandbox.done(f"w-{number}") for number in (4, 5, 6, 7)] == [1, 0, 0, 0]


@pytest.mark.parametrize("status", [410, 302])
def test_a_receiver_can_be_set_to_answer_a_status(sandbox: SandboxProcess, status: int) -> None:
    sandbox.call("POST", "/_sandbox/receivers", {"account": "gone", "status": status})

    reply = sandbox.call("POST", "/http/gone/x", b"{}", webhook_id=f"w-{status}")

    assert reply.status == status
    assert sandbox.done(f"w-{status}") == 0


def _signed(sandbox: SandboxProcess, id: str, timestamp: int, body: bytes = b'{"a":1}') -> Reply:
    signed = f"{id}.{timestamp}.".encode() + b'{"a":1}'
    signature = base64.b64encode(hmac.digest(b"a secret of the receiver", signed, hashlib.sha256)).decode()
    return sandbox.call(
        "POST", "/http/signed/x", body,
        webhook_id=id, webhook_timestamp=str(timestamp), webhook_signature=f"v1,{signature}",
    )  # fmt: skip

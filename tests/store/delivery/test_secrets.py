"""Where the secrets of accounts go while effects are carried out: to their receiver, and nowhere else."""

from dataclasses import replace
from typing import Any, override

import pytest

from drumbeat.configuration.document import compile_document
from drumbeat.delivery.requests import thaw
from drumbeat.infrastructure.secrets import Secrets
from drumbeat.infrastructure.settings import Settings
from drumbeat.ledger import configs
from drumbeat.ledger.database import Database
from tests.store.delivery.workers import BODY, Worker
from tests.store.rows import recorded

DOCUMENT = """
version: 1
accounts:
  one: ACCOUNT
flows:
  welcome:
    on: LEAD_CAPTURE
    steps:
      - {id: hello, account: one, STEP}
"""
CALL = "action: call, with: {method: POST, path: /hello, body: {}}"
MAIL = "action: send_email, with: {to: ada@example.com, subject: Hello, text: Hello}"
BEARER = """{provider: http, settings: {base_url: 'https://erp.example.com',
    headers: {Authorization: 'Bearer {{ secret.token }}'}}, secrets: {token: secret:erp-token}}"""
VENDOR = "{provider: resend, settings: {from: ada@example.com, base_url: 'URL'}, secrets: {api_key: secret:resend}}"
VALUE = "t0k3n-that-nothing-may-keep"


class Kept(Secrets):
    """Secrets as a stage on AWS has them, and which of them were asked for."""

    def __init__(self, value: str = VALUE) -> None:
        super().__init__(Settings.from_env({"DATABASE_URL": "x"}))
        self.value = value
        self.asked: list[str] = []

    @override
    def get(self, reference: str, *, max_age: float = 0.0) -> str:
        self.asked.append(reference)
        return self.value


def carried_out(worker: Worker, account: str, step: str, secrets: Secrets) -> dict[str, Any]:
    """Carry out one effect as on AWS, by a version that a release before may have stored; return its row."""
    compiled = compile_document(DOCUMENT.replace("ACCOUNT", account).replace("STEP", step), {})
    configs.insert(worker.db, hash=b"2", document="", templates={}, compiled=compiled, identities={}, actor="test")
    worker.settings = replace(worker.settings, local=False)
    worker.secrets = secrets
    event = recorded(worker.db, body=BODY)
    worker.deliver(events=[event])
    (effect,) = worker.db.run("SELECT status, reason FROM effects WHERE event_id = %s", (event,))
    return effect


def everything(owner: Database) -> str:
    """Return all that the ledger holds, as text."""
    tables = ("configs", "events", "effects", "attempts", "outcomes", "journal", "account_states")
    requests = owner.run("SELECT frozen, hash FROM requests")
    rows = [owner.run(f"SELECT to_jsonb(row) FROM {table} AS row") for table in tables]
    return repr([*rows, *(thaw(each["frozen"], each["hash"]) for each in requests)])


def test_a_secret_that_a_header_carries_is_kept_nowhere(worker: Worker, owner: Database) -> None:
    secrets = Kept()

    effect = carried_out(worker, BEARER, CALL, secrets)

    assert (effect["status"], secrets.asked) == ("accepted", ["secret:erp-token"])
    kept = everything(owner)
    assert "https://erp.example.com/hello" in kept
    assert VALUE not in kept


@pytest.mark.parametrize("value", [f"{VALUE}\r\nX-Admin: 1", f"a\n{VALUE}", f"{VALUE}\0", f"ä{VALUE}"])
def test_one_that_no_header_can_hold_is_not_sent(worker: Worker, owner: Database, value: str) -> None:
    effect = carried_out(worker, BEARER, CALL, Kept(value))

    assert effect["status"] == "held"
    assert "secret:erp-token (is not one line of printable ASCII" in effect["reason"]
    assert worker.calls.batches == []
    assert VALUE not in everything(owner)


@pytest.mark.parametrize("value", [f"{VALUE}\n", f" {VALUE} ", f"\r\n{VALUE}\r\n"])
def test_a_line_break_at_its_end_was_never_meant(worker: Worker, value: str) -> None:
    assert carried_out(worker, BEARER, CALL, Kept(value))["status"] == "accepted"


@pytest.mark.parametrize(
    "url",
    ["https://evil.example", "http://api.resend.com", "https://api.resend.com.evil.example", "http://127.0.0.1:9"],
)
def test_a_vendor_s_key_is_not_even_read_for_another_host(worker: Worker, url: str) -> None:
    secrets = Kept()

    effect = carried_out(worker, VENDOR.replace("URL", url), MAIL, secrets)

    assert (effect["status"], secrets.asked, worker.calls.batches) == ("held", [], [])
    assert "a key of resend goes nowhere else" in effect["reason"]


def test_a_vendor_s_key_goes_to_the_vendor(worker: Worker) -> None:
    assert carried_out(worker, VENDOR.replace("URL", "https://api.resend.com"), MAIL, Kept())["status"] == "accepted"

"""The oracle reads only what callers and providers saw."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from drumbeat.local.frames import Json
from tests.chaos.callers import Receipt, Receipts
from tests.chaos.oracle import Verdict, check
from tests.chaos.workload import Lead

UNPROVABLE = "unprovable"
PROVIDERS = {"mail": "mailgun", "gift": "resend", "invoice": "http"}
ACCOUNTS = {"mail": "mail", "gift": "gifts", "invoice": "erp"}


def verdict(folder: Path, kind: str, done: int, held: str | None = None, *, received: bool = True) -> Verdict:
    """Return the verdict about one event of a kind that was done so many times."""
    lead = Lead(f"{kind}-1", kind)
    receipts = Receipts(folder / "receipts.jsonl")
    if received:
        receipts.held[lead.key] = Receipt("event", 1.0, buffered=False)
    record = folder / "record.jsonl"
    record.write_text("".join(json.dumps(entry) + "\n" for entry in _entries(kind, lead.email, done)))
    effects = [] if held is None else [{"eventId": "event", "account": ACCOUNTS[kind], "reasonCode": held}]
    return check([lead], receipts, record, effects)


def _entries(kind: str, email: str, done: int) -> Iterable[Json]:
    account = "erp" if kind == "invoice" else "mg.example.com"
    asked = {"provider": PROVIDERS[kind], "account": account, "real": 2.0, "to": [email]}
    if kind == "invoice":
        asked["to"] = [f"/erp/{email}"]
    yield {**asked, "did": "nothing"}
    for _ in range(done):
        yield {**asked, "did": "accepted"}
    yield {**asked, "did": "replayed"}


@pytest.mark.parametrize("kind", ["mail", "gift", "invoice"])
def test_once_is_right(tmp_path: Path, kind: str) -> None:
    found = verdict(tmp_path, kind, done=1)

    assert found.violations == []
    assert sum(tally.once for tally in found.tallies.values()) == 1


@pytest.mark.parametrize("kind", ["mail", "gift", "invoice"])
def test_twice_is_a_violation_in_every_class(tmp_path: Path, kind: str) -> None:
    assert verdict(tmp_path, kind, done=2).violations == [
        f"done more than once: {kind}-1@example.com by {ACCOUNTS[kind]}, 2 times"
    ]


def test_never_without_a_reason_is_lost(tmp_path: Path) -> None:
    assert verdict(tmp_path, "mail", done=0).violations == ["lost: mail-1@example.com by mail"]


def test_what_nothing_can_prove_may_be_held(tmp_path: Path) -> None:
    assert verdict(tmp_path, "invoice", done=0, held=UNPROVABLE).violations == []


def test_what_can_be_repeated_may_not_be_held(tmp_path: Path) -> None:
    assert verdict(tmp_path, "gift", done=0, held=UNPROVABLE).violations == [
        f"class K must not be held because of: {UNPROVABLE} (1)"
    ]


def test_a_caller_without_a_receipt_is_a_violation(tmp_path: Path) -> None:
    assert verdict(tmp_path, "mail", done=1, received=False).violations == ["never received: mail-1"]

"""The exposition, as Prometheus's own client reads it."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from drumbeat.core.invariants import Invariant
from drumbeat.observability.exposition import exposition
from drumbeat.observability.snapshot import AccountNumbers, Snapshot

MAIL = AccountNumbers(
    account='a"b\\c\n',
    provider="mailgun",
    state="paused",
    reason_code="breaker_open",
    since=1.0,
    until=2.0,
    queue=0.0,
    effects={"waiting": 12_345_678, "held": 2},
    refused=3,
    oldest_due=61.5,
)


def snapshot(**changes: Any) -> Snapshot:
    said: dict[str, Any] = {
        "at": 1_000.0,
        "took": 0.1,
        "version": 3,
        "events": {"done": 7},
        "unplanned": 1,
        "oldest_unplanned": 5.0,
        "accounts": (MAIL,),
        "runs": {"running": 1},
        "violations": {"duplicates": 1},
        "dead_letters": 4,
    }
    return Snapshot(**{**said, **changes})


def read(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the samples by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float | None:
    return read(text).get((f"drumbeat_{name}", frozenset(labels.items())))


def test_each_number_is_read_as_it_was_written() -> None:
    text = exposition(snapshot(), now=1_030.0)

    assert value(text, "snapshot_age_seconds") == 30.0
    assert value(text, "effects", account=MAIL.account, status="waiting") == 12_345_678
    assert value(text, "effects", account=MAIL.account, status="accepted") == 0
    assert value(text, "refused_24h", account=MAIL.account) == 3
    assert value(text, "oldest_due_seconds", account=MAIL.account) == 61.5
    assert value(text, "account_running", account=MAIL.account) == 0
    assert value(text, "events_24h", status="done") == 7
    assert value(text, "runs_open", state="running") == 1
    assert (value(text, "dead_letters"), value(text, "unplanned_events")) == (4, 1)


def test_each_invariant_is_a_metric() -> None:
    text = exposition(snapshot(), now=1_000.0)

    assert {each: value(text, each.value) for each in Invariant} == {
        each: float(each is Invariant.DUPLICATES) for each in Invariant
    }


def test_each_metric_is_described_once_and_is_a_gauge() -> None:
    families = list(text_string_to_metric_families(exposition(snapshot(), now=1_000.0)))

    names = [family.name for family in families]
    assert len(names) == len(set(names))
    assert {family.type for family in families} == {"gauge"}
    assert all(family.documentation for family in families)


def test_what_is_not_known_is_absent() -> None:
    text = exposition(snapshot(dead_letters=None), now=1_000.0)

    assert value(text, "dead_letters") is None


def test_without_a_snapshot_every_metric_is_absent() -> None:
    assert read(exposition(None, now=1_000.0)) == {}


@pytest.mark.parametrize("beside", [{}, {"more": 1}])
def test_a_snapshot_is_read_back_as_it_was_also_from_a_later_release(beside: dict[str, int]) -> None:
    made = snapshot()

    assert Snapshot.of({**json.loads(json.dumps(asdict(made))), **beside}) == made

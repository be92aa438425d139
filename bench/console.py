"""How long the console's function takes to answer: python -m bench.console [--events 1000000]

Over the ledger of `bench.history` (some minutes to fill), each question that only reads is asked thirty times, as API
Gateway would ask it: from the event to the handler's answer. Prints a table, slowest first; `KB`: the body, compressed.
"""

import argparse
import gzip
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, cast
from urllib.parse import quote

import psycopg
import pytest

from bench import history
from drumbeat.ledger.database import Database
from drumbeat.local.servers import MiniStack, Valkey
from functions.console import app
from tests.conftest import TestDatabase, migrated
from tests.functions.console import Console, build_services, close
from tests.functions.pages.visitor import Visitor

CALLS = 30
SECONDS = 30.0  # for one question: what takes long is asked less often
P95_MS, KILOBYTES = 300.0, 150.0
SAMPLES = {
    "event": "SELECT id FROM events WHERE source = 'site' ORDER BY received_at DESC LIMIT 1 OFFSET 1000",
    "effect": "SELECT effect_id AS id FROM requests ORDER BY effect_id LIMIT 1",
    "run": "SELECT id FROM runs ORDER BY created_at DESC LIMIT 1 OFFSET 1",
    "person": "SELECT address ->> 'v' AS id FROM leads ORDER BY since DESC LIMIT 1 OFFSET 77",
}


@dataclass(frozen=True, slots=True)
class Question:
    """One request, and how it was answered: milliseconds of each time, and bytes."""

    path: str
    times: Sequence[float]
    compressed: int

    @property
    def p95(self) -> float:
        """The time that nineteen of twenty answers did not take longer than."""
        return self.at(0.95)

    def at(self, share: float) -> float:
        """Return the time within which such a share was answered."""
        return sorted(self.times)[min(len(self.times) - 1, round(share * len(self.times)))]


class Timed:
    """The console's function, with a watch at its door."""

    def __init__(self) -> None:
        self.milliseconds = 0.0
        self.body = ""

    def handler(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Answer, and note how long that took."""
        started = time.perf_counter()
        answer = app.handler(event, context)
        self.milliseconds = (time.perf_counter() - started) * 1000
        self.body = str(answer["body"])
        return answer


def questions(sample: Mapping[str, str]) -> dict[str, str]:
    """Return what is asked, by what it shows: a path with its query."""
    month = (datetime.now(UTC) - timedelta(days=30)).isoformat(timespec="seconds").replace("+00:00", "Z")
    person = sample["person"]
    return {
        "status": "/v1/status",
        "metrics": "/metrics",
        "health, deep": "/healthz?deep=1",
        "use of a month": "/v1/usage",
        "accounts": "/v1/accounts",
        "counts, 48 hours": "/v1/counts",
        "counts, 30 days": f"/v1/counts?since={month}",
        "counts, 30 days as CSV": f"/v1/counts?since={month}&format=csv",
        "counts of a run": f"/v1/counts?since={month}&run={sample['run']}",
        "events": "/v1/events",
        "events, 200 as CSV": "/v1/events?limit=200&format=csv",
        **{f"events {status}": f"/v1/events?status={status}" for status in ("attention", "in_progress", "planned")},
        "events done": "/v1/events?status=done",
        "events of a type": "/v1/events?type=CAMPAIGN_TRIGGER",
        "events of a person": f"/v1/events?q={person}",
        "events by the beginning of an id": f"/v1/events?q={sample['event'][:8]}",
        "event": f"/v1/events/{sample['event']}",
        "event of a run": f"/v1/events/{sample['run']}",
        "effects": "/v1/effects",
        **{f"effects {status}": f"/v1/effects?status={status}" for status in ("waiting", "held", "refused")},
        "effects of a run": f"/v1/effects?event={sample['run']}",
        "effect": f"/v1/effects?id={sample['effect']}",
        "request of an effect": f"/v1/effects/{sample['effect']}/request",
        **{f"groups of {status}": f"/v1/effects/groups?status={status}" for status in ("held", "refused", "cancelled")},
        "groups of waiting": "/v1/effects/groups?status=waiting",
        "leads": "/v1/leads",
        "leads of a list": "/v1/leads?where=list:news",
        "leads with a value that none has": "/v1/leads?where=plan=none",
        "leads suppressed": "/v1/leads?where=suppressed",
        "leads of an audience": "/v1/leads?audience=trials",
        "person": f"/v1/leads/{person}",
        "receipt of a person": f"/v1/leads/{person}/receipt",
        "suppressions": "/v1/suppressions",
        "suppressions, unmatched": "/v1/suppressions?unmatched=true",
        "runs": "/v1/runs",
        "run": f"/v1/runs/{sample['run']}",
        "people of a run": f"/v1/runs/{sample['run']}/recipients",
        "people of a run, refused": f"/v1/runs/{sample['run']}/recipients?status=refused",
        "campaigns": "/v1/campaigns",
        "campaign": "/v1/campaigns/digest",
        "audiences": "/v1/audiences",
        "audience counted: a field and a list": "/v1/audiences/trials",
        "audience counted: opened within 30 days": "/v1/audiences/readers",
        "audience explained for a person": f"/v1/audiences/trials/explain?lead={person}",
        "parked": "/v1/parked",
        "keys": "/v1/keys",
        "dead letters": "/v1/dlq",
        "at risk after a restore": "/v1/reconcile",
        "configuration": "/v1/config",
    }


def pages(sample: Mapping[str, str]) -> dict[str, str]:
    """Return the pages of the console, by what they show: a path with its query."""
    person, run = quote(sample["person"]), sample["run"]
    return {
        "page Now": "/",
        "page People": "/people",
        "page Person": f"/people/{person}",
        "page receipt of a person": f"/people/{person}/receipt",
        "page Events": "/events",
        **{f"page Events {status}": f"/events?status={status}" for status in ("attention", "in_progress", "planned")},
        "page Events of a person": f"/events?q={person}",
        "page Event": f"/events/{sample['event']}",
        "page Event of a run": f"/events/{run}",
        "page Effects": "/effects",
        **{f"page Effects {status}": f"/effects?status={status}" for status in ("waiting", "held", "refused")},
        "page Effect": f"/effects/{sample['effect']}",
        "page decide about held": "/effects/decide?status=held",
        "page Campaigns": "/campaigns",
        "page Campaign": "/campaigns/digest",
        "page Run": f"/runs/{run}",
        "page Run, its people": f"/runs/{run}?people=all",
        "page Audiences": "/audiences",
        "page Audience": "/audiences/trials",
        "page Accounts": "/accounts",
        "page Sources": "/sources",
        "page Versions": "/versions",
        "page Audit": "/audit",
        "page of the API": "/docs/api",
    }


def open_page(visitor: Visitor, timed: Timed, path: str) -> Question:
    """Open one page again and again."""
    times: list[float] = []
    until = time.monotonic() + SECONDS
    while len(times) < CALLS and (len(times) < 3 or time.monotonic() < until):
        shown = visitor.get(path)
        assert shown.status == 200, (path, shown.status, shown.html[:2000])
        times.append(timed.milliseconds)
    return Question(path, times, len(gzip.compress(shown.html.encode())))


def ask(console: Console, timed: Timed, path: str, key: str) -> Question:
    """Ask one question again and again."""
    path, _, query = path.partition("?")
    parameters = dict(each.split("=", 1) for each in query.split("&")) if query else {}
    times: list[float] = []
    until = time.monotonic() + SECONDS
    while len(times) < CALLS and (len(times) < 3 or time.monotonic() < until):
        status, answer, _ = console.call("GET", path, key=key, **parameters)
        assert status in (200, 503), (path, status, answer)  # deep health: not all is there in a bench
        times.append(timed.milliseconds)
    return Question(path, times, len(gzip.compress(timed.body.encode())))


def measure(console: Console, timed: Timed, owner: Database) -> None:
    """Ask everything, and print the table."""
    key = console.key("read", "people", "operate")
    sample = {name: str(owner.run(sql)[0]["id"]) for name, sql in SAMPLES.items()}
    visitor = Visitor(console.services, timed.handler)
    visitor.sign_in("read", "people", "operate")
    found = {name: open_page(visitor, timed, path) for name, path in pages(sample).items()}
    found |= {name: ask(console, timed, path, key) for name, path in questions(sample).items()}
    print("| asked | p50 ms | p95 ms | KB |\n|---|---|---|---|")
    for name, one in sorted(found.items(), key=lambda item: -item[1].p95):
        print(f"| {name} | {one.at(0.5):,.0f} | {one.p95:,.0f} | {one.compressed / 1024:,.1f} |")
    late = [name for name, one in found.items() if one.p95 > P95_MS or one.compressed > KILOBYTES * 1024]
    print(f"\nover {P95_MS:.0f} ms or {KILOBYTES:.0f} KB: {', '.join(late) or 'none'}", flush=True)


def main() -> None:
    """Fill a ledger, measure and print."""
    parser = argparse.ArgumentParser(prog="bench.console")
    parser.add_argument("--events", type=int, default=history.EVENTS)
    events = parser.parse_args().events
    with (
        tempfile.TemporaryDirectory(prefix="drumbeat-", ignore_cleanup_errors=True) as home,
        migrated(Path(home) / "postgres") as server,
        Valkey(Path(home) / "valkey") as valkey,
        MiniStack(Path(home) / "ministack") as queues,
        pytest.MonkeyPatch.context() as patch,
    ):
        services = build_services(
            TestDatabase(server.url("ledger", user="drumbeat_app")), valkey.url, queues.url, patch
        )
        owner, timed, started = Database(server.url("ledger")), Timed(), time.monotonic()
        history.fill(owner, services.contact_secret, events=events)
        print(
            f"{events:,} events in {time.monotonic() - started:,.0f} s; load of the machine: {os.getloadavg()[0]:.1f}\n"
        )
        with psycopg.connect(server.url(), autocommit=True) as admin:  # as it is outside of tests
            admin.execute("ALTER SYSTEM RESET fsync")
            admin.execute("SELECT pg_reload_conf()")
        measure(Console(services, cast("ModuleType", timed)), timed, owner)
        owner.close()
        close(services)


if __name__ == "__main__":
    main()

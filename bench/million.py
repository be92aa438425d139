"""A run for a million people: python -m bench.million [--leads 1000000]

Over the ledger of `bench.audiences`: how long it takes to record who is meant and what they get, chunk by chunk, how
much memory that takes in the worker's process and in the ledger, and what it then costs to see where everybody is. No
mail is sent.
"""

import argparse
import os
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import override
from uuid import UUID

import psycopg

from bench import audiences, cpu
from drumbeat.campaigns import firing
from drumbeat.configuration.document import compile_document
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.infrastructure.settings import Settings
from drumbeat.ingest import sql as ingest_sql
from drumbeat.ledger import configs
from drumbeat.ledger.database import Database
from drumbeat.local.servers import Valkey
from drumbeat.runs import sql
from drumbeat.runs.advance import advance
from drumbeat.runs.begin import begin
from drumbeat.services import Services
from drumbeat.views.run_totals import run_totals
from drumbeat.wakeups.queue import Queue
from tests.conftest import migrated

DOCUMENT = (
    f"""{audiences.DOCUMENT}\
  everybody: {{field: plan, exists: true}}
"""
    + """
defaults: {postal_address: "Fernwood GmbH, Am Wald 1, 10115 Berlin", public_url: "https://mail.example.com"}
accounts:
  mail: {provider: resend, settings: {from: "Ada <ada@example.com>"}, secrets: {api_key: "env:MAIL_KEY"}}
campaigns:
  letter:
    audience: everybody
    steps:
      - id: mail
        account: mail
        action: send_email
        with: {to: "{{ lead.email }}", list: newsletter, subject: News,
               text: "{{ unsubscribe_url }} {{ postal_address }}"}
  notice:
    audience: everybody
    steps:
      - id: mail
        account: mail
        action: send_email
        transactional: they are a change of the contract
        with: {to: "{{ lead.email }}", subject: New terms, text: They change in May.}
"""
)
SIZES = """
    SELECT relname AS name, pg_total_relation_size(oid) AS bytes
      FROM pg_class
     WHERE relname = ANY (%(tables)s) AND relnamespace = 'public'::regnamespace
"""
TABLES = ["recipients", "effects", "journal"]


class Silent(Queue):
    """A queue that is never read."""

    def __init__(self) -> None:
        pass

    @override
    def _send(self, messages: Sequence[tuple[str, int]]) -> None:
        pass


def begun(services: Services, campaign: str) -> UUID:
    """Record a run and return its id; the first chunk is still to be taken."""
    config = configs.newest(services.db)
    assert config is not None
    arrival = firing.run_by_hand(config.campaigns[campaign], "bench", actor="bench", now=services.clock.now())
    ingest_sql.record(services.db, arrival)
    begin(sql.event(services.db, arrival.id), config, services)
    return arrival.id


def chunks(services: Services, run: UUID) -> Iterator[tuple[str, float]]:
    """Take a run on until all its effects are recorded; yields what each chunk was of, and its seconds."""
    state = sql.get(services.db, [run])[run]
    while state.state != "running":
        started = time.perf_counter()
        advance(run, services, partial(next, iter([True]), False))
        took = time.perf_counter() - started
        before, state = state, sql.get(services.db, [run])[run]
        if state.gathered > before.gathered:
            yield "its people are recorded", took
        elif state.expanded > before.expanded:
            yield "its mails are recorded", took


def expanded(services: Services, campaign: str, seconds: Callable[[], float]) -> UUID:
    """Record a run and all that is to be sent, and print what that took; `seconds`: of CPU, of our connection."""
    run = begun(services, campaign)
    parts: dict[str, list[float]] = defaultdict(list)
    spent: dict[str, float] = defaultdict(float)
    before = seconds()
    for part, took in chunks(services, run):
        parts[part].append(took)
        spent[part] -= before - (before := seconds())
    for part, times in parts.items():
        most = f"{len(times)} chunks, {max(times):.2f} at most"
        row(f"{campaign}: {part}, s", f"{sum(times):.1f}, {spent[part]:.1f} of CPU; {most}")
    return run


def row(what: str, figure: str) -> None:
    """Print a row of the table."""
    print(f"| {what} | {figure} |", flush=True)


def measure(services: Services, leads: int) -> None:
    """Print everything."""
    config = configs.newest(services.db)
    assert config is not None
    backend = services.db.run("SELECT pg_backend_pid() AS pid")[0]["pid"]
    name = next(iter(config.audiences))
    milliseconds, people = audiences.best(partial(audiences.counted, services.db, config, name))
    row(f"the audience of {people} counted, ms", f"{milliseconds:,.0f}")
    for campaign in ("letter", "notice"):
        sizes = _sizes(services.db)
        run = expanded(services, campaign, lambda: cpu.seconds([backend]))
        grown = {table: _sizes(services.db)[table] - bytes for table, bytes in sizes.items()}
        row(f"{campaign}: bytes a person", ", ".join(f"{table} {bytes / leads:.0f}" for table, bytes in grown.items()))
        milliseconds, (totals,) = audiences.best(partial(run_totals, services.db, run))
        row(f"{campaign}: where {totals.matched:,} people are, ms", f"{milliseconds:,.0f}")
        assert totals.unaccounted == 0
    row("peak memory of this process, MB", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")


def _sizes(db: Database) -> dict[str, int]:
    return {each["name"]: each["bytes"] for each in db.run(SIZES, {"tables": TABLES})}


def main() -> None:
    """Seed, measure and print."""
    parser = argparse.ArgumentParser(prog="bench.million")
    parser.add_argument("--leads", type=int, default=1_000_000)
    leads = parser.parse_args().leads
    with (
        tempfile.TemporaryDirectory(prefix="drumbeat-", ignore_cleanup_errors=True) as home,
        migrated(Path(home) / "postgres") as server,
        Valkey(Path(home) / "valkey") as valkey,
    ):
        audiences.seed(Database(server.url("ledger")), leads)
        with psycopg.connect(server.url(), autocommit=True) as admin:  # as it is outside of tests
            admin.execute("ALTER SYSTEM RESET fsync")
            admin.execute("SELECT pg_reload_conf()")
        url = server.url("ledger", user="drumbeat_app")
        environment = {"DRUMBEAT_LOCAL": "1", "DATABASE_URL": url, "DRUMBEAT_SECRET": "bench", "DATABASE_DIRECT": "1"}
        services = Services(Settings.from_env(environment))
        services.redis, services.queue = LeanRedis.at(valkey.url, services.redis_prefix, local=True), Silent()
        compiled = compile_document(DOCUMENT, {})
        configs.insert(
            services.db, hash=b"", document=DOCUMENT, templates={}, compiled=compiled, identities={}, actor="bench"
        )
        print(f"load of the machine before: {os.getloadavg()[0]:.1f}\n\n| {leads:,} people | |\n|---|---|")
        measure(services, leads)
        services.db.close()


if __name__ == "__main__":
    main()

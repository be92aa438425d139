"""How long an audience takes over a ledger of many people: python -m bench.audiences [--leads 1000000]

Seeds a Postgres of its own by SQL (some minutes for a million leads with three reports each), counts each audience
three times, and reads the first in ranges as well. Prints a table; the best of each. The CPU is that of one process
which does all of it alone: it says more than the time where other programs run.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
from psycopg.sql import SQL

from bench.filling import filling
from drumbeat.audiences import counting_sql, members_sql
from drumbeat.audiences.matching_sql import matching
from drumbeat.configuration.document import compile_document
from drumbeat.core.configuration import Config
from drumbeat.ledger import clock
from drumbeat.ledger.database import Database
from tests.conftest import migrated

RUNS = 3
RANGES = (10_000, 100_000)  # leads
AT_MOST_RANGES = 5
DOCUMENT = """
version: 1
lists: {newsletter: {title: News}}
audiences:
  trials-gone-quiet:
    all:
      - {field: plan, is: trial}
      - {field: seats, at_least: 3}
      - {list: newsletter}
      - not: {happened: clicked, within: 30d}
      - any: [{field: country, in: [DE, AT, CH]}, {field: tags, contains: beta}]
  a-text: {field: plan, is: trial}
  a-number: {field: seats, at_least: 3}
  a-time: {field: signed_up, after: 2026-06-01}
  consent: {list: newsletter}
  clicked-in-30-days: {happened: clicked, within: 30d}
  never-opened: {happened: opened, at_most: 0}
  a-source: {source: site}
  a-tenth: {bucket: "10%"}
"""

_ENTRY = "jsonb_build_object('v', {}, 't', n, 'e', md5('e')::uuid)"
_VALUES = {
    "plan": "CASE n %% 3 WHEN 0 THEN 'trial' ELSE 'paid' END",
    "seats": "CASE WHEN n %% 49 = 0 THEN to_jsonb('n/a'::text) WHEN n %% 7 = 0 THEN to_jsonb((n %% 10)::text)"
    " ELSE to_jsonb(n %% 10) END",
    "country": "(ARRAY['DE', 'AT', 'CH', 'FR', 'US'])[1 + n %% 5]",
    "tags": "to_jsonb(ARRAY[(ARRAY['beta', 'alpha'])[1 + n %% 2], 'x'])",
    "name": "'Person ' || n",
    "signed_up": """to_char(timestamp '2026-01-01' + n * interval '20 seconds', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""",
}
_ATTRIBUTES = ", ".join(f"'{name}', {_ENTRY.format(value)}" for name, value in _VALUES.items())
_SEED = (
    """
    INSERT INTO contacts (key, consents)
    SELECT sha256(n::text::bytea),
           CASE WHEN n %% 4 = 0 THEN '{}'
                ELSE consent_fact('newsletter', CASE n %% 5 WHEN 0 THEN 'withdrawn' ELSE 'given' END, true,
                                  drumbeat_now(), md5('e')::uuid) END
      FROM generate_series(1, %(leads)s) AS n
    """,
    f"""
    INSERT INTO leads (contact, address, attributes, refused, since, changed)
    SELECT sha256(n::text::bytea), {_ENTRY.format("n || '@example.com'")}, jsonb_build_object({_ATTRIBUTES}), '{{}}',
           drumbeat_now() - n * interval '1 second', drumbeat_now()
      FROM generate_series(1, %(leads)s) AS n
    """,
    """
    INSERT INTO events (id, source, key, type, door, fingerprint, received_at)
    SELECT md5('event' || n)::uuid, CASE WHEN n %% 10 = 0 THEN 'shop' ELSE 'site' END, 'k' || n, 'LEAD_CAPTURE', 'api',
           '', drumbeat_now() - (n %% 90) * interval '1 day'
      FROM generate_series(1, %(leads)s) AS n
    """,
    """
    INSERT INTO event_contacts (contact, event_id, received_at)
    SELECT sha256(n::text::bytea), md5('event' || n)::uuid, drumbeat_now() - (n %% 90) * interval '1 day'
      FROM generate_series(1, %(leads)s) AS n
    """,
    """
    INSERT INTO events (id, source, key, type, door, fingerprint, received_at)
    SELECT md5('report' || n)::uuid, 'reports', 'r' || n, 'FEEDBACK', 'webhook', '',
           drumbeat_now() - (n %% 90) * interval '1 day'
      FROM generate_series(1, 3 * %(leads)s) AS n
    """,
    """
    INSERT INTO feedback (account, name, event_id, kind, word, said, at, machine)
    SELECT 'mail', 'r' || n, md5('report' || n)::uuid, (ARRAY['delivered', 'opened', 'clicked'])[1 + n %% 3], 'w', '',
           drumbeat_now() - (n %% 90) * interval '1 day', n %% 20 = 0
      FROM generate_series(1, 3 * %(leads)s) AS n
    """,
    """
    INSERT INTO event_contacts (contact, event_id, received_at)
    SELECT sha256((1 + n / 3 %% %(leads)s)::text::bytea), md5('report' || n)::uuid,
           drumbeat_now() - (n %% 90) * interval '1 day'
      FROM generate_series(1, 3 * %(leads)s) AS n
    """,
)


def seed(owner: Database, leads: int) -> None:
    """Fill an empty ledger with people, and three reports about each."""
    with filling(owner):
        for statement in _SEED:
            owner.run(statement, {"leads": leads})
    owner.run("VACUUM (ANALYZE)")


def counted(db: Database, config: Config, name: str, *, alone: bool = False) -> str:
    """Count one audience; `alone`: by one process of Postgres."""
    with counting_sql.snapshot(db):
        if alone:
            db.run("SELECT set_config('max_parallel_workers_per_gather', '0', true)")
        found = counting_sql.counts(db, config.audiences, name, clock.now(db))
    return f"{found.matched:,}" + (f", not known {found.undecided:,}" if found.undecided else "")


def ranges(db: Database, config: Config, name: str, size: int) -> Iterator[float]:
    """Yield the milliseconds of each of the first ranges of so many leads."""
    found = matching(config, name, at=clock.now(db))
    statement = SQL("WITH matching AS ({}) SELECT count(*) FROM matching").format(found.statement)
    after = members_sql.FIRST
    for _ in range(AT_MOST_RANGES):
        stretch = members_sql.stretch(db, after, size)
        if stretch is None:
            return
        bounds = {"low": after, "high": stretch.last}
        yield best(partial(db.run, statement, {**found.parameters, **bounds}))[0]
        after = stretch.last


def cpu(db: Database, ask: Callable[[], object]) -> float:
    """Return the fewest milliseconds of CPU that Postgres takes for it on this connection."""
    server = psutil.Process(db.run("SELECT pg_backend_pid() AS pid")[0]["pid"])
    taken = []
    for _ in range(RUNS):
        before = sum(server.cpu_times()[:2])
        ask()
        taken.append((sum(server.cpu_times()[:2]) - before) * 1000)
    return min(taken)


def best[T](ask: Callable[[], T]) -> tuple[float, T]:
    """Return the fewest milliseconds of some runs, and the last answer."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        answer = ask()
        times.append((time.perf_counter() - started) * 1000)
    return min(times), answer


def main() -> None:
    """Seed, measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--leads", type=int, default=1_000_000)
    leads = parser.parse_args().leads
    config = Config.load(1, json.loads(json.dumps(compile_document(DOCUMENT, {}))))
    with tempfile.TemporaryDirectory(prefix="drumbeat-") as home, migrated(Path(home) / "postgres") as server:
        seed(Database(server.url("ledger")), leads)
        db = Database(server.url("ledger", user="drumbeat_app"))
        print(f"load of the machine before: {os.getloadavg()[0]:.1f}\n")
        print("| audience | people | ms | CPU ms |\n|---|---|---|---|")
        for name in config.audiences:
            milliseconds, people = best(partial(counted, db, config, name))
            busy = cpu(db, partial(counted, db, config, name, alone=True))
            print(f"| {name} | {people} | {milliseconds:,.0f} | {busy:,.0f} |", flush=True)
        first = next(iter(config.audiences))
        for size in RANGES:
            times = [f"{each:,.0f}" for each in ranges(db, config, first, size)]
            print(f"| {first}, a range of {size:,} leads | | {', '.join(times)} | |", flush=True)
        db.close()


if __name__ == "__main__":
    main()

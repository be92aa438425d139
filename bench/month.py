"""What a month takes, and costs: python -m bench.month [--days 7] [--seed 1] [--hours 10] [--at-once]

A week at its full rate, on simulated time: the code of every function, on a Postgres and a Valkey of its own, with a
model of SQS (`tests/faults/resting.py`). Sign-ups and posts come at random in some hours of each day, at half the rate
on Saturday and Sunday; a newsletter goes out on Tuesday. Of each mail its provider reports what became of it, around
the clock. Counted are the hours in which Postgres is awake, all commands and requests; then `drumbeat cost` makes the
bill of a month. `--at-once`: reports do not wait while the database sleeps.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import psycopg

from bench.habits import DAY, HOUR, Month
from drumbeat.local.servers import Valkey
from drumbeat.operations import cost
from drumbeat.operations.cost import HOURS, Line, Load, total
from tests.conftest import migrated
from tests.faults.environment import Environment, Servers

CHOICE = "Neon + Upstash"
# Of Postgres: how long a statement takes is not asked here, so let it be short.
SETTINGS = (
    "synchronous_commit = off",
    "jit = off",
    "plan_cache_mode = force_generic_plan",
    "autovacuum_naptime = '5s'",
)
POLLS = (("worker", "sqs ReceiveMessage effects"), ("worker", "sqs DeleteMessageBatch effects"))  # Lambda's, not ours


@dataclass(frozen=True, slots=True)
class Figures:
    """What the simulated days took, scaled to a month."""

    events: float
    effects: float
    mails: float
    reports: Mapping[str, float]  # by the provider's word
    waited: float  # of the reports
    awake_hours: float
    wakes: float
    statements: float
    redis: float  # commands
    sqs: float  # requests, those of Lambda's pollers aside
    invocations: Mapping[str, float]
    grown_bytes: float  # of the ledger

    @classmethod
    def of(cls, month: Month, grown_bytes: int) -> Self:
        """Read the meter."""
        times = HOURS / (month.days * 24)
        meter = month.point
        (row,) = month.environment.owner.run("SELECT count(*) AS effects FROM effects")
        return cls(
            events=month.events * times,
            effects=row["effects"] * times,
            mails=month.mails * times,
            reports={word: number * times for word, number in month.reports.items()},
            waited=meter.commands["ingest", "sqs SendMessage reports"] * times,
            awake_hours=sum(one.seconds for one in meter.awake) / HOUR * times,
            wakes=len(meter.awake) * times,
            statements=meter.total("db") * times,
            redis=meter.total("redis") * times,
            sqs=meter.total("sqs", *POLLS) * times,
            invocations={name: number * times for name, number in month.invocations.items()},
            grown_bytes=grown_bytes * times,
        )

    def rows(self) -> Iterator[str]:
        """Yield them as rows of Markdown."""
        reports = ", ".join(f"{word} {number:,.0f}" for word, number in self.reports.items())
        invocations = ", ".join(f"{name} {number:,.0f}" for name, number in self.invocations.items())
        yield from (
            f"| events | {self.events:,.0f} |",
            f"| effects, of which mails | {self.effects:,.0f}, {self.mails:,.0f} |",
            f"| reports | {sum(self.reports.values()):,.0f}: {reports} |",
            f"| of which waited | {self.waited:,.0f} |",
            f"| hours in which Postgres is awake | {self.awake_hours:.0f}, woken {self.wakes:,.0f} times |",
            f"| statements | {self.statements:,.0f} |",
            f"| Redis commands | {self.redis:,.0f} |",
            f"| SQS requests, Lambda's polls aside | {self.sqs:,.0f} |",
            f"| invocations | {invocations} |",
            f"| growth of the ledger | {self.grown_bytes / 1e6:,.0f} MB |",
        )

    def bill(self) -> list[Line]:
        """Return the lines of `drumbeat cost`, with what was measured as their use; the ledger is a year old."""
        load = Load(
            self.events,
            effects_per_event=self.effects / self.events,
            reports_per_event=sum(self.reports.values()) / self.events,
            awake_hours=self.awake_hours,
            ledger_bytes=12 * self.grown_bytes,
        )
        invoked = sum(self.invocations.values()) + cost.CONSOLE_REQUESTS
        measured = {
            "API Gateway": self.invocations["ingest"] + cost.CONSOLE_REQUESTS,
            "Lambda requests": invoked,
            "SQS": self.sqs + self.invocations["worker"] + cost.IDLE_POLLS,
            "Upstash": self.redis,
        }
        free = self.redis if self.redis <= cost.UPSTASH_FREE else 0.0
        return [
            replace(
                line,
                use=measured.get(line.name, line.use),
                price=replace(line.price, free=free) if line.name == "Upstash" else line.price,
            )
            for line in cost.bill(load, CHOICE)
        ]


@contextlib.contextmanager
def environment() -> Iterator[Environment]:
    """Start servers of its own."""
    with tempfile.TemporaryDirectory(prefix="drumbeat-month-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)  # Postgres runs as a user of its own
        with migrated(Path(home) / "postgres") as postgres, Valkey(Path(home) / "valkey") as valkey:
            with psycopg.connect(postgres.url(), autocommit=True) as admin:
                for setting in SETTINGS:
                    admin.execute(f"ALTER SYSTEM SET {setting}".encode())
                admin.execute("SELECT pg_reload_conf()")
            urls = postgres.url("ledger", user="drumbeat_app"), postgres.url("ledger"), valkey.url
            with contextlib.closing(Environment(Servers(*urls, Path(home) / "vendors"))) as made:
                yield made


def main() -> None:
    """Read the arguments, simulate, print."""
    parser = argparse.ArgumentParser(prog="bench.month")
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hours", type=float, default=10.0, help="of a day, in which sign-ups and posts come")
    parser.add_argument("--at-once", action="store_true", help="reports do not wait while the database sleeps")
    parser.add_argument("--operations", action="store_true", help="list each operation, unscaled")
    options = parser.parse_args()
    began = time.monotonic()
    with environment() as here:
        month = Month(here, options.seed, waits=not options.at_once, hours=options.hours, days=options.days)
        empty = _ledger_bytes(here)
        for day in range(1, options.days + 1):
            month.run(day * DAY)
            awake = sum(one.seconds for one in month.point.awake) / HOUR
            print(f"day {day}: awake for {awake:.1f} hours so far, {time.monotonic() - began:.0f} s", file=sys.stderr)
        figures = Figures.of(month, _ledger_bytes(here) - empty)
        if options.operations:
            for (who, name), number in sorted(month.point.commands.items()):
                print(f"{number:>8,} {who}: {name}", file=sys.stderr)
        month.close()
    lines = figures.bill()
    bill = [f"| {line.name} | {line.use:,.2f} | {line.dollars:.2f} |" for line in lines if line.use]
    print("| measured | a month |", "|---|---|", *figures.rows(), sep="\n")
    print("", "| line | use | dollars |", "|---|---|---|", *bill, f"| all | | {total(lines):.2f} |", sep="\n")
    print(f"{options.days} days on simulated time in {time.monotonic() - began:.0f} s", file=sys.stderr)


def _ledger_bytes(here: Environment) -> int:
    return int(here.owner.run("SELECT pg_database_size(current_database()) AS bytes")[0]["bytes"])


if __name__ == "__main__":
    main()

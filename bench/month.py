"""What a month takes, and costs: python -m bench.month [--days 7] [--seed 1] [--hours 10] [--at-once]

A week at its full rate, on simulated time: the code of every function, on a Postgres and a Valkey of its own, with a
model of SQS (`tests/faults/resting.py`). Sign-ups and posts come at random in some hours of each day, at half the rate
on Saturday and Sunday; a newsletter goes out on Tuesday. Of each mail its provider reports what became of it, around
the clock. Counted are the hours in which Postgres is awake, all commands and requests; then `drumbeat cost` makes the
bill of a month. `--at-once`: reports do not wait while the database sleeps.
"""

import argparse
import contextlib
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import override
from uuid import UUID

import psycopg

from drumbeat.local.servers import Valkey
from drumbeat.operations import cost
from drumbeat.operations.cost import HOURS, Line, Load
from drumbeat.sandbox.actions import ACCEPTED
from tests.conftest import migrated
from tests.faults.environment import Environment, Servers
from tests.faults.reports import Told
from tests.faults.resting import SLEEPS_AFTER_SECONDS, Resting
from tests.faults.sample_deployment import Lead

HOUR, DAY, WEEK = 3600.0, 86_400.0, 604_800.0
EVENTS = 15_000  # of a month
NEWSLETTER = 1_500  # mails, each Tuesday; the epoch of simulated time is one
POSTS = 150  # a week
REQUEST = 500  # events of a batch
FIRST_HOUR = 8  # UTC
SATURDAY, SUNDAY = 4, 5  # days after Tuesday
AS_MUCH_AT_WEEKENDS = 0.5
NIGHT = (23, 7)  # hours
POLLS = (("worker", "sqs ReceiveMessage effects"), ("worker", "sqs DeleteMessageBatch effects"))  # Lambda's, not ours


@dataclass(frozen=True, slots=True)
class Habits:
    """Which part of the mails is reported how. Invented, of the size that senders commonly publish."""

    bounces: float = 0.01
    opens_by_machines: float = 0.3  # as Apple Mail's, around the clock
    opens: float = 0.3
    opens_again: float = 0.1
    clicks: float = 0.05
    complaints: float = 0.0005
    leaves: float = 0.003
    median_hours: float = 3.0  # until a person opens a mail; a quarter takes longer than eight hours
    spread: float = 1.4
    at_night: float = 0.1  # of what would be opened then; the others open it in the morning
    at_weekends: float = 0.6  # likewise, on Monday


class Month(Resting):
    """The deployment, with its people and its provider."""

    def __init__(self, environment: Environment, seed: int, *, waits: bool, hours: float, days: int) -> None:
        super().__init__(environment, seed, waits=waits)
        self._habits = Habits()
        self._chance = Random(seed + 1)
        self._hours, self.days = hours, days
        self._read = 0  # entries of the provider's record
        self.events = 0
        self.mails = 0
        self.reports: Counter[str] = Counter()
        self._plan()

    def _plan(self) -> None:
        """Put everything that comes from outside on the agenda."""
        a_week = EVENTS * WEEK / (HOURS * HOUR) - NEWSLETTER
        for day in range(self.days):
            if day % 7 == 0:
                for first in range(0, NEWSLETTER, REQUEST):
                    self.at(day * DAY + 9 * HOUR + first / REQUEST, lambda day=day, first=first: self._letter(day, first))
            share = (AS_MUCH_AT_WEEKENDS if day % 7 in (SATURDAY, SUNDAY) else 1.0) / (5 + 2 * AS_MUCH_AT_WEEKENDS)
            for type, number in (("LEAD_CAPTURE", a_week - POSTS), ("CONTENT_PUBLISH", POSTS)):
                for place in range(round(number * share)):
                    lead = Lead(f"{type[:4].lower()}-{day}-{place}", type)
                    start = FIRST_HOUR * HOUR if self._hours < 24 else 0.0
                    when = day * DAY + (start + self._chance.random() * self._hours * HOUR) % DAY
                    self.at(when, lambda lead=lead: self._single(lead))

    def _letter(self, day: int, first: int) -> None:
        self._came("ingest", REQUEST)
        self.ingest_all(*(Lead(f"reader-{day}-{first + i}", "CAMPAIGN_TRIGGER") for i in range(REQUEST)))

    def _single(self, lead: Lead) -> None:
        self._came("ingest", 1)
        self.ingest(lead)

    def _came(self, function: str, events: int) -> None:
        self.invocations[function] += 1
        self.events += events

    @override
    def worked(self) -> None:
        """Let the provider report on the mails that it took."""
        for number in range(self._read, len(self.vendors.sandbox.record)):
            entry = self.vendors.sandbox.record.entry(number)
            if entry["provider"] == "mailgun" and entry["did"] == ACCEPTED:
                self.mails += 1
                self._become(Told("mailgun", _effect(str(entry["effect"]))))
        self._read = len(self.vendors.sandbox.record)

    def _become(self, mail: Told) -> None:
        habits, chance, now = self._habits, self._chance.random, self.clock.gone
        self._comes(mail, "accepted", now + 1)
        taken = now + 2 + self._chance.expovariate(1 / 10)
        if chance() < habits.bounces:
            self._comes(mail, "bounced", taken)
            return
        self._comes(mail, "delivered", taken)
        if chance() < habits.opens_by_machines:
            self._comes(mail, "opened", taken + self._chance.expovariate(1 / (2 * HOUR)))
        opened = self._waking(taken + HOUR * habits.median_hours * self._chance.lognormvariate(0, habits.spread))
        for word, part, after in (
            ("opened", habits.opens, 0.0),
            ("opened", habits.opens_again, self._chance.expovariate(1 / DAY)),
            ("clicked", habits.clicks, 30.0),
            ("complained", habits.complaints, 60.0),
            ("left", habits.leaves, 60.0),
        ):
            if chance() < part:
                self._comes(mail, word, self._waking(opened + after) if after > HOUR else opened + after)

    def _waking(self, when: float) -> float:
        """Return when a person does what they would do at this moment."""
        day, hour = divmod(when, DAY)
        if not NIGHT[1] <= hour / HOUR < NIGHT[0] and self._chance.random() >= self._habits.at_night:
            morning = day * DAY + (DAY if hour / HOUR >= NIGHT[0] else 0.0)
            when = morning + (NIGHT[1] + 3 * self._chance.random()) * HOUR
        weekday = when // DAY % 7
        if weekday in (SATURDAY, SUNDAY) and self._chance.random() >= self._habits.at_weekends:
            when = when // DAY * DAY + (SUNDAY + 1 - weekday) * DAY + (NIGHT[1] + 5 * self._chance.random()) * HOUR
        return when

    def _comes(self, mail: Told, word: str, when: float) -> None:
        self.at(when, lambda: self._told(replace(mail, word=word)))

    def _told(self, told: Told) -> None:
        self.reports[told.word] += 1
        self.invocations["ingest"] += 1
        self.report(replace(told, at=self.clock.timestamp()), who="ingest")


def _effect(key: str) -> UUID:
    return UUID(key.rpartition("-")[0])


@contextlib.contextmanager
def environment() -> Iterator[Environment]:
    """Start servers of its own."""
    with tempfile.TemporaryDirectory(prefix="drumbeat-month-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)  # Postgres runs as a user of its own
        with migrated(Path(home) / "postgres") as postgres, Valkey(Path(home) / "valkey") as valkey:
            with psycopg.connect(postgres.url(), autocommit=True) as admin:
                for setting in ("synchronous_commit = off", "jit = off", "autovacuum_naptime = '2s'"):
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
    options = parser.parse_args()
    began = time.monotonic()
    with environment() as here:
        month = Month(here, options.seed, waits=not options.at_once, hours=options.hours, days=options.days)
        empty = _ledger_bytes(here)
        month.run(options.days * DAY)
        print(json.dumps(_figures(month, _ledger_bytes(here) - empty), indent=1))
        month.close()
    print(f"{time.monotonic() - began:.0f} s")


def _figures(month: Month, grown: int) -> dict[str, object]:
    times = HOURS / (month.days * 24)
    asked = month.point.total
    return {
        "events": month.events * times,
        "mails": month.mails * times,
        "reports": {word: number * times for word, number in month.reports.items()},
        "reports in all": month.reports.total() * times,
        "awake": sum(one.seconds for one in month.point.awake) / 3600 * times,
        "wakes": len(month.point.awake) * times,
        "statements": asked("db") * times,
        "redis": asked("redis") * times,
        "sqs": asked("sqs", *POLLS) * times,
        "waited": month.point.commands["ingest", "sqs SendMessage reports"] * times,
        "invocations": {name: number * times for name, number in month.invocations.items()},
        "bytes": grown * times,
        "commands": {" ".join(key): number for key, number in sorted(month.point.commands.items())},
        "by day": [
            round(sum(one.seconds for one in month.point.awake if one.first // DAY == day) / 3600, 2)
            for day in range(month.days)
        ],
        "nights": [(round(one.first / 3600, 2), round(one.seconds / 60, 1)) for one in month.point.awake],
    }


def _ledger_bytes(here: Environment) -> int:
    return int(here.owner.run("SELECT pg_database_size(current_database()) AS bytes")[0]["bytes"])


if __name__ == "__main__":
    main()

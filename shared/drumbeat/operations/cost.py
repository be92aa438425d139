"""What a month costs: a price sheet, a load, and the arithmetic between them. Pure; `docs/cost.md` shows its tables.

US dollars, list prices of us-east-1, before taxes. A line is `max(0, use - free) x price`; nothing is hidden in it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import exp

HOURS = 730.0  # of a month
MINUTES = HOURS * 60
GB = 1e9


@dataclass(frozen=True, slots=True)
class Price:
    """One price: dollars a unit beyond what is free each month.

    `checked` is False for a price that was not verified on that day: check it before you rely on it.
    """

    dollars: float
    unit: str
    free: float
    source: str
    checked: bool


# Read on 22 November 2026.
PRICES: Mapping[str, Price] = {
    "http-api": Price(1.00e-6, "request", 0, "apigatewaycost.com", checked=True),
    "lambda-request": Price(0.20e-6, "request", 1e6, "cloudchipr.com", checked=True),
    "lambda-gb-s": Price(0.0000133334, "GB-second (arm64)", 400_000, "cloudchipr.com", checked=True),
    "sqs": Price(0.40e-6, "request", 1e6, "cloudburn.io, 14 Mar 2026", checked=True),
    "scheduler": Price(1.00e-6, "invocation", 14e6, "awsnegotiations.com, May 2026", checked=False),
    "logs": Price(0.50, "GB taken in", 5, "factualminds.com, 13 Jun 2026", checked=True),
    "logs-kept": Price(0.03, "GB-month", 5, "general knowledge", checked=False),
    "metric": Price(0.30, "metric", 10, "factualminds.com, 13 Jun 2026", checked=True),
    "alarm": Price(0.10, "alarm", 10, "factualminds.com, 13 Jun 2026", checked=True),
    "dashboard": Price(3.00, "dashboard", 3, "factualminds.com, 13 Jun 2026", checked=True),
    "kms": Price(3.0e-6, "request", 20_000, "general knowledge", checked=False),
    "out": Price(0.09, "GB out", 100, "general knowledge", checked=False),
    "neon-cu": Price(0.106, "CU-hour", 0, "Neon's plans, 12 Nov 2026", checked=True),
    "neon-gb": Price(0.35, "GB-month", 0, "Neon's plans, 12 Nov 2026", checked=True),
    "neon-restore": Price(0.20, "GB-month of changes", 0, "Neon's plans, 20 Mar 2026", checked=True),
    "neon-out": Price(0.10, "GB out", 100, "Neon's plans, 20 Mar 2026", checked=True),
    "upstash": Price(2.0e-6, "command (pay as you go)", 0, "Upstash's prices, 20 Sep 2026", checked=True),
    "rds-micro": Price(0.016, "hour (db.t4g.micro)", 0, "infratally.com, 2026", checked=True),
    "rds-small": Price(0.032, "hour (db.t4g.small)", 0, "general knowledge", checked=False),
    "rds-medium": Price(0.065, "hour (db.t4g.medium)", 0, "general knowledge", checked=False),
    "rds-gb": Price(0.115, "GB-month (gp3)", 0, "infratally.com, 2026", checked=True),
    "valkey-gb": Price(0.084, "GB-hour", 0, "usage.ai, Jun 2026", checked=True),
    "valkey-unit": Price(0.0023e-6, "ECPU", 0, "general knowledge", checked=False),
    "nat": Price(0.045, "hour of NAT gateway", 0, "cloudburn.io, 24 Feb 2026", checked=True),
    "nat-gb": Price(0.045, "GB through NAT", 0, "cloudburn.io, 24 Feb 2026", checked=True),
    "ipv4": Price(0.005, "hour of a public IPv4", 0, "cloudburn.io, 24 Feb 2026", checked=True),
    "ec2-micro": Price(0.0084, "hour (t4g.micro)", 0, "general knowledge", checked=False),
    "ec2-small": Price(0.0168, "hour (t4g.small)", 0, "general knowledge", checked=False),
    "ec2-medium": Price(0.0336, "hour (t4g.medium)", 0, "general knowledge", checked=False),
    "ebs": Price(0.08, "GB-month (gp3)", 0, "general knowledge", checked=False),
    "snapshot": Price(0.05, "GB-month", 0, "general knowledge", checked=False),
}

NEON_FREE_CU = 100.0  # CU-hours a month of Neon's Free plan
NEON_FREE_GB = 0.5
UPSTASH_FREE = 500_000  # commands a month of Upstash's Free plan, which ends there; paying as you go has none

# Measured on the local stack with the example campaign (three effects an event), 400 single events.
REDIS_PER_EVENT = 4.0  # commands, a script counted as one; and for each effect:
REDIS_PER_EFFECT = 2.0
LEDGER_PER_EVENT = 1_100.0  # bytes of Postgres with indexes; and for each effect:
LEDGER_PER_EFFECT = 2_750.0
LOG_PER_EVENT = 2_000.0  # bytes: 1,435 measured, the rest for API Gateway's access log; a report's are taken as many

# Measured on simulated time, by `python -m bench.month`, whose people are invented.
REPORTS_PER_EVENT = 2.6  # of providers, of one mail: accepted, delivered, opened, clicked
REDIS_PER_REPORT = 3.0
LEDGER_PER_REPORT = 2_000.0  # bytes
WAITING_SHARE = 0.1  # of the reports, until the database is awake or an hour is over

# Assumed, not measured: there was no account to measure in.
INGEST_SECONDS = 0.06
WORKER_SECONDS = 0.20  # for one message, most of it waiting for the provider
WORKER_REPORT_SECONDS = 0.05  # for one that names a report: no provider is called
RELAY_SECONDS = 0.04
COLD_SHARE = 0.01
COLD_SECONDS = 1.0
DELAYED_SHARE = 0.2  # of effects wait once, for a limit or another try; each is a message sent, received and deleted
OUT_PER_EVENT = 5_000.0  # bytes to providers and callers
LEDGER_OUT_PER_EVENT = 10_000.0  # bytes that Postgres sends to the functions
RESTORE_DAYS = 1.0  # Neon's restore window as it is at first
CHANGES_PER_BYTE = 3.0  # written to the log of changes for each byte by which the ledger grows
CONSOLE_REQUESTS = 3_000.0  # by people and programs
IDLE_POLLS = 5 * 3 * MINUTES  # Lambda's five pollers, each a 20-second long poll, when there is nothing
SLEEPS_AFTER = 5.0  # minutes without a query after which Neon suspends
REPORT_WAKES = 1.0  # an hour, at most, of a database that would sleep: opens and clicks come around the clock

# What the template has.
MEMORY_GB = 1.0
METRICS = 14  # names, each billed for the hours in which it is written: those in which there is work
REPORT_METRICS = 2  # of them are written whenever a report comes
ALARMS = 11
DASHBOARDS = 1
LOGS_KEPT_DAYS = 14
FULL_SWEEPS = 4 * HOURS / 24  # the relay reads a suspended database every six hours

SIZES = (15_000, 150_000, 1_500_000, 15_000_000)


@dataclass(frozen=True, slots=True)
class Load:
    """A month's work. `busy_hours`: of a day, in which events arrive at random. `months`: for which the ledger grew.

    Reports of providers arrive around the clock. Where `events` was measured it includes them: they are events, too.
    """

    events: float
    effects_per_event: float = 3.0
    reports_per_event: float = REPORTS_PER_EVENT
    busy_hours: float = 10.0
    months: float = 12.0
    awake_hours: float | None = None  # of the database, as measured; None: worked out from the events
    ledger_bytes: float | None = None  # as measured; None: worked out from events and months
    resting_stages: int = 0  # others in the same account, in which nothing arrives; they share what is free
    provider_price: float = 0.0  # dollars that your providers want for a thousand effects

    @property
    def effects(self) -> float:
        """Effects of the month."""
        return self.events * self.effects_per_event

    @property
    def reports(self) -> float:
        """What providers report in the month of the mails that they took."""
        return self.events * self.reports_per_event

    @property
    def arrivals(self) -> float:
        """Requests that bring an event or a report: each is an event in the ledger."""
        return self.events + self.reports

    @property
    def redis_commands(self) -> float:
        """Commands of the month: the relay sends three a minute, whatever happens."""
        reports = self.reports * REDIS_PER_REPORT
        return self.events * REDIS_PER_EVENT + self.effects * REDIS_PER_EFFECT + reports + 3 * MINUTES

    @property
    def ledger_gb(self) -> float:
        """Size of the ledger at the end: it keeps everything."""
        if self.ledger_bytes is not None:
            return self.ledger_bytes / GB
        return self.months * self.grown_gb

    @property
    def grown_gb(self) -> float:
        """By which the ledger grows in the month."""
        reports = self.reports * LEDGER_PER_REPORT
        return (self.events * LEDGER_PER_EVENT + self.effects * LEDGER_PER_EFFECT + reports) / GB

    @property
    def awake(self) -> float:
        """Hours in which the database runs a query, or ran one within the last five minutes."""
        if self.awake_hours is not None:
            return min(HOURS, self.awake_hours)
        window = HOURS * self.busy_hours / 24
        active = window * (1 - exp(-SLEEPS_AFTER * self.events / (window * 60)))
        asleep = HOURS - active
        wakes = FULL_SWEEPS / HOURS + REPORT_WAKES * min(1.0, self.reports / HOURS)
        return active + asleep * min(1.0, wakes * SLEEPS_AFTER / 60)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill."""

    name: str
    use: float
    price: Price

    @property
    def dollars(self) -> float:
        """What it costs beyond what is free."""
        return max(0.0, self.use - self.price.free) * self.price.dollars


def _line(name: str, use: float, price: str) -> Line:
    return Line(name, use, PRICES[price])


def _per_size[T](events: float, small: T, large: T, largest: T) -> T:
    """Pick what is rented by size: up to 500,000 events a month, up to 5 million, above."""
    return small if events <= 500_000 else large if events <= 5_000_000 else largest


# ---------------------------------------------------------------- the lines


def aws(load: Load) -> Iterator[Line]:
    """What every choice pays: API, functions, queues, logs, alarms."""
    n = load.arrivals
    batch = _per_size(load.events, 1.0, 2.0, 5.0)  # messages of one invocation of the worker
    stages = 1 + load.resting_stages
    delayed = load.effects * DELAYED_SHARE
    invocations = n + (n + delayed) / batch + stages * MINUTES + CONSOLE_REQUESTS
    seconds = (
        n * INGEST_SECONDS
        + (load.events + delayed) * WORKER_SECONDS
        + load.reports * WORKER_REPORT_SECONDS
        + stages * MINUTES * RELAY_SECONDS
        + CONSOLE_REQUESTS * 0.1
        + invocations * COLD_SHARE * COLD_SECONDS
    )
    logs = n * LOG_PER_EVENT / GB + 0.1
    secrets = stages * MINUTES / 5 + load.awake * 12 * (
        3 + 3 + 3
    )  # each process reads its secrets again every five minutes
    yield _line("API Gateway", n + CONSOLE_REQUESTS, "http-api")
    yield _line("Lambda requests", invocations, "lambda-request")
    yield _line("Lambda time", seconds * MEMORY_GB, "lambda-gb-s")
    polls = max(IDLE_POLLS, n / batch) + load.resting_stages * IDLE_POLLS
    waiting = load.reports * WAITING_SHARE * 1.2  # sent one by one, received and deleted by ten
    yield _line("SQS", n + n / batch + 3 * delayed + waiting + polls + 2 * stages * MINUTES, "sqs")
    yield _line("Scheduler", stages * MINUTES, "scheduler")
    yield _line("Logs", logs, "logs")
    yield _line("Logs kept", logs * LOGS_KEPT_DAYS / 30, "logs-kept")
    yield _line("Metrics", (METRICS * load.busy_hours + REPORT_METRICS * (24 - load.busy_hours)) / 24, "metric")
    yield _line("Alarms", stages * ALARMS, "alarm")
    yield _line("Dashboard", stages * DASHBOARDS, "dashboard")
    yield _line("Secrets decrypted", secrets, "kms")
    yield _line("Data out", n * OUT_PER_EVENT / GB, "out")


def providers(load: Load) -> Line:
    """What mail, CRM and the like want for the effects: you know it, so it is yours to fill in."""
    price = Price(load.provider_price / 1000, "effect", 0, "given by you", checked=load.provider_price > 0)
    return Line("Your providers", load.effects, price)


def neon_upstash(load: Load) -> Iterator[Line]:
    """Postgres that suspends when idle, Redis paid by the command; profile lean."""
    hours = load.awake * _per_size(load.events, 0.25, 0.5, 1.0)
    free = hours <= NEON_FREE_CU and load.ledger_gb <= NEON_FREE_GB
    yield Line("Neon compute", hours, _given(PRICES["neon-cu"], hours if free else 0))
    yield Line("Neon storage", load.ledger_gb, _given(PRICES["neon-gb"], load.ledger_gb if free else 0))
    changes = load.grown_gb * CHANGES_PER_BYTE * RESTORE_DAYS / 30
    yield Line("Neon restore", changes, _given(PRICES["neon-restore"], changes if free else 0))
    yield _line("Neon data out", load.arrivals * LEDGER_OUT_PER_EVENT / GB, "neon-out")
    commands = load.redis_commands
    yield Line("Upstash", commands, _given(PRICES["upstash"], commands if commands <= UPSTASH_FREE else 0))


def rds_valkey(load: Load) -> Iterator[Line]:
    """RDS and ElastiCache Serverless in private subnets with a NAT gateway; profile vpc."""
    yield _line("RDS", HOURS, _per_size(load.events, "rds-micro", "rds-small", "rds-medium"))
    yield _line("RDS storage", max(20.0, 1.5 * load.ledger_gb), "rds-gb")
    yield _line("Valkey, least size", 0.1 * HOURS, "valkey-gb")
    yield _line("Valkey commands", load.redis_commands, "valkey-unit")
    yield _line("NAT gateway", HOURS, "nat")
    yield _line("NAT traffic", load.arrivals * 3 * OUT_PER_EVENT / GB, "nat-gb")
    yield _line("Public IPv4", HOURS, "ipv4")


def one_machine(load: Load) -> Iterator[Line]:
    """Postgres and Valkey on one EC2 instance that you look after, with TLS at a public address; profile lean."""
    yield _line("EC2", HOURS, _per_size(load.events, "ec2-micro", "ec2-small", "ec2-medium"))
    yield _line("EBS", max(16.0, 1.5 * load.ledger_gb), "ebs")
    yield _line("Snapshots", load.ledger_gb, "snapshot")
    yield _line("Public IPv4", HOURS, "ipv4")


CHOICES: Mapping[str, Callable[[Load], Iterator[Line]]] = {
    "Neon + Upstash": neon_upstash,
    "RDS + Valkey": rds_valkey,
    "one machine": one_machine,
}


def bill(load: Load, choice: str) -> list[Line]:
    """Return every line of a month, also those that cost nothing. Raises KeyError for an unknown choice."""
    return [*aws(load), providers(load), *CHOICES[choice](load)]


def total(lines: list[Line]) -> float:
    """Add up a bill."""
    return sum(line.dollars for line in lines)


def _given(price: Price, free: float) -> Price:
    return Price(price.dollars, price.unit, free, price.source, price.checked)

"""The only builder of real clients: each is made at first use and lives as long as the process."""

import contextlib
import functools
import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Any

from drumbeat.core.clock import Clock, SystemClock
from drumbeat.core.configuration import Config
from drumbeat.core.errors import SecretMissing, SettingsError
from drumbeat.infrastructure import tls
from drumbeat.infrastructure.secrets import Secrets
from drumbeat.infrastructure.settings import Settings
from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.ledger import configs
from drumbeat.ledger.database import Database, address, encrypted
from drumbeat.throttle.fallback import MOST_PROCESSES
from drumbeat.throttle.limiter import Throttle
from drumbeat.throttle.run_pace import RunPace
from drumbeat.wakeups.due_index import DueIndex
from drumbeat.wakeups.ledger_rest import LedgerRest
from drumbeat.wakeups.notifier import Notifier
from drumbeat.wakeups.queue import Queue
from drumbeat.wakeups.turns import Turns
from drumbeat.wakeups.wishes_flag import WishesFlag

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

    from drumbeat.infrastructure.collector import Collector
    from drumbeat.infrastructure.http import Caller
    from drumbeat.infrastructure.redis import LeanRedis
    from drumbeat.providers.calls import Calls
    from drumbeat.providers.quotas import Quotas

PREFIX_DIGITS = 12  # by chance, no two of a million installations have the same


class Services:
    """What use cases get: settings, the clock, and clients that connect at first use."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock(timedelta(seconds=settings.clock_shift))
        self._configurations: dict[int, Config] = {}

    def value(self, setting: str) -> str:
        """Return a setting, read from its SSM parameter where it only names one.

        Raises:
            SecretAway: the parameter store does not answer.
            SecretMissing: the parameter does not exist, may not be read or is empty.
        """
        if not setting.startswith("ssm:"):
            return setting
        try:
            return self.secrets.own(setting.removeprefix("ssm:"))
        except SecretMissing as error:
            raise replace(error, kept="; nothing was lost, what needs it is tried again") from None

    @cached_property
    def secrets(self) -> Secrets:
        """Secrets by reference."""
        return Secrets(self.settings)

    @cached_property
    def db(self) -> Database:
        """The ledger, with the application's rights."""
        settings = self.settings
        return Database(
            encrypted(self.value(settings.database_url), local=settings.local),
            direct=settings.database_direct,
            patience=settings.database_patience,
        )

    @cached_property
    def redis(self) -> "LeanRedis":
        """Redis or Valkey, with short time-outs and no retries of its own."""
        from drumbeat.infrastructure.redis import LeanRedis

        return LeanRedis.at(self.value(self.settings.redis_url), self.redis_prefix, local=self.settings.local)

    @cached_property
    def redis_prefix(self) -> str:
        """What our keys in Redis begin with: another stage, another secret or another database has other keys."""
        where = address(self.value(self.settings.database_url))
        return f"drumbeat:{self._derived(f'redis {self.settings.stage} {where}').hex()[:PREFIX_DIGITS]}:"

    @cached_property
    def throttle(self) -> Throttle:
        """The accounts' limits."""
        return Throttle(self.redis, processes=self.settings.worker_concurrency or MOST_PROCESSES)

    @cached_property
    def run_pace(self) -> RunPace:
        """The paces of runs."""
        return RunPace(self.redis, self.clock)

    @cached_property
    def due_index(self) -> DueIndex:
        """When the relay has to read the ledger."""
        return DueIndex(self.redis, self.clock)

    @cached_property
    def sqs(self) -> Sqs:
        """The SQS API."""
        return Sqs(self.settings.region, self.settings.aws_endpoint_url)

    @cached_property
    def queue(self) -> Queue:
        """The wake-up messages."""
        return Queue(self.sqs, self.settings.effects_queue_url)

    @cached_property
    def buffer(self) -> Queue:
        """Where events wait while the ledger is unreachable."""
        return Queue(self.sqs, self.settings.buffer_queue_url)

    @cached_property
    def feedback(self) -> Queue:
        """Where reports wait that need not wake a database that sleeps."""
        return Queue(self.sqs, self.settings.feedback_queue_url)

    @cached_property
    def ledger_rest(self) -> LedgerRest:
        """Whether the database sleeps."""
        return LedgerRest(self.redis, self.clock, self.settings.sleeps_after)

    @cached_property
    def wishes(self) -> Queue:
        """Where what people asked for waits while the ledger is unreachable: it is recorded before anything else."""
        return Queue(self.sqs, self.settings.wishes_queue_url)

    @cached_property
    def wishes_flag(self) -> WishesFlag:
        """Whether marketing waits for what is in that queue."""
        return WishesFlag(self.redis)

    @cached_property
    def scheduler(self) -> "EventBridgeSchedulerClient":
        """EventBridge Scheduler."""
        client: EventBridgeSchedulerClient = self._boto3_client("scheduler")
        return client

    @cached_property
    def cloudwatch(self) -> Any:  # noqa: ANN401 - a client of boto3
        """CloudWatch, for the state of its alarms."""
        return self._boto3_client("cloudwatch")

    @cached_property
    def sns(self) -> Any:  # noqa: ANN401 - a client of boto3
        """SNS, for the subscribers of alarms."""
        return self._boto3_client("sns")

    def _boto3_client(self, name: str) -> Any:  # noqa: ANN401 - a client of boto3
        """Return a client of an API that is used rarely, so by boto3."""
        import boto3
        from botocore.config import Config as Limits

        region, endpoint = self.settings.region, self.settings.aws_endpoint_url
        limits = Limits(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
        return boto3.client(name, region_name=region, endpoint_url=endpoint, config=limits)  # type: ignore[call-overload]

    @cached_property
    def notifier(self) -> Notifier:
        """Due entries and wake-up messages for effects."""
        return Notifier(self.due_index, self.queue, self.clock)

    @cached_property
    def turns(self) -> Turns:
        """The turns by which workers carry out runs."""
        return Turns(self.redis, self.due_index, self.queue, self.clock, self.random)

    @cached_property
    def random(self) -> Random:
        """Randomness for jitter; never for secrets."""
        return Random()  # noqa: S311

    @property
    def imitates_vendors(self) -> bool:
        """Whether vendors may be servers of this machine: in a local stack, or where there is a sandbox."""
        return self.settings.local or self.settings.sandbox_url is not None

    @cached_property
    def http(self) -> "Caller":
        """The caller of providers."""
        from drumbeat.infrastructure.http import Caller

        # The sandbox runs on this machine, at a private address.
        return Caller(self.clock, allow_private=self.imitates_vendors)

    @cached_property
    def calls(self) -> "Calls":
        """The calls of a batch, some at a time."""
        from drumbeat.providers.calls import Calls

        return Calls(self.http, self.clock, self.settings.times.call_seconds)

    @cached_property
    def quotas(self) -> "Quotas":
        """What vendors let accounts send."""
        from drumbeat.providers.quotas import Quotas

        return Quotas(self.http, self.redis, self.clock)

    def collector(self) -> "Collector":
        """Return the collector of traces, made anew: its key may be another, and a frozen process keeps no connection.

        Raises:
            SettingsError: its headers cannot be sent. SecretAway, SecretMissing: as `value`.
        """
        from drumbeat.infrastructure import trace_settings
        from drumbeat.infrastructure.collector import FileCollector, HttpCollector

        traces = self.settings.traces
        if traces.url is None:
            return FileCollector(traces.file or os.devnull)
        headers = trace_settings.pairs(self.value(traces.headers), trace_settings.HEADERS)
        try:
            return HttpCollector(traces.url, headers)
        except ValueError as error:
            raise SettingsError(f"{trace_settings.HEADERS}: {error}. Traces wait; nothing was lost.") from None

    @cached_property
    def key_secret(self) -> bytes:
        """The secret under which API keys verify themselves."""
        return self._derived("api-keys")

    @cached_property
    def contact_secret(self) -> bytes:
        """The secret under which an address becomes a contact's key."""
        return self._derived("contacts")

    @cached_property
    def mask_secret(self) -> bytes:
        """The secret under which the key of an event is shown to who may not see persons."""
        return self._derived("masks")

    @cached_property
    def link_keys(self) -> tuple[bytes, ...]:
        """The keys that sign links in mails: the present one, then those that were retired."""
        return tuple(self._derived(f"links {number}") for number in range(self.settings.link_key, -1, -1))

    def _derived(self, use: str) -> bytes:
        if not self.settings.secret:
            raise SettingsError("not set: DRUMBEAT_SECRET (or SECRET_PARAM). Nothing was changed and nothing was lost.")
        return hmac.digest(self.value(self.settings.secret).encode(), use.encode(), hashlib.sha256)

    def configuration(self, version: int) -> Config:
        """Return one configuration version; it never changes, so it is read once."""
        if version not in self._configurations:
            self._configurations[version] = configs.load(self.db, version)
        return self._configurations[version]


@functools.cache
def services() -> Services:
    """Return the process's services, made from its environment."""
    return Services(Settings.from_env())


def start(make: Callable[[Services], object]) -> None:
    """In Lambda's init phase, which has the most CPU: read all SSM parameters in one call, and make the clients.

    With the clients come their imports and their TLS; none of them connects before it is used. Where the environment
    names no parameters nothing happens. Raises nothing, as Lambda would start the process again and again: what fails
    here, as when the parameter store throttles us, fails again with its error at first use.
    """
    with contextlib.suppress(Exception):
        if services().settings.parameters:
            services().secrets.fetch()
            tls.context()
            make(services())

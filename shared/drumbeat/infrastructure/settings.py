"""The settings of a process: the only reader of the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from drumbeat.core.call_times import CALL_SECONDS, LEASE, CallTimes
from drumbeat.core.errors import SettingsError
from drumbeat.core.secret_references import own_names
from drumbeat.infrastructure.trace_settings import TraceSettings

COPY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment of a function. On AWS secret values are given by name (`*_PARAM`)."""

    stage: str
    region: str
    local: bool  # `drumbeat dev`: secrets come from a file or the environment
    secrets_file: str | None
    test_door: bool  # a request may set the time at which its signature is judged
    clock_shift: float  # seconds that `drumbeat dev --clock` is ahead
    database_url: str  # the value, or `ssm:/name`
    database_direct: bool  # no pooler in between: statements may be prepared
    sleeps_after: float  # seconds without use after which the database is suspended; 0: it never is
    copy_seconds: float  # what ingest knows of sources and revoked keys may be as old as this
    database_patience: float | None  # seconds that a statement may take; None: as long as it needs
    admin_database_url: str | None
    redis_url: str
    worker_concurrency: int | None  # workers that may run at a time; None: not known
    times: CallTimes  # of calls and leases; a demonstration has shorter ones
    secret: str  # master secret of API keys, contact keys and links in mails
    link_key: int  # the number of the key that signs new links; those of lower numbers are retired, and still verify
    public_url: str | None  # of the local stack's own pages; None: as the configuration says
    effects_queue_url: str
    buffer_queue_url: str
    wishes_queue_url: str
    feedback_queue_url: str  # "": reports do not wait
    dlq_url: str
    aws_endpoint_url: str | None
    sandbox_url: str | None
    schedule_group: str | None
    schedule_role_arn: str | None
    campaign_function_arn: str | None
    schedule_dlq_arn: str | None
    alarm_topic_arn: str | None
    traces: TraceSettings

    @property
    def parameters(self) -> tuple[str, ...]:
        """The SSM parameters that stand for values here, by each name that they may have."""
        values = (self.database_url, self.admin_database_url, self.redis_url, self.secret, self.traces.headers)
        named = [value.removeprefix("ssm:") for value in values if value and value.startswith("ssm:")]
        return tuple(name for parameter in named for name in own_names(parameter))

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the environment.

        Raises:
            SettingsError: names each setting that is missing or wrong, never a value.
        """
        missing: list[str] = []

        def secret(name: str, parameter: str, *, required: bool = True) -> str:
            if (value := environ.get(name, "")).strip():
                return value
            if path := environ.get(parameter, "").strip():
                return f"ssm:{path}"
            if required:
                missing.append(f"{name} (or {parameter}, the name of an SSM parameter)")
            return ""

        def number(name: str) -> float:
            try:
                return float(environ.get(name) or 0)
            except ValueError:
                raise SettingsError(f"{name} is not a number. Nothing was started and nothing was lost.") from None

        def times() -> CallTimes:
            seconds = number("CALL_SECONDS") or CALL_SECONDS, number("LEASE_SECONDS") or LEASE.total_seconds()
            try:
                return CallTimes(seconds[0], timedelta(seconds=seconds[1]))
            except (ValueError, OverflowError) as error:
                raise SettingsError(
                    f"CALL_SECONDS and LEASE_SECONDS do not fit: {error}. Nothing was started and nothing was lost."
                ) from None

        settings = cls(
            stage=environ.get("STAGE", "dev"),
            region=environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1",
            local=environ.get("DRUMBEAT_LOCAL") == "1",
            secrets_file=environ.get("DRUMBEAT_SECRETS_FILE") or None,
            test_door=environ.get("DRUMBEAT_TEST_DOOR") == "1",
            clock_shift=number("DRUMBEAT_CLOCK_SHIFT"),
            database_url=secret("DATABASE_URL", "DATABASE_URL_PARAM"),
            database_direct=environ.get("DATABASE_DIRECT") == "1",
            copy_seconds=number("COPY_SECONDS") or COPY_SECONDS,
            sleeps_after=number("DATABASE_SLEEPS_AFTER"),
            database_patience=number("DATABASE_PATIENCE") or None,
            admin_database_url=secret("ADMIN_DATABASE_URL", "ADMIN_DATABASE_URL_PARAM", required=False) or None,
            worker_concurrency=int(number("WORKER_CONCURRENCY")) or None,
            redis_url=secret("REDIS_URL", "REDIS_URL_PARAM", required=False),
            times=times(),
            secret=secret("DRUMBEAT_SECRET", "SECRET_PARAM", required=False),
            link_key=int(number("LINK_KEY")),
            public_url=environ.get("DRUMBEAT_PUBLIC_URL") or None,
            effects_queue_url=environ.get("EFFECTS_QUEUE_URL", ""),
            buffer_queue_url=environ.get("BUFFER_QUEUE_URL", ""),
            wishes_queue_url=environ.get("WISHES_QUEUE_URL", ""),
            feedback_queue_url=environ.get("FEEDBACK_QUEUE_URL", ""),
            dlq_url=environ.get("DLQ_URL", ""),
            aws_endpoint_url=environ.get("SQS_ENDPOINT_URL") or environ.get("AWS_ENDPOINT_URL") or None,
            sandbox_url=environ.get("DRUMBEAT_SANDBOX_URL") or None,
            schedule_group=environ.get("SCHEDULE_GROUP") or None,
            schedule_role_arn=environ.get("SCHEDULE_ROLE_ARN") or None,
            campaign_function_arn=environ.get("CAMPAIGN_FUNCTION_ARN") or None,
            schedule_dlq_arn=environ.get("SCHEDULE_DLQ_ARN") or None,
            alarm_topic_arn=environ.get("ALARM_TOPIC_ARN") or None,
            traces=TraceSettings.from_env(
                environ, lambda name, parameter: secret(name, parameter, required=False), environ.get("STAGE", "dev")
            ),
        )
        if missing:
            raise SettingsError(f"not set: {', '.join(missing)}. Nothing was started and nothing was lost.")
        return settings

"""What can be wrong with an installation: each part is checked, each failure says how to repair it."""

import time
from collections.abc import Callable, Collection, Iterator

import psycopg

from drumbeat.core.clock import MAX_CLOCK_SKEW_SECONDS
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.configuration import Campaign
from drumbeat.core.errors import DrumbeatError, NotUnderstood, SecretAway, SecretMissing
from drumbeat.ingest import parking_sql
from drumbeat.ledger import clock, configs
from drumbeat.operations.checks import Check
from drumbeat.operations.neighbours import neighbours
from drumbeat.providers.login import in_sandbox
from drumbeat.services import Services

GRANT_FIX = "give the console's role the permissions of the template, and check again"


def connections(services: Services) -> list[Check]:
    """Check that Postgres, Redis and the queues answer, and compare clocks."""
    return [
        _postgres(services),
        _answers(
            "redis",
            lambda: services.redis.run("PING"),
            "check REDIS_URL and the server; until then everything works, but slower: nothing is lost",
        ),
        _answers(
            "effects queue",
            services.queue.count,
            "check EFFECTS_QUEUE_URL; the relay sends what was not sent once it answers",
        ),
        _answers(
            "buffer queue",
            services.buffer.count,
            "check BUFFER_QUEUE_URL; it keeps events during an outage of Postgres",
        ),
    ]


def doctor(services: Services) -> list[Check]:
    """Check connections, clocks, neighbours, the configuration in force with its secrets and schedules, and alarms."""
    checks = connections(services)
    postgres, redis, *_ = checks
    if postgres.ok and redis.ok:
        checks.extend(neighbours(services))
    if postgres.ok:
        checks.extend(_configuration(services))
        checks.append(_parked(services))
    if services.settings.alarm_topic_arn:
        checks.extend(alarms(services, services.settings.alarm_topic_arn))
    return checks


def alarms(services: Services, topic: str) -> Iterator[Check]:
    """Check which alarms are on, and whether a mail address is subscribed to them."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = services.cloudwatch.describe_alarms(ActionPrefix=topic)["MetricAlarms"]
        active = [alarm["AlarmDescription"] for alarm in found if alarm["StateValue"] == "ALARM"]
        fix = "docs/deploy.md says for each what to do"
        yield Check("alarms", not active, " ".join(active) or f"{len(found)}, none is on", fix)
    except (BotoCoreError, ClientError) as error:
        yield Check("alarms", False, _refused(error), GRANT_FIX)
    try:
        subscriptions = services.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    except (BotoCoreError, ClientError) as error:
        yield Check("mail for alarms", False, _refused(error), GRANT_FIX)
        return
    if not subscriptions:
        yield Check("mail for alarms", True, "no address: deploy with an AlarmEmail")
        return
    waiting = any(not each["SubscriptionArn"].startswith("arn:") for each in subscriptions)
    fix = "open the mail that AWS sent there and confirm"
    yield Check(
        "mail for alarms", not waiting, "not confirmed yet" if waiting else f"{len(subscriptions)} confirmed", fix
    )


def _postgres(services: Services) -> Check:
    started = time.monotonic()
    try:
        now = clock.now(services.db)
    except psycopg.OperationalError:
        fix = "check DATABASE_URL and the server; meanwhile events go to the buffer queue: nothing is lost"
        return Check("postgres", False, "does not answer", fix)
    except psycopg.Error as error:
        return Check("postgres", False, type(error).__name__, "run the migrations: deploy again, or `drumbeat dev`")
    skew = abs((services.clock.now() - now).total_seconds())
    if skew > MAX_CLOCK_SKEW_SECONDS:
        fix = "set both clocks by NTP; leases follow the database, signatures follow this process"
        return Check("postgres", False, f"its clock and ours are {skew:.0f} s apart", fix)
    return Check("postgres", True, f"{_ms(started)}, clocks {skew:.1f} s apart")


def _answers(name: str, call: Callable[[], object], fix: str) -> Check:
    from redis.exceptions import RedisError

    started = time.monotonic()
    try:
        call()
    except (RedisError, DrumbeatError, OSError) as error:
        return Check(name, False, f"does not answer ({type(error).__name__})", fix)
    return Check(name, True, _ms(started))


def _configuration(services: Services) -> Iterator[Check]:
    try:
        config = configs.newest(services.db)
    except NotUnderstood as error:
        yield Check("configuration", False, str(error), "deploy that release, or run `drumbeat apply` with this one")
        return
    if config is None:
        fix = "run `drumbeat apply`; events are recorded meanwhile and planned then"
        yield Check("configuration", False, "no configuration was applied yet", fix)
        return
    flows = f"{len(config.flows)} flow{'s' if len(config.flows) != 1 else ''}"
    yield Check("configuration", True, f"version {config.version}, {flows}")
    if config.semantics < SEMANTICS:
        fix = "run `drumbeat apply` once with the same document; until then events are planned by those"
        yield Check("rules of the configuration", True, f"it was applied under rules {config.semantics}", fix)
    references = {f"source {each.name}": reference for each in config.sources.values() for reference in each.secrets}
    for account in config.accounts.values():
        if in_sandbox(account, services.settings.sandbox_url):
            yield Check(
                f"secrets of account {account.name}", True, "it calls the sandbox, which accepts any credential"
            )
        else:
            references |= {f"account {account.name}, {name}": to for name, to in account.secrets.items()}
    for owner, reference in references.items():
        yield _secret(services, owner, reference)
    if services.settings.schedule_group and config.campaigns:
        yield _schedules(services, config.campaigns.values())


def _parked(services: Services) -> Check:
    parked = parking_sql.count(services.db)
    detail = f"{parked} of an API key that was revoked before they could be recorded" if parked else "none"
    fix = "`drumbeat parked list` shows them; release or discard them, they are kept until then"
    return Check("parked events", not parked, detail, fix)


def _schedules(services: Services, campaigns: Collection[Campaign]) -> Check:
    """Check that each campaign has its schedule."""
    from botocore.exceptions import BotoCoreError, ClientError

    from drumbeat.campaigns.schedules import missing as without_schedule

    try:
        missing = without_schedule(campaigns, services)
    except (BotoCoreError, ClientError) as error:
        return Check("schedules of campaigns", False, _refused(error), GRANT_FIX)
    late = "`drumbeat apply` makes them; meanwhile the relay fires these campaigns, up to two minutes late"
    detail = f"missing: {', '.join(missing)}" if missing else f"{len(campaigns)} in force, each has its own"
    return Check("schedules of campaigns", not missing, detail, late if missing else None)


def _refused(error: Exception) -> str:
    response = getattr(error, "response", None)
    return str(response["Error"]["Code"]) if isinstance(response, dict) else type(error).__name__


def _secret(services: Services, owner: str, reference: str) -> Check:
    try:
        services.secrets.get(reference)
    except SecretAway as error:
        return Check(f"secret of {owner}", False, str(error), "check the secret store; what needs it waits meanwhile")
    except SecretMissing:
        if services.settings.local and owner.startswith("source "):
            fix = f"to try this source, set {reference.removeprefix('env:')} and start `drumbeat dev` again"
            return Check(f"secret of {owner}", True, f"{reference} is not set: deliveries are answered 503", fix)
        fix = f"put it there, or let this function read {reference}; what needs it waits meanwhile"
        if reference.startswith("env:") and not services.settings.local:
            fix = f"env: is for `drumbeat dev`: write ssm:/drumbeat/{services.settings.stage}/... instead, and apply"
        return Check(f"secret of {owner}", False, f"{reference} does not exist or may not be read", fix)
    except (DrumbeatError, OSError) as error:
        return Check(f"secret of {owner}", False, f"{reference}: {type(error).__name__}", "check the secret store")
    return Check(f"secret of {owner}", True, reference)


def _ms(started: float) -> str:
    return f"{(time.monotonic() - started) * 1000:.0f} ms"

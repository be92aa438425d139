"""What can be wrong with an installation: each part is checked, each failure says how to repair it."""

import time
from collections.abc import Callable, Collection, Iterator

import psycopg

from drumbeat.core.campaigns import Campaign
from drumbeat.core.clock import MAX_CLOCK_SKEW_SECONDS
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.configuration import Account, Config, Source
from drumbeat.core.errors import DrumbeatError, NotUnderstood, SecretAway, SecretMissing
from drumbeat.ingest import parking_sql
from drumbeat.ledger import clock, configs
from drumbeat.operations.checks import Check
from drumbeat.operations.neighbours import neighbours
from drumbeat.providers import registry
from drumbeat.providers.login import in_sandbox, login
from drumbeat.providers.quotas import HasQuota
from drumbeat.services import Services
from drumbeat.sources import registry as schemes
from drumbeat.sources.signature import Scheme

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
        _wishes(services),
    ]


def doctor(services: Services) -> list[Check]:
    """Check connections, clocks, neighbours, the configuration in force with its secrets and schedules, and alarms."""
    checks = connections(services)
    postgres, redis, *_ = checks
    if postgres.ok and redis.ok:
        checks.extend(neighbours(services))
    if postgres.ok:
        checks.extend(_configuration(services))
        checks.append(parked(services))
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
        yield Check("alarms", not active, " ".join(active) or f"{len(found)}, none is on", fix if active else None)
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
    if any(not each["SubscriptionArn"].startswith("arn:") for each in subscriptions):
        fix = "open the mail that AWS sent there and confirm"
        yield Check("mail for alarms", False, "not confirmed yet", fix)
    else:
        yield Check("mail for alarms", True, f"{len(subscriptions)} confirmed")


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

    from drumbeat.infrastructure.redis import PlainText

    started = time.monotonic()
    try:
        call()
    except PlainText as refused:
        return Check(name, False, str(refused), "write the URL again: `drumbeat init aws`; meanwhile work is slower")
    except (RedisError, DrumbeatError, OSError) as error:
        return Check(name, False, f"does not answer ({type(error).__name__})", fix)
    return Check(name, True, _ms(started))


def _wishes(services: Services) -> Check:
    """Check the queue that keeps what people ask for during an outage of Postgres, and that nothing waits in it."""
    waiting: list[int] = []
    answers = _answers(
        "wishes queue",
        lambda: waiting.append(services.wishes.count()),
        "check WISHES_QUEUE_URL; it keeps what people ask for during an outage of Postgres",
    )
    if not any(waiting):
        return answers
    fix = "bring Postgres back: the relay records them first. If it answers, see docs/operate.md, Wishes wait"
    return Check("wishes queue", False, f"{sum(waiting)} wait, and so does marketing; nothing is lost", fix)


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
    for source in config.sources.values():
        yield from source_secrets(services, source)
    for account in config.accounts.values():
        if in_sandbox(account, services.settings.sandbox_url):
            yield Check(
                f"secrets of account {account.name}", True, "it calls the sandbox, which accepts any credential"
            )
        else:
            for name, reference in account.secrets.items():
                yield _secret(services, f"account {account.name}, {name}", reference)
        yield from quota(services, account)
    if not services.imitates_vendors:
        yield from _astray(config)
    if services.settings.schedule_group and config.campaigns:
        yield _schedules(services, config.campaigns.values())


def quota(services: Services, account: Account) -> Iterator[Check]:
    """Show what the account's vendor lets it send, as the workers know it, where it can be asked."""
    if account.provider not in registry.names() or not isinstance(registry.get(account.provider), HasQuota):
        return
    known = services.quotas.known(login(account, services.settings.sandbox_url))
    detail = "not known yet: workers ask when they send, and hold to its own limits, or to one a second without any"
    if known is not None:
        detail = ", ".join(f"{limit.count:,} in {limit.period:,} s" for limit in known) or "none"
    yield Check(f"quota of account {account.name}", True, detail)


def source_secrets(services: Services, source: Source) -> Iterator[Check]:
    """Check that each secret of a source can be read, and that its sender could sign with it."""
    owner = f"source {source.name}"
    scheme = schemes.get(source.scheme) if source.scheme in schemes.names() else None
    for reference in source.secrets:
        check = _secret(services, owner, reference)
        problem = _secret_problem(services, reference, scheme) if scheme and check.ok else None
        fix = f"copy what {source.scheme} signs with into {reference}; until then its deliveries are refused"
        yield Check(check.name, False, f"{reference} {problem}", fix) if problem else check
    for name, option in scheme.options.items() if scheme else ():
        if option.secret and name in source.options:
            yield _secret(services, f"{owner}, {name}", source.options[name])


def _secret_problem(services: Services, reference: str, scheme: Scheme) -> str | None:
    try:
        return scheme.secret_problem(services.secrets.get(reference))
    except SecretMissing:  # that was said already
        return None


def _astray(config: Config) -> Iterator[Check]:
    """Name the accounts whose key would go elsewhere than to their vendor."""
    for account in config.accounts.values():
        if account.provider in registry.names() and (wrong := login(account, None).astray):
            fix = "correct it and run `drumbeat apply`; meanwhile its effects are held and its key is not sent"
            yield Check(f"account {account.name}", False, wrong, fix)


def parked(services: Services) -> Check:
    """Check that no accepted event waits for a decision about its key."""
    waiting = parking_sql.count(services.db)
    if not waiting:
        return Check("parked events", True, "none")
    detail = f"{waiting} of an API key that was revoked before they could be recorded"
    fix = "`drumbeat parked list` shows them; release or discard them, they are kept until then"
    return Check("parked events", False, detail, fix)


def _schedules(services: Services, campaigns: Collection[Campaign]) -> Check:
    """Check that each campaign has its schedule."""
    from botocore.exceptions import BotoCoreError, ClientError

    from drumbeat.campaigns.schedules import missing as without_schedule

    try:
        missing = without_schedule(campaigns, services)
    except (BotoCoreError, ClientError) as error:
        return Check("schedules of campaigns", False, _refused(error), GRANT_FIX)
    late = "`drumbeat apply` makes them; meanwhile the relay fires these campaigns, up to two minutes late"
    count = sum(each.schedule is not None for each in campaigns)
    detail = f"missing: {', '.join(missing)}" if missing else f"{count} in force, each has its own"
    return Check("schedules of campaigns", not missing, detail, late if missing else None)


def _refused(error: Exception) -> str:
    response = getattr(error, "response", None)
    return str(response["Error"]["Code"]) if isinstance(response, dict) else type(error).__name__


def _secret(services: Services, owner: str, reference: str) -> Check:
    try:
        services.secrets.get(reference)
    except SecretAway as error:
        return Check(f"secret of {owner}", False, str(error), f"check the secret store; {_meanwhile(owner, away=True)}")
    except SecretMissing as error:
        local = services.settings.local
        kind, _, name = reference.partition(":")
        store = f"drumbeat secrets set {name if kind == 'secret' else 'NAME'}"
        if local and owner.startswith("source "):
            fix = f"set {name} and start `drumbeat dev` again" if kind == "env" else f"`{store}`"
            return Check(f"secret of {owner}", True, f"{reference} {error.why}: deliveries are answered 503", fix)
        fix = f"`{store}{'' if local else f' --stage {services.settings.stage}'}`; {_meanwhile(owner, away=False)}"
        if kind != "secret":
            fix = f"write secret:NAME instead, which is the same in every stage, and apply; {fix}"
        return Check(f"secret of {owner}", False, f"{reference} {error.why}", fix)
    except (DrumbeatError, OSError) as error:
        return Check(f"secret of {owner}", False, f"{reference}: {type(error).__name__}", "check the secret store")
    return Check(f"secret of {owner}", True, reference)


def _meanwhile(owner: str, *, away: bool) -> str:
    """Say what becomes of that which needs a secret: 0018 in docs/decisions says why the two differ."""
    if owner.startswith("source "):
        return "its deliveries are answered 503 meanwhile: most senders repeat them"
    if away:
        return "its effects wait meanwhile"
    return "its effects are held meanwhile; once it is there, drumbeat resolve --all-held --cause secret_missing resend"


def _ms(started: float) -> str:
    return f"{(time.monotonic() - started) * 1000:.0f} ms"

"""A start as on AWS: the environment holds names, the parameter store the values, or nothing answers there."""

import importlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast
from uuid import uuid4

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from mypy_boto3_ssm import SSMClient

from drumbeat import services as process
from drumbeat.core.errors import SecretAway, SecretMissing, SettingsError
from drumbeat.infrastructure.secrets import PAUSES, REST, TRY_SECONDS
from drumbeat.infrastructure.settings import Settings
from drumbeat.wakeups.queue import WakeUp
from functions.ingest import app as ingest
from tests.functions.test_samples import Context, invoke

NAMES = {
    "DATABASE_URL_PARAM": "/drumbeat/start/system/database-url",
    "REDIS_URL_PARAM": "/drumbeat/start/system/redis-url",
    "SECRET_PARAM": "/drumbeat/start/system/secret",
}


def clients(made: process.Services) -> object:
    """What a function makes at its start."""
    return made.db, made.notifier, made.key_secret


class Throttled:
    """What SSM says when an account's 40 calls of a second are over."""

    def stream(self) -> Iterator[bytes]:
        yield b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'


@pytest.fixture
def ssm(sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SSMClient]:
    """The store, with all parameters of a function; the process starts anew."""
    for name, value in {**NAMES, "AWS_ENDPOINT_URL": sqs_endpoint}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client = boto3.client("ssm", region_name="us-east-1", endpoint_url=sqs_endpoint)
    for name in NAMES.values():
        client.put_parameter(Name=name, Value=f"value of {name}", Type="SecureString", Overwrite=True)
    caches = (process.services, ingest.door, ingest.single)
    for made in caches:
        made.cache_clear()
    yield client
    for made in caches:
        made.cache_clear()
    client.close()


@pytest.fixture
def away(ssm: SSMClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start while the store does not answer."""
    monkeypatch.setattr("drumbeat.infrastructure.secrets.PAUSES", ())
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    process.start(clients)


def calls() -> list[Mapping[str, Any]]:
    """Return what the process asks the store for from now on."""
    asked: list[Mapping[str, Any]] = []
    events = process.services().secrets._ssm().client.meta.events
    events.register("provide-client-params.ssm", lambda params, **_: asked.append(params))
    return asked


def values() -> list[str]:
    settings = process.services().settings
    return [process.services().value(each) for each in (settings.database_url, settings.redis_url, settings.secret)]


def test_a_start_reads_everything_in_one_call(ssm: SSMClient) -> None:
    asked = calls()

    process.start(clients)

    assert values() == [f"value of {name}" for name in NAMES.values()]
    assert asked == [{"Names": [*both(NAMES.values())], "WithDecryption": True}]


def both(names: Iterable[str]) -> Iterator[str]:
    """Yield each name, and what releases before called it."""
    for name in names:
        yield from (name, name.replace("/system/", "/"))


def test_a_stage_of_a_release_before_is_read_by_its_names_in_the_same_call(ssm: SSMClient) -> None:
    ssm.delete_parameters(Names=list(NAMES.values()))
    for name in NAMES.values():
        former = name.replace("/system/", "/")
        ssm.put_parameter(Name=former, Value=f"former {former}", Type="SecureString", Overwrite=True)
    asked = calls()

    process.start(clients)
    read = values()
    ssm.delete_parameters(Names=[name.replace("/system/", "/") for name in NAMES.values()])

    assert read == [f"former {name.replace('/system/', '/')}" for name in NAMES.values()]
    assert len(asked) == 1


@pytest.mark.parametrize("blank", [" ", "\n", "\t \n"])
def test_a_blank_master_secret_signs_nothing(ssm: SSMClient, blank: str) -> None:
    ssm.put_parameter(Name=NAMES["SECRET_PARAM"], Value=blank, Type="SecureString", Overwrite=True)
    process.start(clients)

    with pytest.raises(SecretMissing, match="/system/secret is empty"):
        _ = process.services().key_secret


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_a_blank_setting_is_none(blank: str) -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        Settings.from_env({"DATABASE_URL": blank})
    assert Settings.from_env({"DATABASE_URL": "x", "DRUMBEAT_SECRET": blank}).secret == ""


@pytest.mark.parametrize("name", NAMES.values())
@pytest.mark.parametrize("spelling", [lambda name: name, lambda name: name.replace("/system/", "/")])
def test_no_reference_reaches_what_the_installation_has_read(
    ssm: SSMClient, name: str, spelling: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE", "start")
    process.services.cache_clear()
    process.start(clients)
    asked = calls()

    with pytest.raises(SecretMissing):
        process.services().secrets.get(f"ssm:{spelling(name)}")

    assert asked == []


def test_a_start_makes_the_clients_and_connects_to_none(ssm: SSMClient) -> None:
    for name, value in zip(
        NAMES.values(), ("postgresql://a@127.0.0.1:1/b", "redis://127.0.0.1:1/0", "s" * 32), strict=True
    ):
        ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)

    process.start(clients)

    made = process.services()
    assert {"db", "redis", "due_index", "queue"} <= vars(made).keys()
    assert made.db.round_trips == 0
    assert made.redis._connection.is_connected is False


def test_a_start_never_raises_or_lambda_would_start_again_and_again(ssm: SSMClient) -> None:
    def broken(_: process.Services) -> object:
        raise RuntimeError("a client that cannot be made")

    process.start(broken)

    assert values()


def test_a_parameter_that_is_missing_is_named_and_hides_no_other(ssm: SSMClient) -> None:
    ssm.delete_parameter(Name=NAMES["SECRET_PARAM"])
    process.start(clients)
    settings = process.services().settings

    with pytest.raises(
        SecretMissing, match=r"/start/system/secret does not exist or may not be read; nothing was lost"
    ):
        process.services().value(settings.secret)

    assert process.services().value(settings.redis_url) == "value of /drumbeat/start/system/redis-url"


def test_a_start_without_the_store_says_so_when_a_value_is_needed(away: None) -> None:
    with pytest.raises(SecretAway, match="/start/system/redis-url cannot be read now; nothing was lost"):
        process.services().value(process.services().settings.redis_url)


def test_it_is_read_again_once_the_store_answers(
    away: None, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = process.services().secrets
    monkeypatch.setenv("AWS_ENDPOINT_URL", sqs_endpoint)
    process.services.cache_clear()
    known._provider = process.services().secrets._ssm()
    monkeypatch.setattr("drumbeat.infrastructure.secrets.time.monotonic", lambda: 10.0**9)

    assert known.own(NAMES["REDIS_URL_PARAM"]) == "value of /drumbeat/start/system/redis-url"


def test_where_the_environment_names_too_little_the_handler_says_so_and_not_the_start(
    ssm: SSMClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL_PARAM")

    process.start(clients)

    with pytest.raises(SettingsError, match="DATABASE_URL_PARAM"):
        process.services()


@pytest.mark.parametrize("sample", ["ingest_event", "ingest_batch", "ingest_webhook"])
def test_without_the_store_a_caller_is_asked_to_try_again(away: None, sample: str) -> None:
    answer = invoke(sample)

    assert answer["statusCode"] == 503
    assert answer["headers"]["Retry-After"]
    assert "Nothing was stored" in answer["body"]


def test_without_the_store_the_worker_gives_every_message_back(away: None) -> None:
    handler = importlib.import_module("functions.worker.app").handler
    records = [{"messageId": id, "body": WakeUp(effects=(uuid4(),)).dumps()} for id in ("one", "two")]

    answer = handler({"Records": [*records, {"messageId": "garbled", "body": "{"}]}, cast("LambdaContext", Context()))

    assert {each["itemIdentifier"] for each in answer["batchItemFailures"]} == {"one", "two", "garbled"}


def throttle(times: int) -> list[str]:
    """Let the store throttle the process's next calls; returns what it answered."""
    answers: list[str] = []

    def answer(**_: object) -> AWSResponse | None:
        answers.append("throttled" if len(answers) < times else "answered")
        return AWSResponse("", 400, HTTPHeaders(), Throttled()) if answers[-1] == "throttled" else None

    process.services().secrets._ssm().client.meta.events.register("before-send.ssm", cast("Any", answer))
    return answers


def test_a_store_that_throttles_is_asked_again_within_the_second(ssm: SSMClient) -> None:
    answers = throttle(times=3)

    process.start(clients)

    assert values() == [f"value of {name}" for name in NAMES.values()]
    assert answers == [*["throttled"] * 3, "answered"]


@pytest.mark.parametrize(
    ("function", "sample"), [("ingest", "ingest_event"), ("ingest", "ingest_webhook"), ("console", "console_events")]
)
def test_a_start_that_is_throttled_for_longer_asks_callers_to_try_again(
    ssm: SSMClient, monkeypatch: pytest.MonkeyPatch, function: str, sample: str
) -> None:
    monkeypatch.setattr("drumbeat.infrastructure.secrets.TRY_SECONDS", 0.0)
    throttle(times=1000)
    process.start(clients)

    answer = invoke(sample)

    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "5")
    assert answer["headers"]["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("sample", ["relay", "campaign"])
def test_what_a_schedule_started_fails_for_its_next_run_while_the_store_throttles(
    ssm: SSMClient, monkeypatch: pytest.MonkeyPatch, sample: str
) -> None:
    monkeypatch.setattr("drumbeat.infrastructure.secrets.TRY_SECONDS", 0.0)
    throttle(times=1000)
    process.start(clients)

    with pytest.raises(SecretAway):
        invoke(sample)


def test_after_a_throttle_the_store_is_left_alone_for_seconds_not_for_long(
    ssm: SSMClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = throttle(times=len(PAUSES) + 1)
    process.start(clients)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + REST * TRY_SECONDS)

    assert values() == [f"value of {name}" for name in NAMES.values()]
    assert answers[-1] == "answered"


def test_a_start_with_an_endpoint_that_is_no_url_is_no_traceback(
    ssm: SSMClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nonsense")
    process.services.cache_clear()

    process.start(clients)

    with pytest.raises(ValueError, match="Invalid endpoint"):
        process.services().secrets.own(NAMES["SECRET_PARAM"])


def test_nothing_is_sealed_under_an_empty_secret(ssm: SSMClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_PARAM")
    monkeypatch.delenv("DRUMBEAT_SECRET", raising=False)
    process.services.cache_clear()

    with pytest.raises(SettingsError, match="SECRET_PARAM"):
        _ = process.services().key_secret


def test_a_value_that_may_have_been_replaced_is_read_again_once(
    ssm: SSMClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for an effect that was denied two minutes ago, and its neighbours that were denied with it."""
    process.start(clients)
    asked, secrets = calls(), process.services().secrets
    reference, name = "secret:key", f"/drumbeat/{process.services().settings.stage}/accounts/key"
    ssm.put_parameter(Name=name, Value="first", Type="SecureString", Overwrite=True)
    secrets.get(reference)
    ssm.put_parameter(Name=name, Value="replaced", Type="SecureString", Overwrite=True)
    asked.clear()
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 130.0)

    cached = secrets.get(reference)
    read = [secrets.get(reference, max_age=120.0) for _ in range(3)]

    assert cached == "first"
    assert read == ["replaced"] * 3
    assert len(asked) == 1

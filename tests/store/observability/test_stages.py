"""The marks by which stages on one Redis find each other."""

from collections.abc import Iterator

import pytest
from redis import Redis

from drumbeat.infrastructure.settings import Settings
from drumbeat.local.servers import Valkey
from drumbeat.observability.stages import MARK_SECONDS, MARKS, leave_mark, other_marks, our_mark
from drumbeat.operations.neighbours import neighbours
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.store.relay.sample_deployment import ManualClock
from tests.store.strange import STRANGE


class Stages:
    """Stages on one Redis; they differ in what the test says."""

    def __init__(self, database: TestDatabase, valkey: Valkey) -> None:
        self._database, self._valkey = database, valkey
        self.clock = ManualClock()
        self._made: list[Services] = []

    def stage(self, name: str, secret: str = "secret", url: str | None = None) -> Services:
        settings = {
            "STAGE": name,
            "DRUMBEAT_LOCAL": "1",
            "DRUMBEAT_SECRET": secret,
            "DATABASE_URL": url or self._database.url,
            "REDIS_URL": self._valkey.url,
        }
        services = Services(Settings.from_env(settings), self.clock)
        services.db = self._database
        self._made.append(services)
        return services

    def close(self) -> None:
        for services in self._made:
            services.redis.close()


@pytest.fixture
def stages(database: TestDatabase, valkey: Valkey, redis: Redis) -> Iterator[Stages]:
    stages = Stages(database, valkey)
    yield stages
    stages.close()


def test_a_stage_sees_the_others_and_not_itself(stages: Stages) -> None:
    prod, staging = stages.stage("prod"), stages.stage("staging")
    leave_mark(prod)
    leave_mark(staging)
    leave_mark(prod)
    stages.clock.sleep(60.0)

    assert other_marks(prod) == {our_mark(staging): pytest.approx(60.0, abs=1e-3)}
    assert other_marks(staging) == {our_mark(prod): pytest.approx(60.0, abs=1e-3)}


def test_a_mark_names_its_ledger_and_shows_no_address_and_no_secret(stages: Stages, redis: Redis) -> None:
    leave_mark(stages.stage("prod", "the secret", "postgresql://app:word@db.example.com/drumbeat"))

    [mark] = redis.zrange(MARKS, 0, -1)
    assert b'"stage": "prod"' in mark
    assert not any(part in mark for part in (b"example", b"word", b"app", b"the secret"))


def test_a_stage_that_is_gone_is_forgotten(stages: Stages, redis: Redis) -> None:
    prod, staging = stages.stage("prod"), stages.stage("staging")
    leave_mark(staging)
    stages.clock.sleep(MARK_SECONDS + 1.0)

    assert other_marks(prod) == {}
    leave_mark(prod)
    assert redis.zcard(MARKS) == 1
    assert 0 < redis.ttl(MARKS) <= MARK_SECONDS


@pytest.mark.parametrize("kind", STRANGE)
def test_what_is_no_mark_hides_none_or_is_said(stages: Stages, redis: Redis, kind: str) -> None:
    prod = stages.stage("prod")
    STRANGE[kind](redis, MARKS)

    checks = list(neighbours(prod))

    assert [check.name for check in checks] == ["keys in Redis", "stages on this Redis"]


def test_marks_of_another_release_are_left_alone(stages: Stages, redis: Redis) -> None:
    redis.zadd(MARKS, {'{"stage": "later", "more": 1}': stages.clock.now().timestamp(), "[1]": 2e9, "7": 2e9})

    assert other_marks(stages.stage("prod")) == {}
    assert redis.zcard(MARKS) == 3


def test_without_redis_no_mark_is_left_and_nothing_raised(stages: Stages) -> None:
    prod = stages.stage("prod")
    prod.__dict__["redis"] = type(prod.redis).at("redis://127.0.0.1:1", prod.redis_prefix)

    leave_mark(prod)

    assert not list(neighbours(prod))[-1].ok


def test_the_doctor_notes_a_neighbour_and_fails_for_a_shared_ledger(stages: Stages) -> None:
    prod, staging = stages.stage("prod"), stages.stage("staging")
    leave_mark(stages.stage("demo", url="postgresql://app@elsewhere/drumbeat"))
    noted = list(neighbours(prod))
    leave_mark(staging)

    failed = [check for check in neighbours(prod) if not check.ok]

    assert [(check.ok, bool(check.fix)) for check in noted] == [(True, False), (True, True)]
    assert "stage demo" in noted[1].detail
    assert [check.detail for check in failed] == [
        "stage staging, seen within the hour, works on the database of this stage"
    ]

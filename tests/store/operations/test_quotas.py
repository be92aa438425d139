"""What the doctor shows of a vendor's quota: what the workers know, without asking for it."""

import json

from redis import Redis

from drumbeat.core.configuration import Account, Retry
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.infrastructure.settings import Settings
from drumbeat.operations.doctor import quota
from drumbeat.providers.login import login
from drumbeat.providers.quotas import key_of
from drumbeat.services import Services
from tests.conftest import PREFIX


def account(provider: str) -> Account:
    settings = {"region": "eu-central-1", "from": "ada@example.com", "configuration_set": "drumbeat"}
    return Account("news", provider, settings, {}, (), Retry(1.0, 2.0), "hold", None)


def test_a_quota_is_shown_as_the_workers_know_it(redis: Redis, lean: LeanRedis) -> None:
    services = Services(Settings.from_env({"DATABASE_URL": "postgresql://127.0.0.1:1/none", "DRUMBEAT_LOCAL": "1"}))
    services.redis = lean
    before = [(each.ok, each.detail) for each in quota(services, account("ses"))]
    limits = [{"count": 14, "period": 1, "burst": 14}, {"count": 50_000, "period": 86_400, "burst": None}]
    redis.set(PREFIX + key_of(login(account("ses"), None)), json.dumps(limits))

    (known,) = quota(services, account("ses"))

    assert len(before) == 1
    assert before[0][0]
    assert "not known yet" in before[0][1]
    assert (known.ok, known.detail) == (True, "14 in 1 s, 50,000 in 86,400 s")


def test_a_provider_that_has_no_quota_to_ask_for_shows_none(lean: LeanRedis) -> None:
    services = Services(Settings.from_env({"DATABASE_URL": "postgresql://127.0.0.1:1/none", "DRUMBEAT_LOCAL": "1"}))
    services.redis = lean

    assert list(quota(services, account("resend"))) == []
    assert list(quota(services, account("of a later release"))) == []

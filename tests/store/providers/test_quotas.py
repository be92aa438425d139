"""The quota of a login at a vendor: asked once for all processes, and never in the way."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest
from redis import Redis

from drumbeat.core.configuration import Account, Limit, Retry
from drumbeat.infrastructure.http import Caller
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.local.servers import Valkey
from drumbeat.providers.login import Login, login
from drumbeat.providers.quotas import CAUTIOUS, FAILED_SECONDS, REMEMBERED_SECONDS, VALID_SECONDS, Quotas, key_of
from tests.conftest import PREFIX
from tests.store.throttle.requests import HandClock
from tests.unit.infrastructure.peer import Peer, Talk

OWN = (Limit(5, 1, 5),)
SECRETS = {"access_key_id": "AKID", "secret_access_key": "secret"}
QUOTA = (Limit(14, 1, 14), Limit(50_000, 86_400, None))
ANSWER = {"SendQuota": {"MaxSendRate": 14.0, "Max24HourSend": 50_000.0, "SentLast24Hours": 3.0}}


@dataclass
class Vendor:
    """An imitated SES; `answer` is what it says of the account, None: nothing at all."""

    peer: Peer
    answer: object = None

    @property
    def asked(self) -> int:
        return len(self.peer.requests)

    def login(self, limits: tuple[Limit, ...] = (), name: str = "news") -> Login:
        settings = {"region": "eu-central-1", "base_url": self.peer.url, "configuration_set": "drumbeat"}
        return login(Account(name, "ses", settings, {}, limits, Retry(1.0, 2.0), "hold", None), None)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    def script(talk: Talk) -> None:
        while talk.hear() is not None:
            if made.answer is None:
                talk.say(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")
            else:
                body = json.dumps(made.answer).encode()
                talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    with Peer(script) as peer:
        made = Vendor(peer, ANSWER)
        yield made


@pytest.fixture
def process(valkey: Valkey, redis: Redis) -> Iterator[Callable[[], tuple[Quotas, HandClock]]]:
    """Make a process: its quotas and its clock. All share one Valkey."""
    opened: list[Caller | LeanRedis] = []

    def made() -> tuple[Quotas, HandClock]:
        clock = HandClock()
        http, lean = Caller(clock, allow_private=True), LeanRedis.at(valkey.url, PREFIX)
        opened.extend((http, lean))
        return Quotas(http, lean, clock), clock

    yield made
    for each in opened:
        each.close()


type Process = Callable[[], tuple[Quotas, HandClock]]


def secrets() -> Mapping[str, str]:
    return SECRETS


def unreadable() -> Mapping[str, str]:
    raise LookupError("a secret")


def test_the_quota_counts_beside_the_account_s_own_limits(vendor: Vendor, process: Process) -> None:
    quotas, _ = process()

    assert quotas.limits(vendor.login(), secrets) == QUOTA
    assert quotas.limits(vendor.login(OWN, name="other"), secrets) == (*OWN, *QUOTA)
    assert b"GET /v2/email/account" in vendor.peer.requests[0]
    assert b"AWS4-HMAC-SHA256 Credential=AKID/" in vendor.peer.requests[0]


def test_all_processes_together_ask_once_an_hour(vendor: Vendor, process: Process, redis: Redis) -> None:
    processes = [process() for _ in range(3)]

    found = [quotas.limits(vendor.login(), secrets) for quotas, _ in processes]
    for quotas, clock in processes:
        clock.sleep(REMEMBERED_SECONDS)
        found.append(quotas.limits(vendor.login(), secrets))

    assert found == [QUOTA] * 6
    assert vendor.asked == 1
    assert redis.ttl(PREFIX + key_of(vendor.login())) > VALID_SECONDS - 60


def test_a_quota_that_changed_is_known_when_the_old_one_has_expired(
    vendor: Vendor, process: Process, redis: Redis
) -> None:
    quotas, clock = process()
    quotas.limits(vendor.login(), secrets)
    vendor.answer = {"SendQuota": {"MaxSendRate": 1.0, "Max24HourSend": -1.0}}

    redis.delete(PREFIX + key_of(vendor.login()))
    clock.sleep(REMEMBERED_SECONDS)

    assert quotas.limits(vendor.login(), secrets) == (Limit(1, 1, 1),)


@pytest.mark.parametrize(
    "answer", [None, {}, {"SendQuota": {"MaxSendRate": 0}}, {"SendQuota": {"MaxSendRate": "14"}}, [1]]
)
def test_a_vendor_that_does_not_say_leaves_the_own_limits_or_one_a_second(
    vendor: Vendor, process: Process, answer: object
) -> None:
    vendor.answer = answer
    quotas, _ = process()

    assert quotas.limits(vendor.login(), secrets) == CAUTIOUS
    assert quotas.limits(vendor.login(OWN, name="other"), secrets) == OWN


def test_a_vendor_that_failed_is_asked_again_after_a_minute_and_not_before(
    vendor: Vendor, process: Process, redis: Redis
) -> None:
    vendor.answer = None
    quotas, clock = process()
    other, _ = process()
    quotas.limits(vendor.login(), secrets)
    other.limits(vendor.login(), secrets)
    quotas.limits(vendor.login(), secrets)
    before = vendor.asked

    vendor.answer = ANSWER
    redis.delete(PREFIX + key_of(vendor.login()))  # as it expires
    clock.sleep(FAILED_SECONDS)

    assert before == 1
    assert quotas.limits(vendor.login(), secrets) == QUOTA


def test_what_was_known_counts_while_it_cannot_be_asked_for_anew(
    vendor: Vendor, process: Process, redis: Redis
) -> None:
    quotas, clock = process()
    quotas.limits(vendor.login(), secrets)
    vendor.answer = None

    redis.delete(PREFIX + key_of(vendor.login()))
    clock.sleep(REMEMBERED_SECONDS)

    assert quotas.limits(vendor.login(), secrets) == QUOTA
    assert vendor.asked == 2


def test_a_secret_that_cannot_be_read_stops_nothing_and_asks_nothing(vendor: Vendor, process: Process) -> None:
    quotas, _ = process()

    assert quotas.limits(vendor.login(), unreadable) == CAUTIOUS
    assert vendor.asked == 0


def test_without_redis_the_vendor_is_not_asked(vendor: Vendor, valkey: Valkey) -> None:
    clock = HandClock()
    http, lean = Caller(clock, allow_private=True), LeanRedis.at("redis://127.0.0.1:1/0", PREFIX, local=True)

    limits = Quotas(http, lean, clock).limits(vendor.login(OWN), secrets)

    assert (limits, vendor.asked) == (OWN, 0)
    http.close()


@pytest.mark.parametrize("shared", ["x", "7", "[7]", '[{"count": 0, "period": 1, "burst": 1}]', "[" * 2000])
def test_what_is_not_ours_in_redis_is_no_quota(vendor: Vendor, process: Process, redis: Redis, shared: str) -> None:
    redis.set(PREFIX + key_of(vendor.login()), shared)
    quotas, _ = process()

    assert quotas.limits(vendor.login(), secrets) == CAUTIOUS


def test_what_processes_know_is_shown_without_asking(vendor: Vendor, process: Process) -> None:
    quotas, _ = process()
    before = quotas.known(vendor.login())
    quotas.limits(vendor.login(), secrets)

    assert (before, quotas.known(vendor.login()), vendor.asked) == (None, QUOTA, 1)

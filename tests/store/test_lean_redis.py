"""Redis over one connection: posted commands, connections that end, a server that is away."""

import pytest
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from drumbeat import lean_redis
from drumbeat.lean_redis import LeanRedis
from drumbeat.local.servers import Valkey


@pytest.fixture
def lean(valkey: Valkey, redis: Redis) -> LeanRedis:
    return LeanRedis.at(valkey.url)


def hang_up(redis: Redis) -> None:
    """Have the server end every connection but the one that asks."""
    redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")  # type: ignore[no-untyped-call]


def test_a_posted_command_is_carried_out_before_the_next_one(lean: LeanRedis) -> None:
    lean.post("SET", "greeting", "hello")

    assert lean.get("greeting") == b"hello"


def test_a_posted_command_that_the_server_refuses_spoils_nothing(lean: LeanRedis) -> None:
    lean.set("text", "no number")
    lean.post("INCR", "text")
    lean.post("SET", "after", "done")

    assert (lean.get("text"), lean.get("after")) == (b"no number", b"done")


def test_a_refused_command_is_told_and_the_connection_goes_on(lean: LeanRedis) -> None:
    lean.set("text", "no number")

    with pytest.raises(ResponseError):
        lean.incr("text")

    assert lean.get("text") == b"no number"


def test_a_connection_that_ended_while_idle_is_replaced(
    lean: LeanRedis, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lean_redis, "IDLE", 0.0)
    lean.set("kept", "1")
    hang_up(redis)

    assert lean.get("kept") == b"1"


def test_a_connection_that_ends_under_a_command_is_told_and_the_next_one_is_new(lean: LeanRedis, redis: Redis) -> None:
    lean.set("kept", "1")
    hang_up(redis)

    with pytest.raises(RedisError):
        lean.get("kept")

    assert lean.get("kept") == b"1"


def test_answers_that_were_lost_with_their_connection_are_not_waited_for(lean: LeanRedis, redis: Redis) -> None:
    lean.set("kept", "1")
    hang_up(redis)
    lean.post("SET", "lost", "1")

    assert lean.get("kept") == b"1"


def test_a_server_that_is_away_is_an_error_and_nothing_else() -> None:
    away = LeanRedis.at("redis://127.0.0.1:1")

    with pytest.raises(RedisError):
        away.get("anything")
    with pytest.raises(RedisError):
        away.post("SET", "anything", "1")

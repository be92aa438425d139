"""Redis over one connection: posted commands, connections that end, a server that is unreachable."""

import pytest
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.local.servers import Valkey
from tests.conftest import PREFIX


def hang_up(redis: Redis) -> None:
    """Let the server end every connection but the one that asks."""
    redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")  # type: ignore[no-untyped-call]


def test_a_posted_command_is_carried_out_before_the_next_one(lean: LeanRedis) -> None:
    lean.post("SET", "greeting", "hello")

    assert lean.get("greeting") == b"hello"


def test_a_posted_command_that_the_server_refuses_spoils_nothing(lean: LeanRedis) -> None:
    lean.run("SET", "text", "no number")
    lean.post("ZADD", "text", 1, "member")
    lean.post("SET", "after", "done")

    assert (lean.get("text"), lean.get("after")) == (b"no number", b"done")


def test_a_value_is_written_for_a_time_and_with_nx_only_once(lean: LeanRedis, redis: Redis) -> None:
    written = [lean.set("once", value, ex=60, nx=True) for value in ("first", "second")]

    assert (written, lean.get("once"), lean.get("never")) == ([True, False], b"first", None)
    assert 0 < redis.ttl(PREFIX + "once") <= 60
    lean.delete("once")
    assert lean.get("once") is None


def test_a_refused_command_is_an_error_and_the_connection_goes_on(lean: LeanRedis) -> None:
    lean.run("SET", "text", "no number")

    with pytest.raises(ResponseError):
        lean.run("ZADD", "text", 1, "member")

    assert lean.get("text") == b"no number"


def test_commands_sent_together_are_answered_in_order_and_a_refusal_stops_none(lean: LeanRedis) -> None:
    lean.run("SET", "text", "no number")

    first, refused, last = lean.run_all([("GET", "text"), ("ZADD", "text", 1, "a"), ("ZADD", "number", 1, "a")])

    assert (first, last) == (b"no number", 1)
    assert isinstance(refused, ResponseError)


def test_everything_goes_over_one_connection_that_is_opened_when_first_used(valkey: Valkey, redis: Redis) -> None:
    def opened() -> int:
        return int(redis.info("stats")["total_connections_received"])

    before = opened()
    lean = LeanRedis.at(valkey.url, PREFIX)
    built = opened()
    lean.post("SET", "a", 1)
    lean.run_all([("GET", "a")] * 3)
    lean.run("PING")

    assert (built - before, opened() - built) == (0, 1)
    lean.close()


def test_a_connection_that_ended_while_idle_is_replaced(
    lean: LeanRedis, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drumbeat.infrastructure.redis.IDLE_CHECK_SECONDS", 0.0)
    lean.run("SET", "kept", "1")
    hang_up(redis)

    assert lean.get("kept") == b"1"


def test_a_connection_that_ends_under_a_command_is_an_error_and_the_next_one_is_new(
    lean: LeanRedis, redis: Redis
) -> None:
    lean.run("SET", "kept", "1")
    hang_up(redis)

    with pytest.raises(RedisError):
        lean.get("kept")

    assert lean.get("kept") == b"1"


def test_answers_that_were_lost_with_their_connection_are_not_waited_for(lean: LeanRedis, redis: Redis) -> None:
    lean.run("SET", "kept", "1")
    hang_up(redis)
    lean.post("SET", "lost", "1")

    assert lean.get("kept") == b"1"


def test_an_unreachable_server_is_an_error_and_nothing_else() -> None:
    unreachable = LeanRedis.at("redis://127.0.0.1:1", PREFIX)

    with pytest.raises(RedisError):
        unreachable.get("anything")
    with pytest.raises(RedisError):
        unreachable.post("SET", "anything", "1")
    with pytest.raises(RedisError):
        unreachable.run_all([("PING",), ("PING",)])


def test_a_server_that_stays_silent_is_an_error_and_its_late_answer_is_no_others(lean: LeanRedis, redis: Redis) -> None:
    lean.run("SET", "kept", "1")
    lean.run("PING")
    redis.client_pause(600)

    with pytest.raises(RedisError):
        lean.run("PING")

    redis.client_unpause()
    assert lean.get("kept") == b"1"

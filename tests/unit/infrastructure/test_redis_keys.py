"""Where commands name their keys, and that each of these gets the prefix."""

from collections.abc import Iterable, Sequence

import pytest
from redis.exceptions import RedisError

from drumbeat.infrastructure.redis import Argument, LeanRedis, PlainText, SharedKey

PREFIX = "drumbeat:0123456789ab:"


class Recorder:
    """A connection of redis-py that keeps what is sent."""

    is_connected = False

    def __init__(self) -> None:
        self.sent: list[Sequence[Argument]] = []

    def pack_commands(self, commands: Iterable[Sequence[Argument]]) -> list[Sequence[Argument]]:
        return list(commands)

    def send_packed_command(self, commands: list[Sequence[Argument]], *, check_health: bool) -> None:
        assert not check_health
        self.sent += commands

    def read_response(self) -> bytes:
        return b"OK"


@pytest.fixture
def connection() -> Recorder:
    return Recorder()


@pytest.fixture
def redis(connection: Recorder) -> LeanRedis:
    return LeanRedis(connection, PREFIX)


@pytest.mark.parametrize(
    ("command", "sent"),
    [
        (("PING",), ["PING"]),
        (("GET", "a"), ["GET", f"{PREFIX}a"]),
        (("get", "a"), ["get", f"{PREFIX}a"]),
        (("SET", "a", "a", "EX", 5), ["SET", f"{PREFIX}a", "a", "EX", 5]),
        (("DEL", "a", "b"), ["DEL", f"{PREFIX}a", f"{PREFIX}b"]),
        (("ZADD", "a", 1, "b"), ["ZADD", f"{PREFIX}a", 1, "b"]),
        (("ZADD", SharedKey("all"), 1, "b"), ["ZADD", "all", 1, "b"]),
        (("EVAL", "text", 1, "a", "b"), ["EVAL", "text", 1, f"{PREFIX}a", "b"]),
        (("EVALSHA", "sha", 2, "a", "b", "c"), ["EVALSHA", "sha", 2, f"{PREFIX}a", f"{PREFIX}b", "c"]),
        (("EVAL", "text", 0, "a"), ["EVAL", "text", 0, "a"]),
    ],
)
def test_each_key_of_a_command_gets_the_prefix_and_nothing_else_does(
    redis: LeanRedis, connection: Recorder, command: Sequence[Argument], sent: list[Argument]
) -> None:
    redis.run(*command)

    assert connection.sent == [sent]


def test_the_short_forms_get_it_too(redis: LeanRedis, connection: Recorder) -> None:
    redis.get("a")
    redis.set("a", "b", ex=5, nx=True)
    redis.set("a", "b")
    redis.delete("a")
    redis.run_all([("GET", "a"), ("ZSCORE", "a", "b")])

    assert [command[1] for command in connection.sent] == [f"{PREFIX}a"] * 6


@pytest.mark.parametrize("command", [("FLUSHALL",), ("KEYS", "*"), ("RENAME", "a", "b"), ("XADD", "a", "*")])
def test_a_command_whose_keys_are_not_known_is_never_sent(
    redis: LeanRedis, connection: Recorder, command: Sequence[Argument]
) -> None:
    for send in (redis.run, redis.post, lambda *one: redis.run_all([("GET", "a"), one])):
        with pytest.raises(RuntimeError, match=str(command[0])):
            send(*command)

    assert connection.sent == []


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("redis://cache.example.com", True),
        ("redis://8.8.8.8", True),
        ("redis://?host=cache.example.com", True),
        ("redis://cache", False),
        ("redis://10.0.0.7:6379", False),
        ("redis://127.0.0.1.example.com", False),
        ("redis://my.abc.euc1.cache.amazonaws.com", False),
    ],
)
def test_no_password_and_no_id_goes_to_another_machine_without_tls(url: str, local: bool) -> None:
    client = LeanRedis.at(url, PREFIX, local=local)

    for use in (lambda: client.run("PING"), lambda: client.post("DEL", "x"), lambda: client.run_all([("GET", "x")])):
        with pytest.raises(PlainText, match="rediss://"):
            use()
    with pytest.raises(RedisError):
        client.get("x")


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("rediss://cache.example.com", False),
        ("redis://127.0.0.1:6379", False),
        ("redis://localhost", False),
        ("redis://[::1]:6379", False),
        ("unix:///run/valkey.sock", False),
        ("redis://cache", True),
        ("redis://10.0.0.7", True),
    ],
)
def test_tls_this_machine_and_one_beside_a_local_stack_are_good(url: str, local: bool) -> None:
    assert not LeanRedis.at(url, PREFIX, local=local).refused

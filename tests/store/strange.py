"""What another program may have left under a key: each kind of value that Redis knows, and texts of no form of ours."""

from collections.abc import Callable, Mapping

from redis import Redis

STRANGE: Mapping[str, Callable[[Redis, str], object]] = {
    "text": lambda redis, key: redis.set(key, "no JSON"),
    "bytes": lambda redis, key: redis.set(key, b"\xff\xfe\x00"),
    "empty": lambda redis, key: redis.set(key, ""),
    "null": lambda redis, key: redis.set(key, "null"),
    "number": lambda redis, key: redis.set(key, "1"),
    "list of JSON": lambda redis, key: redis.set(key, "[]"),
    "object": lambda redis, key: redis.set(key, '{"shop": "open"}'),
    "nested": lambda redis, key: redis.set(key, "[" * 100_000),
    "hash": lambda redis, key: redis.hset(key, mapping={b"\xff": b"\xff", "reason": b"\xff", "limits": "x"}),
    "list": lambda redis, key: redis.rpush(key, b"\xff"),
    "set": lambda redis, key: redis.sadd(key, b"\xff"),
    "sorted set": lambda redis, key: redis.zadd(key, {b"\xff": 1}),
    "stream": lambda redis, key: redis.xadd(key, {b"\xff": b"\xff"}),
}

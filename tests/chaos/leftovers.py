"""Everything that a stack keeps, as text: to look for what must not be in it."""

import json
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

import psycopg
from psycopg import sql
from redis import Redis

from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.wakeups.queue import Queue

HIDDEN_SECONDS = 2  # for which a message that was looked at is kept from others
OTHERS = {"sandbox", "ministack"}  # folders of what providers and AWS keep themselves; queues are asked

type Kept = tuple[str, str]  # where, and what


def holding(words: Collection[str], kept: Iterator[Kept]) -> Iterator[str]:
    """Yield where one of these words is kept, with what is around it."""
    for where, text in kept:
        for word in words:
            if (at := text.find(word)) >= 0:
                yield f"{where}: …{text[max(0, at - 60) : at + 60]}…"


def in_ledger(url: str) -> Iterator[Kept]:
    """Yield each row of each table, with its bytes as what they say, compressed or not."""
    with psycopg.connect(url, autocommit=True) as owner:
        tables = owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
        for (table,) in tables:
            rows = owner.execute(sql.SQL("SELECT to_jsonb(t) FROM {} AS t").format(sql.Identifier(table)))
            for (columns,) in rows:
                yield f"table {table}", " ".join(f"{name} {_read(value)}" for name, value in columns.items())


def in_redis(redis: "Redis") -> Iterator[Kept]:
    """Yield each key and all that is under it."""
    for key in redis.scan_iter(count=1000):
        match redis.type(key):
            case b"hash":
                value: object = redis.hgetall(key)
            case b"zset":
                value = redis.zrange(key, 0, -1)
            case b"set":
                value = redis.smembers(key)
            case b"list":
                value = redis.lrange(key, 0, -1)
            case b"stream":
                value = redis.xrange(key)
            case _:
                value = redis.get(key)
        yield "Redis", f"{key!r} {value!r}"


def in_queues(sqs: Sqs) -> Iterator[Kept]:
    """Yield each message of each queue that can be received; a moment later all of them can be again."""
    for url in sqs.call("ListQueues").get("QueueUrls", ()):
        queue = Queue(sqs, sqs.call("GetQueueUrl", QueueName=url.rpartition("/")[2])["QueueUrl"])
        while messages := queue.receive(hidden=HIDDEN_SECONDS):
            for message in messages:
                yield f"queue {url.rpartition('/')[2]}", message.body


def in_files(folder: Path) -> Iterator[Kept]:
    """Yield each file of a stack's folder but those that stand for what providers and AWS keep."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not OTHERS & set(file.relative_to(folder).parts):
            yield f"file {file.relative_to(folder)}", file.read_bytes().decode(errors="replace")


def _read(value: object) -> str:
    """Return a column's value as text; bytes come as hex."""
    if not isinstance(value, str) or not value.startswith("\\x"):
        return json.dumps(value, ensure_ascii=False)
    raw = bytes.fromhex(value[2:])
    try:
        return zlib.decompress(raw).decode(errors="replace")
    except zlib.error:
        return raw.decode(errors="replace")

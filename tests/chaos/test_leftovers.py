"""What a stack keeps of a word is found: in a table's text and bytes, in Redis, in a queue, in a log."""

import zlib
from pathlib import Path

import pytest
from redis import Redis

from drumbeat.ledger.database import Database
from drumbeat.local.stack import local_sqs
from drumbeat.wakeups.queue import Queue
from tests.chaos import leftovers
from tests.conftest import TestDatabase
from tests.flow.stacks import eventually

WORD = "zq7word"


@pytest.mark.parametrize("body", [WORD.encode(), zlib.compress(WORD.encode())])
def test_a_table_that_holds_it_as_bytes_is_found(database: TestDatabase, owner: Database, body: bytes) -> None:
    owner.run("CREATE TABLE notes (id int, body bytea)")
    owner.run("INSERT INTO notes VALUES (1, %s)", (body,))

    found = list(leftovers.holding([WORD], leftovers.in_ledger(database.admin_url)))

    assert [where.partition(":")[0] for where in found] == ["table notes"]


def test_a_table_that_holds_it_inside_of_json_is_found(database: TestDatabase, owner: Database) -> None:
    owner.run("CREATE TABLE notes (id int, said jsonb)")
    owner.run("""INSERT INTO notes VALUES (1, '{"name": {"v": "zq7word"}}')""")

    assert len(list(leftovers.holding([WORD], leftovers.in_ledger(database.admin_url)))) == 1


def test_redis_is_read_whatever_is_under_a_key(redis: Redis) -> None:
    redis.set(f"a:{WORD}", "1")
    redis.set("b", WORD)
    redis.hset("c", WORD, "1")
    redis.zadd("d", {WORD: 1})
    redis.sadd("e", WORD)
    redis.rpush("f", WORD)
    redis.xadd("g", {"said": WORD})
    redis.set("h", "other")

    assert len(list(leftovers.holding([WORD], leftovers.in_redis(redis)))) == 7


def test_each_message_of_each_queue_is_read_and_stays(sqs_endpoint: str) -> None:
    sqs = local_sqs(sqs_endpoint)
    queue = Queue(sqs, sqs.call("CreateQueue", QueueName="Leftovers")["QueueUrl"])
    for number in range(12):
        queue.put(f"{WORD} {number}")

    found = list(leftovers.holding([WORD], leftovers.in_queues(sqs)))

    assert len(found) == 12
    eventually(lambda: len(list(leftovers.holding([WORD], leftovers.in_queues(sqs)))) == 12)
    queue.purge()
    sqs.close()


def test_logs_are_read_and_what_providers_keep_is_not(tmp_path: Path) -> None:
    for name in ("logs/worker.log", "sandbox/record.jsonl", "ministack/state", "said"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"sent to {WORD}@example.com")

    found = list(leftovers.holding([WORD], leftovers.in_files(tmp_path)))

    assert [where.partition(":")[0] for where in found] == ["file logs/worker.log", "file said"]

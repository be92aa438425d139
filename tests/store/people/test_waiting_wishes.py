"""While the ledger is unreachable a wish waits in its queue, and the flag holds marketing."""

import json
import uuid
from datetime import UTC, datetime

import pytest

from drumbeat.core.errors import Unavailable
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.ingest.door import BUFFERED, DEGRADED, Door
from drumbeat.operations import doctor
from drumbeat.people import waiting_wishes, wishes
from drumbeat.people.wishes import Taken
from drumbeat.wakeups import wishes_flag
from drumbeat.wakeups.queue import Queue
from tests.conftest import PREFIX, TestDatabase
from tests.store.people.conftest import confirming, leaving

NOW = datetime(2026, 1, 20, 12, 30, 1, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _away(database: TestDatabase) -> None:
    database.url = "postgresql://127.0.0.1:1/none"


def flag_of(door: Door) -> bytes | None:
    return door.services.redis.get(wishes_flag.KEY)


@pytest.mark.parametrize(
    "wish",
    [
        leaving(uuid.uuid4(), at=NOW),
        leaving(uuid.uuid4(), "news", "*", at=NOW),
        leaving(uuid.uuid4(), None, "news", at=NOW),
        confirming(uuid.uuid4(), at=NOW),
    ],
)
def test_a_wish_waits_as_it_was_made(door: Door, wish: wishes.Wish) -> None:
    counted: dict[str, int] = {}
    counting = Door(door.services, lambda name, number: counted.update({name: number}))

    assert wishes.take(wish, counting) is Taken.WAITING

    (message,) = door.services.wishes.receive()
    assert waiting_wishes.loads(message.body) == wish
    assert flag_of(door) is not None
    assert counted == {BUFFERED: 1}


def test_the_flag_has_another_value_after_the_send(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a relay that read it, and found the queue empty, does not clear it."""
    before: list[bytes | None] = []
    put = Queue.put

    def watched(self: Queue, body: str) -> None:
        before.append(flag_of(door))
        put(self, body)

    monkeypatch.setattr(Queue, "put", watched)
    wishes.take(leaving(uuid.uuid4(), at=NOW), door)

    assert None not in before
    assert flag_of(door) not in (None, *before)
    assert not door.services.wishes_flag.clear(before[0] or b"")
    assert door.services.wishes_flag.clear(flag_of(door) or b"")
    assert flag_of(door) is None


def test_without_redis_it_waits_in_the_queue_alone(door: Door) -> None:
    door.services.redis.close()
    door.services.redis = LeanRedis.at("redis://127.0.0.1:1", PREFIX)
    counted: list[str] = []

    taken = wishes.take(leaving(uuid.uuid4(), at=NOW), Door(door.services, lambda name, _: counted.append(name)))

    assert taken is Taken.WAITING
    assert counted == [BUFFERED, DEGRADED]
    assert door.services.wishes.count() == 1


def test_what_neither_ledger_nor_queue_takes_is_not_promised(door: Door) -> None:
    door.services.__dict__["wishes"] = Queue(Sqs("us-east-1", "http://127.0.0.1:1"), "http://127.0.0.1:1/q")

    with pytest.raises(Unavailable, match="press the button again"):
        wishes.take(leaving(uuid.uuid4(), at=NOW), door)


def test_the_doctor_says_how_many_wait(door: Door) -> None:
    for _ in range(2):
        wishes.take(leaving(uuid.uuid4(), at=NOW), door)

    (check,) = [each for each in doctor.connections(door.services) if each.name == "wishes queue"]

    assert not check.ok
    assert check.detail == "2 wait, and so does marketing; nothing is lost"


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"v": 1}', '{"v": 1, "wish": []}', "[" * 100_000])
def test_what_is_no_wish_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        waiting_wishes.loads(text)


def test_a_wish_of_another_version_is_refused() -> None:
    whole = json.loads(waiting_wishes.dumps(leaving(uuid.uuid4(), at=NOW)))

    waiting_wishes.loads(json.dumps(whole))
    for version in (2, "1", None):
        with pytest.raises(ValueError, match="another version"):
            waiting_wishes.loads(json.dumps(whole | {"v": version}))


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "stay"}, {"mail": "x"}, {"id": "y"}, {"lists": 1}, {"receivedAt": "now"}, {"evidence": []}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_wish_with_a_field_that_is_none_of_its_kind_or_missing_is_refused(wrong: dict[str, object]) -> None:
    message = json.loads(waiting_wishes.dumps(leaving(uuid.uuid4(), at=NOW)))
    without = {name: value for name, value in message["wish"].items() if name not in wrong}

    for wish in (message["wish"] | wrong, without):
        with pytest.raises(ValueError, match=r"."):
            waiting_wishes.loads(json.dumps(message | {"wish": wish}))

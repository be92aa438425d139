"""A batch of the largest bodies fits a worker's memory many times over."""

import json
import subprocess
import sys
from typing import Any

import pytest

from drumbeat.delivery.budget import EFFECTS_PER_BATCH, EVENTS_PER_BATCH
from drumbeat.ledger.database import Database
from drumbeat.local.servers import Valkey
from drumbeat.sources.signature import MAX_DELIVERY_BYTES
from tests.conftest import ROOT, TestDatabase
from tests.store.delivery.workers import Worker, effect
from tests.store.rows import as_json, recorded

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]
MOST_MIB = 128  # beside what the process takes anyway; a function has 512 in all
BODY = as_json({"type": "LEAD_CAPTURE", "source": "test", "payload": {"much": ""}})


def delivered(database: TestDatabase, valkey: Valkey, **what: list[str]) -> Any:
    """Deliver in a process of its own; return the peak of its memory and what became of it."""
    environment = {
        "DRUMBEAT_LOCAL": "1",
        "DATABASE_URL": database.url,
        "DRUMBEAT_SECRET": "for tests",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.store.delivery.peak_memory"],
        input=json.dumps({"environment": environment, "redis": valkey.url, "events": [], "effects": [], **what}),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"SIGNING_KEY": "secret", "PATH": ""},
        check=True,
    )
    answer = json.loads(done.stdout)
    print(f"{answer['mib']} MiB beside what the process takes anyway")
    return answer


@pytest.fixture
def with_large_bodies(owner: Database) -> Any:
    """Make every body as large as may arrive."""

    def grow() -> None:
        owner.run(
            "UPDATE payloads SET body = convert_to(replace(convert_from(body, 'UTF8'), '\"\"',"
            " '\"' || repeat('x', %s) || '\"'), 'UTF8')",
            (MAX_DELIVERY_BYTES - len(BODY),),
        )

    return grow


def test_planning_the_largest_events_takes_little_memory(
    worker: Worker, database: TestDatabase, valkey: Valkey, with_large_bodies: Any
) -> None:
    events = [str(recorded(worker.db, body=BODY)) for _ in range(EVENTS_PER_BATCH)]
    with_large_bodies()

    done = delivered(database, valkey, events=events)

    assert done["counts"] == {"sending": 2 * EVENTS_PER_BATCH, "accepted": 2 * EVENTS_PER_BATCH}
    assert done["mib"] < MOST_MIB


def test_carrying_out_effects_of_the_largest_events_takes_little_memory(
    worker: Worker, database: TestDatabase, valkey: Valkey, with_large_bodies: Any
) -> None:
    effects = [str(effect(worker.db, body=BODY)) for _ in range(EFFECTS_PER_BATCH)]
    with_large_bodies()

    done = delivered(database, valkey, effects=effects)

    assert done["counts"] == {"sending": EFFECTS_PER_BATCH, "accepted": EFFECTS_PER_BATCH}
    assert done["mib"] < MOST_MIB

"""When each fault happens: the same seed gives the same faults at the same times."""

import signal
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from random import Random

from tests.chaos.faults import STOPPED, Faults
from tests.flow.stacks import ROOT

UPGRADE, ROLLBACK = "the present code", "the release before"

WORKER_KILLED = "worker killed"
# How often each fault happens while a hundred workers are killed, and at least once.
OCCURRENCES: Mapping[str, tuple[float, Callable[[Faults], None]]] = {
    WORKER_KILLED: (100, lambda faults: faults.kill_worker()),
    "worker frozen": (4, lambda faults: faults.freeze_worker()),
    "ingest killed": (8, lambda faults: faults.kill("ingest-1")),
    "ingest frozen": (3, lambda faults: faults.freeze("ingest-2", 3, 12)),
    "relay killed": (4, lambda faults: faults.kill("relay")),
    "relay frozen": (1, lambda faults: faults.freeze("relay", 5, 20)),
    "poller killed": (3, lambda faults: faults.kill("poller")),
    "poller frozen": (1, lambda faults: faults.freeze("poller", 5, 20)),
    "front killed": (3, lambda faults: faults.kill("front")),
    "console killed": (1, lambda faults: faults.kill("console-1")),
    "schedules killed": (1, lambda faults: faults.kill("schedules")),
    "sandbox killed": (2, lambda faults: faults.kill("sandbox")),
    "sandbox frozen": (2, lambda faults: faults.freeze("sandbox", 2, 8)),
    "valkey killed": (3, lambda faults: faults.kill("valkey")),
    "valkey frozen": (3, lambda faults: faults.freeze("valkey", 1, 6)),
    "valkey flushed": (6, lambda faults: faults.flush_valkey()),
    "postgres restarted": (2, lambda faults: faults.lose_postgres(signal.SIGINT)),
    "postgres killed": (2, lambda faults: faults.lose_postgres(signal.SIGKILL)),
    "postgres silent": (4, lambda faults: faults.stall()),
    "cut": (150, lambda faults: faults.cut()),
    "queue restarted": (1, lambda faults: faults.restart_queue()),
    "ministack frozen": (2, lambda faults: faults.freeze("ministack", 2, 8)),
    "queue purged": (5, lambda faults: faults.purge()),
    "wake-ups duplicated": (40, lambda faults: faults.duplicate()),
    "provider faults begun": (80, lambda faults: faults.provider_fault()),
    STOPPED: (4, lambda faults: faults.stop_everything()),
    "configuration applied": (3, lambda faults: faults.apply()),
}
MIN_KILLS_FOR_EVERY_FAULT = 100  # with so many, each fault is expected to have happened


def schedule(faults: Faults, names: Collection[str], kills: int, seconds: float, random: Random) -> None:
    """Spread the faults of these names over the time, except its first and last two percent."""
    for share, fault in (OCCURRENCES[name] for name in names):
        for _ in range(max(1, round(share * kills / 100)) if kills else 0):
            faults.later(random.uniform(0.02, 0.98) * seconds, lambda fault=fault: fault(faults))  # type: ignore[misc]


def schedule_upgrade(faults: Faults, seconds: float, code: Path) -> None:
    """Spread an upgrade from this code, its rollback and another upgrade over the time."""
    faults.later(0.15 * seconds, faults.migrate)
    for share, target, name in ((0.3, ROOT, UPGRADE), (0.5, code, ROLLBACK), (0.7, ROOT, UPGRADE)):
        faults.later(share * seconds, lambda target=target, name=name: faults.deploy(target, name))  # type: ignore[misc]


def missed(counts: Mapping[str, int], names: Collection[str], kills: int) -> list[str]:
    """Return those that never happened though there was time: a trial without them proves less than it says."""
    return [
        name
        for name in names
        if kills >= MIN_KILLS_FOR_EVERY_FAULT and not any(done.startswith(name) for done in counts)
    ]

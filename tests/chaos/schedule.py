"""When what goes wrong: the same seed gives the same order of faults at the same times."""

import signal
from collections.abc import Callable, Mapping
from random import Random

from tests.chaos.faults import Faults

# How often each thing happens while a hundred workers are killed, and at least once.
SHARES: Mapping[str, tuple[float, Callable[[Faults], None]]] = {
    "worker killed": (100, lambda faults: faults.kill_worker()),
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
    "doorbells doubled": (40, lambda faults: faults.double()),
    "lies begun": (80, lambda faults: faults.lie()),
    "configuration applied": (3, lambda faults: faults.apply()),
}
ALL = 100  # kills from which on each fault is expected to have found its victim


def schedule(faults: Faults, kills: int, seconds: float, random: Random) -> None:
    """Spread everything over the time, all but its edges."""
    for share, fault in SHARES.values():
        for _ in range(max(1, round(share * kills / 100)) if kills else 0):
            faults.later(random.uniform(0.02, 0.98) * seconds, lambda fault=fault: fault(faults))  # type: ignore[misc]


def missed(counts: Mapping[str, int], kills: int) -> list[str]:
    """Name what did not happen once, though there was time enough: a trial without it proves less than it says."""
    return [name for name in SHARES if kills >= ALL and not any(done.startswith(name) for done in counts)]

"""The phases: what is done to a running system, and the resulting figures."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from bench.load import Posted
from bench.servers import ROOT, Sighting
from bench.system import System

CONNECTIONS = 32
BATCH = 100
FAST, SLOW = 0.005, 0.100  # the provider's latency, seconds
LIES = 0.05
CRASH_RATE = 50.0  # events a second
TAIL_SECONDS = 0.5  # after the last result, for what is still acknowledged then
POLL_SECONDS = 0.2  # between two checks of the system's progress

type Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    """How much a run does."""

    burst: int = 5000
    warm: int = 200
    seconds: float = 15.0  # of each load at a fixed rate
    crash: int = 1000
    lies: int = 1000
    twice: int = 100
    kills: int = 20
    mails: int = 20_000  # of one mailing


QUICK = Size(burst=500, warm=100, seconds=3.0, twice=50, mails=1000)


def warm(system: System, size: Size) -> None:
    """Make every process import, connect and compile what it needs."""
    _run(system, "warm", size.warm, limit=60)


def burst(system: System, size: Size, batch: int = 1) -> Figures:
    """N events as fast as the API takes them."""
    before = system.cpu()
    run = _run(system, f"burst{batch}", size.burst, batch=batch, connections=CONNECTIONS if batch == 1 else 4)
    time.sleep(TAIL_SECONDS)
    return {
        "events/s": size.burst / (run.end - run.begin) if run.finished else 0.0,
        "accepted/s": size.burst / (max(one.answered for one in run.posted) - run.begin),
        "CPU-s/1,000": spent(before, system.cpu(), size.burst),
        **_losses(run),
    }


def steady(system: System, size: Size, rate: float) -> Figures:
    """Events at a fixed rate: how long the POST takes, and how long until the provider is called; milliseconds."""
    before = system.cpu()
    run = steady_run(system, size, rate)
    time.sleep(TAIL_SECONDS)
    first = run.sightings
    posted = [one for one in run.posted if one.id in first]
    return {
        "POST ms": spread([(one.answered - one.due) * 1000 for one in run.posted]),
        "POST to provider ms": spread([(first[one.id].first - one.due) * 1000 for one in posted]),
        "202 to provider ms": spread([(first[one.id].first - one.answered) * 1000 for one in posted]),
        "CPU-s/1,000": spent(before, system.cpu(), len(run.posted)),
        **_losses(run),
    }


def steady_run(system: System, size: Size, rate: float) -> "Run":
    """Send events at a fixed rate and wait for them."""
    return _run(system, f"steady{rate:g}", int(rate * size.seconds), rate=rate)


def twice(system: System, size: Size) -> Figures:
    """Each event POSTed twice at the same time, under one idempotency key."""
    run = _run(system, "twice", size.twice, copies=2)
    time.sleep(2.0)
    sent = sum(sighting.accepted for id, sighting in system.witness.sightings().items() if id in run.ids)
    return {"posted": size.twice, "sent": sent, "statuses": sorted({one.status for one in run.posted})}


def lies(system: System, size: Size, recovery: float) -> Figures:
    """The provider accepts and answers 500, in a share of the calls."""
    run = _run(system, "lies", size.lies, lies=LIES, limit=recovery)
    return {"took s": run.end - run.begin, **_losses(run)}


def crash(system: System, size: Size, recovery: float) -> Figures:
    """A worker is killed again and again under load, with calls under way."""
    random = Random(5)

    def kills() -> int:
        time.sleep(1.0)
        done = 0
        until = time.monotonic() + 3 * size.kills
        while done < size.kills and time.monotonic() < until:
            done += system.kill_worker(random)
            time.sleep(random.uniform(0.4, 1.4))
        return done

    run = _run(system, "crash", size.crash, rate=CRASH_RATE, latency=SLOW, limit=recovery, meanwhile=kills)
    last_post = max(one.due for one in run.posted)
    waits = [sighting.first - one.due for one in run.posted if (sighting := run.sightings.get(one.id))]
    return {
        "kills": run.meanwhile,
        "recovered s": max(0.0, run.end - last_post) if run.finished else None,
        "longest wait s": max(waits),
        **_losses(run),
    }


@dataclass(slots=True)
class Run:
    """The result of one load."""

    ids: set[str]
    begin: float
    end: float  # the last status stored; when it did not finish: when we stopped waiting
    finished: bool
    undone: int
    posted: list[Posted]
    sightings: Mapping[str, Sighting]
    meanwhile: Any = None


def _run(
    system: System,
    name: str,
    number: int,
    *,
    batch: int = 1,
    rate: float | None = None,
    connections: int = CONNECTIONS,
    copies: int = 1,
    latency: float = FAST,
    lies: float = 0.0,
    limit: float = 180.0,
    meanwhile: Any = None,
) -> Run:
    """Send a load and wait until the provider has every accepted event and its status is stored, or time is up."""
    ids = [f"{name}-{one:06d}" for one in range(number)]
    system.witness.begin(latency=latency, lies=lies)
    base = system.stored()
    order = system.order([id for id in ids for _ in range(copies)], batch=batch, rate=rate, connections=connections)
    load = subprocess.Popen(
        [sys.executable, "-m", "bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=os.environ
    )
    assert load.stdin is not None
    load.stdin.write(order.json())
    load.stdin.close()
    happened = meanwhile() if meanwhile else None
    assert load.stdout is not None
    posted = [Posted(*row) for row in json.load(load.stdout)]
    load.wait()
    accepted = {one.id for one in posted if one.accepted}
    until = time.monotonic() + limit
    while (stored := system.stored() - base) < len(accepted) and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
    finished = stored >= len(accepted)
    return Run(
        ids=set(ids),
        begin=min(one.sent for one in posted),
        end=system.last_stored() if finished else time.time(),
        finished=finished,
        undone=len(accepted) - stored,
        posted=posted,
        sightings=system.witness.sightings(),
        meanwhile=happened,
    )


def _losses(run: Run) -> Figures:
    """Count what went wrong, by the provider's own log."""
    accepted = {one.id for one in run.posted if one.accepted}
    seen = [sighting for id, sighting in run.sightings.items() if id in run.ids]
    return {
        "refused": len(run.ids) - len(accepted),
        "lost": sum(1 for id in accepted if id not in run.sightings or not run.sightings[id].accepted),
        "doubled": sum(max(0, sighting.accepted - 1) for sighting in seen),
        "repeats": sum(sighting.calls - 1 for sighting in seen),
        "not stored": run.undone,
    }


def spent(before: Mapping[str, float], after: Mapping[str, float], events: int) -> dict[str, float]:
    """Return the CPU seconds for 1,000 events, by group and in all; a group in brackets does not count."""
    spent = {group: (after[group] - before[group]) * 1000 / events for group in after}
    return {**spent, "all": sum(value for group, value in spent.items() if not group.startswith("("))}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median and the 99th percentile."""
    ordered = sorted(values)
    return {"p50": statistics.median(ordered), "p99": ordered[int(len(ordered) * 0.99)]} if ordered else {}

"""Delivers what it is given in a process of its own, and prints the most memory that this took, in MiB."""

import json
import sys
from pathlib import Path
from uuid import UUID

from drumbeat.infrastructure.settings import Settings
from tests.store.delivery.workers import Accepting, Pipelines, Silent, Worker


def main() -> None:
    """Read from stdin what to deliver, and where."""
    given = json.load(sys.stdin)
    worker = Worker(Settings.from_env(given["environment"]))
    worker.redis, worker.queue, worker.calls = Pipelines.at(given["redis"], worker.redis_prefix), Silent(), Accepting()
    worker.configuration(1)
    before = peak()
    done = worker.deliver(events=list(map(UUID, given["events"])), effects=list(map(UUID, given["effects"])))
    json.dump({"mib": peak() - before, "counts": done.counts}, sys.stdout)


def peak() -> int:
    """Return the most memory that was resident at once so far. (`ru_maxrss` would count the parent's, too.)"""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    main()

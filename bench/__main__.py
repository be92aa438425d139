"""Runs the bench and reports: python -m bench [--quick]

The systems take turns, each started again for each repeat with empty servers of its own; one mailing to many people
and the faults come last, once. The full run takes up to 30 minutes and writes docs/performance.md and docs/bench.json;
`--quick` up to 5, and only prints. Everything listens on loopback and is ended with the run.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import coldstart, mailing, phases, queue_time, report
from bench.ours import KEYED, SEARCHED, Drumbeat
from bench.peers import BIN, Celery, Procrastinate
from bench.results import Results
from bench.servers import Servers, environment
from bench.system import System

REPEATS = 3
INGEST, ORCHESTRATION = 100.0, 50.0  # events a second
TOTAL_SECONDS, QUICK_TOTAL_SECONDS = 30 * 60.0, 5 * 60.0
MAILING_SECONDS, QUICK_MAILING_SECONDS = 5 * 60.0, 60.0  # of the total, kept for the mailings
FAULTS_SECONDS = 11 * 60.0  # of the total, kept for the faults
RECOVERY_SECONDS = 150.0  # within which a system has to finish after a fault

type Start = Callable[[Servers], System]

SYSTEMS: dict[str, Start] = {"drumbeat": Drumbeat, "celery": Celery, "procrastinate": Procrastinate}
FAULTY: dict[str, Start] = {
    "drumbeat, keys": lambda servers: Drumbeat(servers, KEYED),
    "drumbeat, search": lambda servers: Drumbeat(servers, SEARCHED),
    "celery": lambda servers: Celery(servers, recovers=True),
    "procrastinate": lambda servers: Procrastinate(servers, recovers=True),
}


class Bench:
    """One run of everything, in a temporary folder."""

    def __init__(self, home: Path, size: phases.Size, results: Results) -> None:
        self._home = home
        self._size = size
        self._results = results
        self._folders = 0

    def speed(self, name: str, repeat: int) -> None:
        """Measure one system once."""
        size = self._size
        with self._started(SYSTEMS[name]) as system:
            phases.warm(system, size)
            self._note(name, "burst", repeat, phases.burst(system, size))
            if name == "drumbeat":
                self._note("drumbeat, batches", "burst", repeat, phases.burst(system, size, phases.BATCH))
            self._note(name, "ingest", repeat, phases.steady(system, size, INGEST))
            self._note(name, "orchestration", repeat, phases.steady(system, size, ORCHESTRATION))
            self._note(name, "twice", repeat, phases.twice(system, size))

    def queue(self, repeat: int) -> None:
        """Measure what part of Drumbeat's latency is the queue's own."""
        with self._servers() as servers, queue_time.tapped(servers) as (system, tap):
            phases.warm(system, self._size)
            self._note("drumbeat", "queue", repeat, queue_time.delivery(system, tap, self._size, ORCHESTRATION))

    def mailing(self, name: str) -> None:
        """Measure one mailing to many people."""
        with self._servers() as servers:
            self._note(name, "mailing", 0, mailing.measured(name, servers, self._size.mails))

    def faults(self, name: str, seconds: float) -> None:
        """Break one system in two ways, within about so many seconds."""
        until = time.monotonic() + seconds
        with self._started(FAULTY[name]) as system:
            phases.warm(system, self._size)
            self._note(name, "lies", 0, phases.lies(system, self._size, min(RECOVERY_SECONDS, seconds / 3)))
            left = until - time.monotonic() - self._size.crash / phases.CRASH_RATE
            self._note(name, "crash", 0, phases.crash(system, self._size, min(RECOVERY_SECONDS, max(30.0, left))))

    @contextmanager
    def _started(self, start: Start) -> Iterator[System]:
        with self._servers() as servers:
            system = start(servers)
            try:
                yield system
            finally:
                system.stop()

    def _servers(self) -> Servers:
        self._folders += 1
        return Servers(self._home / str(self._folders), environment())

    def cold(self) -> None:
        """Measure how the functions start under Lambda's own runtime."""
        self._folders += 1
        home = self._home / str(self._folders)
        home.mkdir()
        for function, figures in coldstart.measure(home):
            self._note(function, "cold start", 0, figures)

    def _note(self, system: str, phase: str, repeat: int, figures: phases.Figures) -> None:
        self._results.add(system, phase, repeat, figures)
        _log(f"{system}: {phase} {report.brief(figures)}")


def main() -> None:
    """Read the arguments, run, report."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--quick", action="store_true", help="small loads, no faults, nothing written")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--system", action="append", choices=list(SYSTEMS), help="only these (nothing is written)")
    options = parser.parse_args()
    if not BIN.exists():
        sys.exit("the peers are not installed; `make bench` does that")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal; nothing was written"))
    started = time.monotonic()
    size = phases.QUICK if options.quick else phases.Size()
    results = Results(size)
    chosen = options.system or list(SYSTEMS)
    with tempfile.TemporaryDirectory(prefix="drumbeat-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # Postgres runs as a user of its own
        bench = Bench(Path(folder), size, results)
        limit = TOTAL_SECONDS - FAULTS_SECONDS - MAILING_SECONDS
        if options.quick:
            limit = QUICK_TOTAL_SECONDS - QUICK_MAILING_SECONDS
        longest = 0.0
        for repeat in range(options.repeats):
            begun = time.monotonic()
            if begun + longest > started + limit:
                _log(f"this machine is slow today: {repeat} repeats instead of {options.repeats}")
                break
            for name in chosen:
                bench.speed(name, repeat)
            if "drumbeat" in chosen:
                bench.queue(repeat)
            results.repeats = repeat + 1
            longest = max(longest, time.monotonic() - begun)
        for name in chosen:
            bench.mailing(name)
        faulty = [] if options.quick else [name for name in FAULTY if name.partition(",")[0] in chosen]
        for done, name in enumerate(faulty):
            bench.faults(name, (started + TOTAL_SECONDS - time.monotonic()) / (len(faulty) - done))
        if "drumbeat" in chosen and not options.quick:
            bench.cold()
    results.took = time.monotonic() - started
    print(report.markdown(results))
    if not options.quick and not options.system:
        report.write(results)
        _log("written to docs/performance.md and docs/bench.json")


def _log(message: str) -> None:
    print(f"bench: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

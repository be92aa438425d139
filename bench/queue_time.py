"""How long an event is in the queue, and how long Drumbeat itself takes from there to the provider."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.lead import SOURCE
from bench.ours import Drumbeat
from bench.phases import Figures, Size, spread, steady_run
from bench.servers import Program, Servers, call
from drumbeat.core import ids
from drumbeat.local.servers import MiniStack, free_port


@contextmanager
def tapped(servers: Servers) -> Iterator[tuple[Drumbeat, str]]:
    """Yield Drumbeat with its queue behind a tap, and the tap's address."""
    port = free_port()
    with MiniStack(servers.home / "ministack") as queue:
        command = [sys.executable, "-m", "bench.tap", "--port", str(port), "--upstream", str(queue.port)]
        tap = Program(command, servers.home / "tap.log", servers.environment)
        try:
            tap.wait_for_port(port)
            system = Drumbeat(servers, sqs_endpoint=f"http://127.0.0.1:{port}")
            try:
                yield system, f"http://127.0.0.1:{port}/_tap"
            finally:
                system.stop()
        finally:
            tap.stop()


def delivery(system: Drumbeat, tap: str, size: Size, rate: float) -> Figures:
    """Events at a fixed rate: the queue's own delivery, and from its handing out to the provider; milliseconds."""
    run = steady_run(system, size, rate)
    went = call(tap)
    queued, worked = [], []
    for name, sighting in run.sightings.items():
        entered, left = went.get(str(ids.event_id(SOURCE, name)), (0.0, None))
        if name in run.ids and left is not None:
            queued.append((left - entered) * 1000)
            worked.append((sighting.first - left) * 1000)
    return {"queue ms": spread(queued), "queue to provider ms": spread(worked)}

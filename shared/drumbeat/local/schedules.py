"""The clock: takes EventBridge Scheduler's place. Functions that `template.yaml` gives a rate, and campaigns.

python -m drumbeat.local.schedules --template template.yaml --sockets run --every relay=5
"""

import argparse
import json
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from drumbeat.infrastructure.settings import Settings
from drumbeat.local.alarms import AlarmClock, Alarms, run
from drumbeat.local.frames import Handler, HandlerFailed, HandlerGone, Json
from drumbeat.local.template import Schedule, Template
from drumbeat.services import Services

CAMPAIGN = "campaign"  # the function that schedules of campaigns invoke
LOOK = 0.2  # seconds between looks for a handler that is not up


def tick(schedule: Schedule, handler: Handler, every: float, stopping: threading.Event) -> None:
    """Invoke at once and then at the rate; a turn that takes longer than the rate skips the turns it covers."""
    while not stopping.is_set():
        pause = every
        try:
            handler.connect()
        except HandlerGone:
            pause = min(LOOK, every)
        else:
            try:
                handler.invoke(occasion(schedule))
            except (HandlerGone, HandlerFailed) as error:
                print(f"{schedule.name}: {error}; the next turn repeats it", file=sys.stderr, flush=True)
        stopping.wait(pause)


def occasion(schedule: Schedule) -> Json:
    """Return the event that Scheduler would send: the schedule's own input, or its default."""
    if schedule.input is not None:
        return json.loads(schedule.input)
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "000000000000",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "us-east-1",
        "resources": [f"arn:aws:scheduler:us-east-1:000000000000:schedule/default/{schedule.name}"],
        "detail": "{}",
    }


def main() -> None:
    """Run every schedule until a signal ends it."""
    parser = argparse.ArgumentParser(prog="drumbeat.local.schedules")
    parser.add_argument("--template", type=Path, required=True)
    parser.add_argument("--sockets", type=Path, required=True)
    parser.add_argument("--every", action="append", default=[], metavar="FUNCTION=SECONDS", help="instead of its rate")
    options = parser.parse_args()
    rates = {name: float(seconds) for name, _, seconds in (part.partition("=") for part in options.every)}
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    for schedule in Template.load(options.template).schedules:
        handler = Handler(options.sockets / f"{schedule.function}.sock")
        every = rates.get(schedule.function, schedule.every)
        threading.Thread(target=tick, args=(schedule, handler, every, stopping), daemon=True).start()
    services = Services(Settings.from_env())
    if services.settings.schedule_group is None:
        stopping.wait()
        return
    clock = AlarmClock(Handler(options.sockets / f"{CAMPAIGN}.sock"), services.clock)
    run(Alarms(services.scheduler, services.settings.schedule_group), clock, stopping)


if __name__ == "__main__":
    main()

"""Takes EventBridge Scheduler's place: functions that `template.yaml` gives a rate, and campaigns.

python -m drumbeat.local.schedules --template template.yaml --sockets run --every relay=5
"""

import argparse
import json
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from drumbeat.infrastructure.settings import Settings
from drumbeat.local import steady_output
from drumbeat.local.campaign_schedules import CampaignSchedules, CampaignTimer, run
from drumbeat.local.frames import Handler, HandlerFailed, HandlerGone, Json
from drumbeat.local.template import Schedule, Template
from drumbeat.services import Services

CAMPAIGN = "campaign"  # the function that schedules of campaigns invoke
RECONNECT_SECONDS = 0.2  # between two tries to reach a handler that is not up


def tick(schedule: Schedule, handler: Handler, every: float, stopping: threading.Event) -> None:
    """Invoke at once and then at the rate; an invocation that takes longer than the rate skips those that it covers."""
    while not stopping.is_set():
        began = time.monotonic()
        pause = every
        try:
            handler.connect()
        except HandlerGone:
            pause = min(RECONNECT_SECONDS, every)
        else:
            try:
                handler.invoke(event_of(schedule))
            except (HandlerGone, HandlerFailed) as error:
                print(f"{schedule.name}: {error}; the next one repeats it", file=sys.stderr, flush=True)
            pause = every - (time.monotonic() - began) % every
        stopping.wait(pause)


def event_of(schedule: Schedule) -> Json:
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
    steady_output.install()
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
    timer = CampaignTimer(Handler(options.sockets / f"{CAMPAIGN}.sock"), services.clock)
    run(CampaignSchedules(services.scheduler, services.settings.schedule_group), timer, stopping)


if __name__ == "__main__":
    main()

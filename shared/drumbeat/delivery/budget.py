"""How much a worker takes at once; how long that may last is in `core/call_times.py`. A test checks that both fit."""

from datetime import timedelta

EVENTS_PER_BATCH = 32
EFFECTS_PER_BATCH = 32
EFFECTS_CLAIMED_WHEN_PLANNED = 48  # of one batch of events; the others are sent to the queue
BYTES_PER_BATCH = 8 * 1024 * 1024  # of bodies, and of requests: each is held several times on its way
LATE_PLANNING = timedelta(seconds=20)  # after it was recorded an event without a plan may have ended its worker

"""How much a worker takes at once, and how long that may last. A test checks that the numbers fit each other."""

from datetime import timedelta

from drumbeat.providers.calls import CALL_BUDGET_SECONDS

LEASE = timedelta(seconds=45)  # how long a claim lasts: at least three times CALL_BUDGET_SECONDS
LEASE_MARGIN_SECONDS = 5.0  # kept between the end of a call and the end of its lease
FIRST_BYTE_WITHIN_SECONDS = LEASE.total_seconds() - CALL_BUDGET_SECONDS - LEASE_MARGIN_SECONDS  # of the claim

EVENTS_PER_BATCH = 32
EFFECTS_PER_BATCH = 32
EFFECTS_CLAIMED_WHEN_PLANNED = 48  # of one batch of events; the others are sent to the queue
BYTES_PER_BATCH = 8 * 1024 * 1024  # of bodies, and of requests: each is held several times on its way
LATE_PLANNING = timedelta(seconds=20)  # after it was recorded an event without a plan may have ended its worker
BATCH_SECONDS = 3 * CALL_BUDGET_SECONDS + 8.0  # three rounds of calls at 16 a round, and the ledger

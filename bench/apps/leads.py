"""What the peers' applications share: where things are, and the table that every event has its row in."""

import os

DATABASE_URL = os.environ["BENCH_DATABASE_URL"]
REDIS_URL = os.environ["BENCH_REDIS_URL"]
PROVIDER_URL = os.environ["BENCH_PROVIDER_URL"]
RECOVERS = os.environ.get("BENCH_RECOVERS") == "1"  # the crash phase: recovery within the bench's time
TRIES = 5
TIMEOUT = 10  # seconds for one call of the provider

INSERT = "INSERT INTO leads (id, payload) VALUES (%s, %s)"
DONE = "UPDATE leads SET status = 'sent', done_at = clock_timestamp() WHERE id = %s"
TO_SEND = "SELECT id, payload FROM leads WHERE starts_with(id, %s) AND status = 'accepted' ORDER BY id"

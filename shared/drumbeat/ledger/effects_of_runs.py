"""How the effects of a run are found that are free: by an index that is theirs alone, whatever the statistics say.

While nothing is sent, hardly any effect is open, and so the statistics say. The first batches of a run would be planned
by that: all of the run would be read by another index, and sorted, for each of them. So these indexes are over
expressions that no other has, and a statement says what it asks of status in a CASE.
"""

from typing import LiteralString

RUN: LiteralString = "CASE WHEN of_run THEN event_id END"
PLACED: LiteralString = "CASE WHEN of_run AND slot IS NOT NULL THEN event_id END"  # by a rate limit, in its queue

# Not under a lease, and something is to happen: the condition of both indexes.
FREE: LiteralString = "of_run AND lease_until IS NULL AND due_at < 'infinity'"
WAITS: LiteralString = "CASE WHEN status IN ('waiting', 'unknown') THEN true ELSE false END"

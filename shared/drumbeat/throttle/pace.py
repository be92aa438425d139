"""How many effects of an account are released at a time, and how far apart: what its limits let through."""

import math
from collections.abc import Sequence
from datetime import timedelta

from drumbeat.core.configuration import Limit

NOTIFY_AHEAD = timedelta(minutes=2)  # workers are notified now of what is due within this
# How an account without limits is released: as much as workers do meanwhile, and what campaigns send no faster, so that
# the queue stays short for what people cause.
UNLIMITED = (Limit(count=200, period=1, burst=1_200),)


def allowance(limits: Sequence[Limit]) -> int:
    """Return how many effects of an account may be released at a time: what its limits let through in two minutes."""
    return min(_most(limit) for limit in limits or UNLIMITED)


def pace(limits: Sequence[Limit], place: int) -> float:
    """Return the seconds after which an account's limits have let `place` effects through."""
    return max(
        ((place - limit.burst) * limit.period / limit.count for limit in limits if limit.burst is not None),
        default=0.0,
    )


def _most(limit: Limit) -> int:
    if limit.burst is None:
        return limit.count
    return limit.burst + math.floor(NOTIFY_AHEAD.total_seconds() * limit.count / limit.period)

"""Which numbers every reader of JSON takes for the same."""

import math

MAX_EXACT_INTEGER = 2**53 - 1  # beyond it two integers share one double
BEYOND = "lies beyond 2^53 - 1, where JSON numbers lose digits"


def is_exact(number: float) -> bool:
    """Return whether a number is one that a double holds and that no other written number of its kind becomes."""
    return math.isfinite(number) and abs(number) <= MAX_EXACT_INTEGER

"""Which numbers every reader of JSON takes for the same."""

import math
import re

MAX_EXACT_INTEGER = 2**53 - 1  # beyond it two integers share one double
VANISHES = "so small that it would be 0"
BEYOND = "lies beyond 2^53 - 1, where JSON numbers lose digits"


def is_exact(number: float) -> bool:
    """Return whether a number is one that a double holds and that no other written number of its kind becomes."""
    return math.isfinite(number) and abs(number) <= MAX_EXACT_INTEGER


def vanishes(written: str) -> bool:
    """Return whether a number that is not zero is so small that a double makes zero of it."""
    return float(written) == 0 and re.search("[1-9]", re.split("[eE]", written)[0]) is not None

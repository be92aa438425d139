"""A digest on two Mondays in twelve time zones, on a real stack whose clock is moved.

python -m tests.chaos.digest --people 2000 --seed 7
"""

import argparse
import random
import signal
import sys
from types import FrameType

from tests.chaos.digest.trial import run


def main() -> int:
    """Read the arguments and carry out the trial; returns 1 when a promise was broken."""
    parser = argparse.ArgumentParser(
        prog="tests.chaos.digest", description="Move a stack's clock over two Mondays, drop and double firings."
    )
    parser.add_argument("--people", type=int, default=2000, help="whom it is sent to")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(1_000_000), help="decides which firings come, and how often"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)  # stack and servers must be ended
    return run(options.people, options.seed)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit("ended by a signal")


if __name__ == "__main__":
    sys.exit(main())

"""A newsletter on a real stack on this machine, of which worker, relay, Postgres and Valkey are killed in turn.

python -m tests.chaos.newsletter --people 20000 --kills 30 --seed 7
"""

import argparse
import random
import signal
import sys
from types import FrameType

from tests.chaos.newsletter.trial import Plan, run


def main() -> int:
    """Read the arguments and carry out the trial; returns 1 when a promise was broken."""
    parser = argparse.ArgumentParser(
        prog="tests.chaos.newsletter", description="Send a newsletter, kill what sends it, then count."
    )
    parser.add_argument("--people", type=int, default=20_000, help="whom it is sent to")
    parser.add_argument("--kills", type=int, default=30, help="of worker, relay, Postgres and Valkey in turn")
    parser.add_argument("--every", type=float, default=3.0, help="seconds between two of them")
    parser.add_argument("--latency", type=int, default=300, help="milliseconds that a call of a provider takes")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="decides who leaves when")
    parser.add_argument("--keep", action="store_true", help="keep ledger, record and logs even when all is well")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)  # stack and servers must be ended
    return run(Plan(**vars(options)))


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit("ended by a signal")


if __name__ == "__main__":
    sys.exit(main())

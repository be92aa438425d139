"""Chaos against a real stack on this machine.

python -m tests.chaos --events 10000 --kills 100 --minutes 3.5 --seed 7
python -m tests.chaos --events 10000 --kills 100 --minutes 2.5 --seed 7 --only-kills --relay-every 60
"""

import argparse
import random
import signal
import sys
from types import FrameType

from tests.chaos.environment import RELAY_INTERVAL_SECONDS
from tests.chaos.trial import Plan, run


def main() -> int:
    """Read the arguments and carry out the trial; returns 1 when a promise was broken."""
    parser = argparse.ArgumentParser(
        prog="tests.chaos", description="Kill, cut, freeze and inject provider faults, then count."
    )
    parser.add_argument("--events", type=int, default=10_000, help="events to send")
    parser.add_argument("--kills", type=int, default=100, help="workers to kill; everything else in proportion")
    parser.add_argument("--minutes", type=float, default=3.5, help="how long it lasts, without start and end")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(1_000_000), help="decides which fault happens when"
    )
    parser.add_argument("--only-kills", action="store_true", help="kill workers, and let everything else live")
    parser.add_argument(
        "--relay-every", type=float, default=RELAY_INTERVAL_SECONDS, help="seconds between sweeps; deployed: 60"
    )
    parser.add_argument(
        "--upgrade", action="store_true", help="begin with the release before; upgrade, roll back, upgrade again"
    )
    parser.add_argument("--keep", action="store_true", help="keep ledger, record and logs even when all is well")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)  # stack and servers must be ended
    return run(Plan(**vars(options)))


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit("ended by a signal")


if __name__ == "__main__":
    sys.exit(main())

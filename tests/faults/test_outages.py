"""Outages of providers end in nothing refused or held that evidence or patience could settle."""

import pytest

from tests.faults.oracle import check_promises
from tests.faults.outages import KINDS, Outage, live_through
from tests.faults.runs import Simulate
from tests.faults.stories import warm_up

QUIET, BUSY = 3600.0, 0.05


def check(simulate: Simulate, outage: Outage) -> None:
    simulation = simulate()
    warm_up(simulation)

    ends = live_through(simulation, outage)

    for name, ended in ends.items():
        unprovable = (
            {("held", "unprovable")}
            if name in "FX" and outage.kind in ("503", "503 with Retry-After", "hang")
            else set()
        )
        assert ended.statuses <= {("accepted", None)} | unprovable, (name, outage)
    check_promises(simulation)


@pytest.mark.point(36)
@pytest.mark.parametrize("kind", KINDS)
def test_a_lone_effect_outlives_an_outage_of_half_a_minute(simulate: Simulate, kind: str) -> None:
    check(simulate, Outage(kind, 30.0, QUIET, 1))

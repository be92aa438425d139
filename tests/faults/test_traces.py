"""A relay that dies while it exports traces, at each of its operations: each trace is complete all the same."""

import pytest

from tests.faults.environment import Environment
from tests.faults.fault_points import Fault
from tests.faults.process_pool import ProcessPool
from tests.faults.proof import StoryWithFault, play_without_fault
from tests.faults.runs import simulating

OF_THE_EXPORT = ("db traces.", "collector ")


@pytest.mark.timeout(300)
def test_wherever_the_relay_dies_every_effect_has_one_complete_trace(
    environment: Environment, process_pool: ProcessPool
) -> None:
    with simulating(environment) as simulate:
        sites = play_without_fault("traced", simulate).point.sites
    crashes = [
        StoryWithFault("traced", site, Fault.CRASH_AFTER)
        for site, _ in sites
        if site.name.startswith(OF_THE_EXPORT) and site.ordinal <= 2
    ]

    failures = process_pool.failures(crashes)

    assert {cell.site.name for cell in crashes} == {
        "collector post",
        *(f"db traces.{name}" for name in ("PROGRESS", "PLANS", "ENDS", "MOVES", "ATTEMPTS", "OUTCOMES", "FEEDBACK")),
        *("db traces.REST", "db traces.ADVANCE"),
    }
    assert not failures, "\n".join(failures)

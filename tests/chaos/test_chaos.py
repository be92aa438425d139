"""Ten thousand events and a hundred killed workers, in bounded time, with and without every other kind of fault.

Of the events a third are what providers report, and a tenth are people's, some of whom are erased.
"""

import pytest

from tests.chaos.carrying_out import carry_out

LARGE = ("--events", "10000", "--kills", "100")


@pytest.mark.proof
@pytest.mark.timeout(1_200)
@pytest.mark.point(6)
@pytest.mark.point(12)
@pytest.mark.point(13)
@pytest.mark.point(18)
@pytest.mark.point(26)
@pytest.mark.point(32)
@pytest.mark.point(49)
@pytest.mark.point(50)
@pytest.mark.point(51)
@pytest.mark.point(53)
@pytest.mark.point(54)
@pytest.mark.point(55)
@pytest.mark.point(64)
def test_nothing_is_lost_and_nothing_is_done_twice_while_everything_breaks() -> None:
    carry_out("tests.chaos", *LARGE, "--minutes", "3.5")


@pytest.mark.proof
@pytest.mark.timeout(1_200)
@pytest.mark.point(18)
def test_a_backlog_that_dead_workers_leave_is_done_in_two_minutes_though_the_relay_sweeps_once_in_one() -> None:
    carry_out("tests.chaos", *LARGE, "--minutes", "2.5", "--only-kills", "--relay-every", "60")


@pytest.mark.proof
@pytest.mark.timeout(1_200)
@pytest.mark.point(61)
@pytest.mark.point(62)
@pytest.mark.point(63)
def test_nothing_is_lost_and_nothing_is_done_twice_in_an_upgrade_and_a_rollback() -> None:
    carry_out("tests.chaos", "--events", "1500", "--kills", "20", "--minutes", "1", "--upgrade")

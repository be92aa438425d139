"""A newsletter to thousands of people, and a digest by the clock of each, on a real stack that is killed or moved."""

import pytest

from tests.chaos.carrying_out import carry_out


@pytest.mark.proof
@pytest.mark.timeout(1_200)
def test_each_person_has_a_newsletter_once_or_a_reason_while_all_that_sends_it_is_killed() -> None:
    carry_out("tests.chaos.newsletter", "--people", "6000", "--kills", "16")


@pytest.mark.proof
@pytest.mark.timeout(1_200)
def test_each_person_has_a_digest_once_at_nine_by_their_own_clock_though_firings_are_dropped_and_doubled() -> None:
    carry_out("tests.chaos.digest", "--people", "2000")

"""A database that suspends itself is woken for what decides something; opens and clicks wait for that, or an hour."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pytest

from drumbeat.core import ids
from tests.faults.environment import Environment
from tests.faults.processes import SLEEPS_AFTER_SECONDS
from tests.faults.queues import REPORTS
from tests.faults.reports import Told
from tests.faults.resting import Resting
from tests.faults.sample_deployment import Lead
from tests.faults.simulation import MINUTE

HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE
FULL_SWEEPS = 4  # a day
ADA = Lead("ada", "CAMPAIGN_TRIGGER")
LATEST = """
    SELECT max(e.recorded_at - e.received_at) AS waited, count(*) AS reports
      FROM feedback f JOIN events e ON e.id = f.event_id
"""


@pytest.fixture
def resting(environment: Environment) -> Iterator[Resting]:
    """A deployment in which Ada got a mail an hour ago: its database sleeps."""
    with closing(Resting(environment)) as resting:
        resting.at(MINUTE, lambda: resting.ingest(ADA))
        resting.run(HOUR)
        yield resting


def reported(resting: Resting, word: str) -> None:
    """Be the provider that reports something of her mail."""
    (mail,) = resting.vendors.feedback()
    resting.report(Told("mailgun", mail.effect, word=word, at=resting.clock.timestamp()))


def report_every(minutes: float, resting: Resting, words: tuple[str, ...], hours: int) -> int:
    """Let the provider report as often for some hours; return how often."""
    number = int(hours * 60 / minutes)
    for place in range(number):
        resting.at(HOUR + place * minutes * MINUTE, partial(reported, resting, words[place % len(words)]))
    return number


@pytest.mark.parametrize("minutes", [3, 20])
def test_a_day_of_opens_and_clicks_wakes_the_database_once_an_hour_and_never_keeps_it_awake(
    resting: Resting, minutes: float
) -> None:
    woken = len(resting.point.awake)
    report_every(minutes, resting, ("opened", "clicked"), 24)

    resting.run(HOUR + DAY)
    times = resting.point.awake[woken:]

    assert 0 < len(times) <= 24 + FULL_SWEEPS
    assert max(one.seconds for one in times) <= SLEEPS_AFTER_SECONDS + MINUTE


def test_reports_that_wait_are_recorded_within_the_hour(resting: Resting) -> None:
    number = report_every(11, resting, ("delivered", "opened", "clicked"), 5)

    resting.run(HOUR + 6 * HOUR)

    (row,) = resting.environment.owner.run(LATEST)
    assert row["reports"] == number
    assert 0 < row["waited"].total_seconds() <= HOUR
    assert not resting.queues.queues[REPORTS]


def test_without_a_queue_for_them_each_report_is_recorded_at_once(environment: Environment) -> None:
    with closing(Resting(environment, waits=False)) as resting:
        resting.at(MINUTE, lambda: resting.ingest(ADA))
        resting.at(2 * HOUR, lambda: reported(resting, "opened"))

        resting.run(2 * HOUR)

        (row,) = resting.environment.owner.run(LATEST)
        assert (row["reports"], row["waited"].total_seconds()) == (1, 0)


@pytest.mark.parametrize("word", ["bounced", "complained", "left"])
def test_what_decides_something_is_recorded_at_once_though_the_database_sleeps(resting: Resting, word: str) -> None:
    resting.at(2 * HOUR, lambda: reported(resting, word))

    resting.run(2 * HOUR)

    (row,) = resting.environment.owner.run(LATEST)
    assert (row["reports"], row["waited"].total_seconds()) == (1, 0)


def test_a_report_on_a_mail_that_counts_as_accepted_has_the_relay_read_nothing(resting: Resting) -> None:
    eve = Lead("eve")  # whose welcome has a step that comes after its mail
    resting.at(2 * HOUR, lambda: resting.ingest(eve))
    hello = ids.effect_id(eve.event, "welcome", "hello", eve.email)
    resting.at(2 * HOUR + 5, lambda: resting.report(Told("mailgun", hello, word="accepted")))
    read = resting.point.commands["relay", "db relay.DUE"]

    resting.run(2 * HOUR + 5 * MINUTE)

    (row,) = resting.environment.owner.run("SELECT count(*) AS reports FROM feedback WHERE effect_id = %s", (hello,))
    assert row["reports"] == 1
    assert resting.point.commands["relay", "db relay.DUE"] == read


def test_a_relay_that_reads_the_ledger_for_anything_else_records_what_waits(resting: Resting) -> None:
    resting.at(2 * HOUR, lambda: reported(resting, "opened"))
    resting.run(2 * HOUR)
    assert resting.queues.queues[REPORTS]
    resting.queues.faults.lost = 1.0  # what wakes a worker

    resting.at(2 * HOUR + 5 * MINUTE, lambda: resting.ingest(Lead("bob")))
    resting.run(2 * HOUR + 7 * MINUTE)

    assert not resting.queues.queues[REPORTS]

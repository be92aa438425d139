"""Outages of providers end in nothing refused or held that evidence or patience could settle."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.faults.oracle import check_promises
from tests.faults.outages import KINDS, Ended, Outage, live_through
from tests.faults.runs import Simulate
from tests.faults.stories import warm_up

GUARANTEES = Path(__file__).parents[2] / "docs" / "guarantees.md"
BEGIN, END = "<!-- outages: written by tests/faults/test_outages.py -->", "<!-- /outages -->"

QUIET_SECONDS, BUSY_SECONDS = (
    3600.0,
    0.4,
)  # between two leads; each asks for eight effects, so busy is 20 effects a second
MOST_LEADS = 150
MAY_HAVE_BEEN_SENT = ("503", "503 with Retry-After", "hang")
HELD = {("held", "unprovable")}
LENGTHS = {"1 s": 1.0, "30 s": 30.0, "10 min": 600.0, "3 h": 10_800.0}
# Of a lone effect one draw of jitter decides: what is documented is the longest of several. Of many the latest decides.
ROWS = [
    ("one lead an hour", QUIET_SECONDS, ("1 s", "30 s", "10 min", "3 h"), 10),
    ("20 effects a second", BUSY_SECONDS, ("1 s", "30 s", "10 min"), 1),
]


def outlived(simulate: Simulate, outage: Outage, seed: int = 0) -> dict[str, Ended]:
    """Return the end of each class after an outage that held up nothing for good."""
    simulation = simulate(seed)
    warm_up(simulation)

    ends = live_through(simulation, outage)

    for name, ended in ends.items():
        unprovable = HELD if name in "FX" and outage.kind in MAY_HAVE_BEEN_SENT else set()
        assert ended.statuses <= {("accepted", None), *unprovable}, f"{name} after {outage}"
    check_promises(simulation)
    return ends


def all_kinds(simulate: Simulate, seconds: float, interval: float, seeds: Iterable[int]) -> Iterator[dict[str, Ended]]:
    leads = min(1 + int(seconds // interval), MOST_LEADS)
    return (outlived(simulate, Outage(kind, seconds, interval, leads), seed) for seed in seeds for kind in KINDS)


@pytest.mark.point(36)
@pytest.mark.parametrize("kind", KINDS)
def test_a_lone_effect_outlives_an_outage_of_half_a_minute(simulate: Simulate, kind: str) -> None:
    outlived(simulate, Outage(kind, 30.0, QUIET_SECONDS, 1))


@pytest.mark.point(36)
def test_many_effects_outlive_an_outage_and_wait_without_a_row_of_the_journal_each(simulate: Simulate) -> None:
    """Three claims at most were under way when the account was paused: planned, claimed, sent, back, claimed, sent."""
    simulation = simulate()
    warm_up(simulation)

    live_through(simulation, Outage("no connection", 600.0, 30.0, 20))

    rows = simulation.environment.owner.run(
        "SELECT count(*) AS moves, count(DISTINCT effect_id) AS effects FROM journal JOIN effects e ON e.id = effect_id"
        " WHERE e.account = 'news'"
    )
    assert rows[0]["moves"] <= 7 * rows[0]["effects"]


@pytest.mark.proof
@pytest.mark.timeout(1_800)
def test_every_outage_is_outlived_within_the_documented_time(simulate: Simulate) -> None:
    """Run with WRITE_DOCS=1 after a change of what follows from failures: it takes five minutes then, else one."""
    writes = bool(os.environ.get("WRITE_DOCS"))
    measured = [
        (traffic, length, slowest(all_kinds(simulate, LENGTHS[length], interval, range(runs if writes else 1))))
        for traffic, interval, lengths, runs in ROWS
        for length in lengths
    ]
    shown = table(measured)
    print(shown)
    before, _, rest = GUARANTEES.read_text().partition(BEGIN)
    documented, _, after = rest.partition(END)
    if writes:
        GUARANTEES.write_text(f"{before}{BEGIN}\n{shown}\n{END}{after}")
        return

    assert cells(shown).keys() == cells(documented).keys()
    later = {
        place: (took, cells(documented)[place])
        for place, took in cells(shown).items()
        if took > 2 * cells(documented)[place] + 60
    }
    assert not later, later


def slowest(ends: Iterable[dict[str, Ended]]) -> dict[str, float]:
    """Return for each class the longest time that it took after any of the outages."""
    longest: dict[str, float] = {}
    for each in ends:
        for name, ended in each.items():
            longest[name] = max(longest.get(name, 0.0), ended.seconds)
    return longest


def table(measured: Iterable[tuple[str, str, dict[str, float]]]) -> str:
    head = "| traffic | outage | K | D | Q | F | X |\n|---|---|---|---|---|---|---|\n"
    return head + "\n".join(
        f"| {traffic} | {length} | " + " | ".join(f"{longest[name]:.0f}" for name in "KDQFX") + " |"
        for traffic, length, longest in measured
    )


def cells(text: str) -> dict[tuple[str, str, str], float]:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.strip().splitlines()[2:]]
    return {(row[0], row[1], name): float(took) for row in rows for name, took in zip("KDQFX", row[2:], strict=True)}

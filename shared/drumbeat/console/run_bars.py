"""Where the people of a run are, as a bar and as numbers: both say the same, and both add up."""

from collections.abc import Iterator
from dataclasses import dataclass

from drumbeat.core.left_out import LEFT_OUT
from drumbeat.views.run_totals import StepTotals

WIDTH = 1_000  # of a bar, in units of its own
# name, what it is called, the status that lists its people
PLACES = (
    ("accepted", "accepted", "accepted"),
    ("refused", "refused", "refused"),
    ("cancelled", "cancelled", "cancelled"),
    ("held", "held", "held"),
    ("unknown", "unknown", "unknown"),
    ("flying", "in flight", "sending"),
    ("waiting", "waiting", "waiting"),
    ("ahead", "not begun", ""),
    ("out", "left out", ""),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a bar: so many people are there. `status`: lists them, where a status does."""

    place: str
    name: str
    status: str
    people: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Why:
    """So many people got no mail, for one reason. `left_out`: before there was a mail."""

    place: str
    code: str
    words: str
    people: int
    left_out: bool


@dataclass(frozen=True, slots=True)
class StepBar:
    """One step of a run."""

    step: str
    matched: int
    unaccounted: int
    parts: list[Part]
    whys: list[Why]


def bar(totals: StepTotals) -> StepBar:
    """Lay out where the people of a run are with one step."""
    people = {
        "accepted": totals.accepted,
        "refused": totals.refused,
        "cancelled": sum(totals.cancelled.values()),
        "held": totals.held,
        "unknown": totals.unknown,
        "flying": totals.in_flight - totals.unknown,
        "waiting": totals.waiting,
        "ahead": totals.not_expanded,
        "out": sum(totals.left_out.values()),
    }
    return StepBar(totals.step, totals.matched, totals.unaccounted, list(_parts(people)), list(_whys(totals)))


def words(code: str) -> str:
    """Say why a person got no mail."""
    return LEFT_OUT.get(code, code.replace("_", " "))


def _parts(people: dict[str, int]) -> Iterator[Part]:
    """Place the parts side by side; all of them are as wide as those who are in one."""
    whole, before = sum(people.values()), 0
    for place, name, status in PLACES:
        here = people[place]
        scale = WIDTH / whole if whole else 0
        yield Part(place, name, status, here, round(before * scale, 2), round(here * scale, 2))
        before += here


def _whys(totals: StepTotals) -> Iterator[Why]:
    for place, reasons in (("refused", totals.refused_for), ("cancelled", totals.cancelled), ("out", totals.left_out)):
        for code, people in sorted(reasons.items(), key=lambda each: (-each[1], each[0])):
            yield Why(place, code, words(code), people, left_out=place == "out")

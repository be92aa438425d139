"""Our reading of EventBridge's cron beside aws-croniter's: the same instants, or both refuse.

Where the two are known to differ, the shape is named here with the reason, and not drawn. AWS's words are those of
"Schedule types in EventBridge Scheduler" (docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html) and
"Setting a schedule pattern for scheduled rules" (docs.aws.amazon.com/eventbridge/latest/userguide/
eb-scheduled-rule-pattern.html), whose tables of fields and wildcards are the same.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from aws_croniter import AwsCroniter
from aws_croniter.exceptions import AwsCroniterExpressionError
from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st

from drumbeat.calendar import cron

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
COUNT = 8
END = datetime(2200, 1, 1, tzinfo=UTC)


def falls(text: str, index: int) -> bool:
    """Tell whether a range among a field's parts goes down."""
    names = {3: MONTHS, 4: DAYS}.get(index, ())
    value = {
        **{name: number for number, name in enumerate(names, 1)},
        **{str(number): number for number in range(2200)},
    }
    ends = [part.partition("/")[0].split("-") for part in text.split(",")]
    return any(len(pair) == 2 and value.get(pair[0], 0) > value.get(pair[1], 9999) for pair in ends)


# What a field's text (and its place among the six) is where the two differ.
DIFFERENT: dict[str, Callable[[str, int], bool]] = {
    # It reads 50-10 and FRI-MON around the end since 2.1.0. AWS says of ranges "1-15 includes days 1 through 15" and
    # nothing of such; ours refuses and says to write two ranges.
    "a range that falls": falls,
    # It reads L-3 as three days before the last, as Quartz does. AWS: L "specifies the last day of the month or week".
    "L with an offset": lambda text, index: text.startswith("L-"),
    # Its pattern takes LW and its reader does not. Ours: the month's last weekday, L and W being what AWS says.
    "LW": lambda text, index: text == "LW",
    # It finds no day for L alone as the day of the week. AWS: the last day of the week, and "1-7 or SUN-SAT".
    "L alone": lambda text, index: index == 4 and text == "L",
    # It wants a step of years to be a year from 1970 to 2199. AWS's table allows / for years.
    "a step of years": lambda text, index: index == 5 and "/" in text,
}


def field(low: int, high: int, names: tuple[str, ...] = (), *, steps: bool = True) -> st.SearchStrategy[str]:
    """Values, rising ranges, steps, lists of them, or all."""

    def spelled(value: int, named: bool) -> str:
        return names[value - low] if names and named else str(value)

    def part(kind: int, one: int, other: int, step: int, named: bool) -> str:
        first, last = spelled(min(one, other), named), spelled(max(one, other), named)
        return [first, f"{first}-{last}", f"{first}/{step}", f"{first}-{last}/{step}", f"*/{step}"][kind]

    value = st.integers(low, high)
    parts = st.builds(part, st.integers(0, 4 if steps else 1), value, value, st.integers(1, high), st.booleans())
    return st.just("*") | st.lists(parts, min_size=1, max_size=3).map(",".join)


DAYS_OF_MONTH = field(1, 31) | st.sampled_from(["L", *(f"{day}W" for day in range(1, 32))])
DAYS_OF_WEEK = field(1, 7, DAYS, steps=False) | st.sampled_from(
    [f"{day}{which}" for day in [*DAYS, *range(1, 8)] for which in ("L", "#1", "#2", "#3", "#4", "#5")]
)
YEARS = st.just("*") | field(2020, 2045, steps=False)
WRONG = (
    *(
        "",
        "?",
        "x",
        "-",
        "1-",
        "1,",
        "*/",
        "1/0",
        "1/60",
        "*-5",
        "**",
        "0",
        "8",
        "13",
        "24",
        "32",
        "60",
        "1969",
        "2200",
    ),
    *(
        "L",
        "W",
        "LL",
        "*W",
        "0W",
        "32W",
        "5L",
        "8L",
        "2#1",
        "0#1",
        "2#6",
        "2#0",
        "MON#1,2",
        "1W,2",
        "L,1",
        "MON",
        "JAN",
    ),
)


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Six fields, all of them right but in one of four."""
    month_day, week_day = draw(st.tuples(DAYS_OF_MONTH, st.just("?")) | st.tuples(st.just("?"), DAYS_OF_WEEK))
    fields = [draw(field(0, 59)), draw(field(0, 23)), month_day, draw(field(1, 12, MONTHS)), week_day, draw(YEARS)]
    if draw(st.integers(0, 3)) == 0:
        fields[draw(st.integers(0, 5))] = draw(st.sampled_from(WRONG))
    assume(not any(differs(text, index) for index, text in enumerate(fields) for differs in DIFFERENT.values()))
    return " ".join(fields)


def theirs(expression: str, first: datetime) -> Iterator[datetime] | None:
    """Return what aws-croniter finds from an instant on, or None when it refuses the expression."""
    try:
        read = AwsCroniter(expression)
    except (AwsCroniterExpressionError, ValueError):
        return None

    def instants() -> Iterator[datetime]:
        at = first - timedelta(minutes=1)
        while at < END:
            found = read.get_next(at)[0]
            if found is not None:
                yield found
                at = found
            else:  # it gives up after eleven moves; three at most stay in the month, so it looked at six more months
                at = at.replace(day=1, hour=0, minute=0) + timedelta(days=180)

    return instants()


def ours(expression: str, first: datetime) -> Iterator[datetime] | None:
    """Return the instants that we find, or None when we refuse the expression."""
    try:
        read = cron.read(expression)
    except ValueError:
        return None
    return (wall.replace(tzinfo=UTC) for wall in read.walls(first.replace(tzinfo=None), cron.LAST))


@settings(max_examples=200)
@given(expressions(), st.datetimes(datetime(2020, 1, 1), datetime(2045, 1, 1)))
@example("0 9 29 2 ? *", datetime(2096, 3, 1))  # eight years without a leap day
@example("0 9 31W * ? *", datetime(2026, 1, 1))
@example("0 9 1W * ? *", datetime(2026, 8, 1))  # a Saturday
@example("0 9 ? * FRI#5 *", datetime(2026, 1, 1))
@example("0 9 ? 2 6L 2028", datetime(2026, 1, 1))
@example("0 9 31 4,6 ? *", datetime(2026, 1, 1))  # never
@example("59 23 31 12 ? 2199", datetime(2026, 1, 1))
def test_the_same_instants_or_both_refuse(expression: str, start: datetime) -> None:
    first = start.replace(second=0, microsecond=0, tzinfo=UTC)
    we, they = ours(expression, first), theirs(expression, first)

    event("refused" if we is None else "read")
    if we is None and they is not None:  # the one thing that it does not refuse: a day that never comes
        assert next(theirs(expression, datetime(1970, 1, 1, tzinfo=UTC)) or iter(()), None) is None
    else:
        assert (we and [*islice(we, COUNT)]) == (they and [*islice(they, COUNT)])


@pytest.mark.parametrize(
    ("shape", "expression", "we_read", "they_read"),
    [
        ("a range that falls", "0 9 ? * FRI-MON *", False, True),
        ("L with an offset", "0 9 L-3 * ? *", False, True),
        ("LW", "0 9 LW * ? *", True, False),
        ("L alone", "0 9 ? * L *", True, False),
        ("a step of years", "0 9 1 1 ? 2026/2", True, False),
    ],
)
def test_each_difference_is_still_one(shape: str, expression: str, we_read: bool, they_read: bool) -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    we, they = ours(expression, first), theirs(expression, first)

    assert any(DIFFERENT[shape](text, index) for index, text in enumerate(expression.split()))
    assert (next(we or iter(()), None) is not None) == we_read
    assert (next(they or iter(()), None) is not None) == they_read

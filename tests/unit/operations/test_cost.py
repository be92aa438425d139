"""The bill: its arithmetic, its budget, and that `docs/cost.md` shows what the script says.

Run with WRITE_DOCS=1 after a change of the price sheet or of the formula.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from drumbeat.local.template import parse
from drumbeat.operations import cost
from drumbeat.operations.cost import CHOICES, PRICES, SIZES, Line, Load, bill, total
from tests.build.stack import functions, resources

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "docs" / "cost.md"
BUDGET = 12.0


def prices() -> Iterator[str]:
    yield "| price | dollars | for each | free a month | read at | |"
    yield "|---|---|---|---|---|---|"
    for name, price in PRICES.items():
        free = f"{price.free:,.0f}" if price.free else ""
        mark = "" if price.checked else "not verified"
        yield f"| {name} | {plain(price.dollars)} | {price.unit} | {free} | {price.source} | {mark} |"


def bills() -> Iterator[str]:
    head = [f"{size:,}" for size in SIZES]
    yield f"| events a month | {' | '.join(head)} |"
    yield f"|---|{'---|' * len(SIZES)}"
    yield row("*AWS, whatever the database*", [list(cost.aws(Load(size))) for size in SIZES])
    for name in CHOICES:
        yield row(f"**{name}**, all in", [bill(Load(size), name) for size in SIZES])
    yield row(
        "Neon + Upstash, events over 24 hours", [bill(Load(size, busy_hours=24), "Neon + Upstash") for size in SIZES]
    )
    yield row(
        "Neon + Upstash, beside a stage that rests",
        [bill(Load(size, resting_stages=1), "Neon + Upstash") for size in SIZES],
    )
    yield row("Neon + Upstash, first month", [bill(Load(size, months=1), "Neon + Upstash") for size in SIZES])


def lines() -> Iterator[str]:
    shared = len(list(cost.aws(Load(1))))
    yield f"| line | {' | '.join(f'{size:,}' for size in SIZES)} |"
    yield f"|---|{'---|' * len(SIZES)}"
    yield from of_each("AWS", [list(cost.aws(Load(size))) for size in SIZES])
    for name in CHOICES:
        yield from of_each(name, [bill(Load(size), name)[shared + 1 :] for size in SIZES])


def of_each(title: str, bills: list[list[Line]]) -> Iterator[str]:
    for each in zip(*bills, strict=True):
        yield f"| {title}: {each[0].name} | {' | '.join(f'{line.dollars:,.2f}' for line in each)} |"


def row(title: str, bills: list[list[Line]]) -> str:
    return f"| {title} | {' | '.join(f'{total(each):,.2f}' for each in bills)} |"


def plain(number: float) -> str:
    return f"{number:.10f}".rstrip("0").rstrip(".")


@pytest.mark.parametrize("made", [prices, bills, lines], ids=lambda made: made.__name__)
def test_the_document_shows_what_the_script_says(made: object) -> None:
    assert callable(made)
    table = "\n".join(made())
    name = getattr(made, "__name__", "")
    begin, end = (
        f"<!-- {name}: written by tests/unit/operations/test_cost.py from drumbeat/operations/cost.py -->",
        f"<!-- /{name} -->",
    )
    before, _, rest = DOCUMENT.read_text().partition(begin)
    shown, _, after = rest.partition(end)
    if os.environ.get("WRITE_DOCS"):
        DOCUMENT.write_text(f"{before}{begin}\n{table}\n{end}{after}")
        return

    assert shown.strip() == table


@pytest.mark.parametrize("choice", ["Neon + Upstash", "one machine"])
def test_fifteen_thousand_events_stay_within_the_budget(choice: str) -> None:
    assert total(bill(Load(15_000), choice)) <= BUDGET


def test_a_bill_is_the_sum_of_its_lines_and_free_is_free() -> None:
    line = Line("Alarms", 12, PRICES["alarm"])

    assert line.dollars == pytest.approx(2 * 0.10)
    assert Line("Alarms", 9, PRICES["alarm"]).dollars == 0
    assert total([line, line]) == pytest.approx(0.4)


@pytest.mark.parametrize("choice", CHOICES)
def test_more_never_costs_less(choice: str) -> None:
    bills = [total(bill(Load(size), choice)) for size in (0, *SIZES)]

    assert bills == sorted(bills)


def test_neons_free_plan_ends_with_its_hours_or_its_storage() -> None:
    def neon(load: Load) -> float:
        return sum(line.dollars for line in cost.neon_upstash(load) if line.name.startswith("Neon"))

    assert neon(Load(15_000, months=1)) == 0
    assert neon(Load(15_000, months=12)) > 0  # over half a gigabyte
    assert neon(Load(15_000, months=1, busy_hours=16)) > 0  # over a hundred hours


def test_upstash_is_free_up_to_its_plan_and_then_from_the_first_command() -> None:
    def upstash(load: Load) -> float:
        return sum(line.dollars for line in cost.neon_upstash(load) if line.name == "Upstash")

    assert upstash(Load(36_000, reports_per_event=0)) == 0
    assert upstash(Load(37_000)) == pytest.approx(Load(37_000).redis_commands * 2e-6)


def test_reports_around_the_clock_wake_a_database_that_sleeps_once_an_hour_at_most() -> None:
    without, with_them = Load(15_000, reports_per_event=0), Load(15_000)
    asleep = cost.HOURS - without.awake

    assert with_them.awake - without.awake == pytest.approx(asleep * cost.SLEEPS_AFTER / 60, rel=0.02)
    assert Load(15_000_000, busy_hours=1).awake < 0.2 * cost.HOURS


def test_a_stage_that_rests_costs_its_alarms_and_its_polls() -> None:
    added = total(list(cost.aws(Load(15_000, resting_stages=1)))) - total(list(cost.aws(Load(15_000))))

    assert added == pytest.approx(cost.ALARMS * PRICES["alarm"].dollars, abs=0.5)
    assert added > cost.ALARMS * PRICES["alarm"].dollars


def test_what_providers_want_is_filled_in_by_its_reader() -> None:
    plain, filled = (bill(Load(15_000, provider_price=dollars), "one machine") for dollars in (0.0, 0.40))

    assert total(filled) - total(plain) == pytest.approx(45_000 * 0.40 / 1000)


def test_a_database_with_queries_all_day_is_awake_all_day() -> None:
    assert Load(1_500_000, busy_hours=24).awake == pytest.approx(cost.HOURS, rel=0.001)
    assert Load(0).awake == pytest.approx(cost.FULL_SWEEPS * 5 / 60)


def test_what_the_template_has_is_what_is_charged() -> None:
    document = parse((ROOT / "template.yaml").read_text())
    defaults = document["Globals"]["Function"]

    assert defaults["MemorySize"] / 1024 == cost.MEMORY_GB
    assert not any("MemorySize" in each for each in functions(document).values())
    assert len(resources(document, "AWS::CloudWatch::Alarm")) == cost.ALARMS
    assert len(resources(document, "AWS::CloudWatch::Dashboard")) == cost.DASHBOARDS
    assert document["Parameters"]["LogRetentionDays"]["Default"] == cost.LOGS_KEPT_DAYS


def test_every_metric_that_the_code_names_is_charged() -> None:
    code = [*(ROOT / "functions").rglob("*.py"), *(ROOT / "shared/drumbeat").rglob("*.py")]
    source = "".join(file.read_text() for file in code)

    named = set(re.findall(r'(?:add_metric|single_metric)\(\s*"(\w+)"', source))
    named |= set(re.findall(r'^ +"\w+": "([A-Z]\w+)",$', (ROOT / "functions/worker/app.py").read_text(), re.MULTILINE))
    named |= set(
        re.findall(
            r'^[A-Z]+ = "([A-Z][a-z]+[A-Z]\w+)"', (ROOT / "shared/drumbeat/ingest/door.py").read_text(), re.MULTILINE
        )
    )

    assert len(named) == cost.METRICS, sorted(named)

"""The state machine: that the documents show the one the code runs on, and what holds of it."""

import os
import re
from pathlib import Path

from drumbeat.core.status import ALLOWED, FINAL, MOVES, Status

ROOT = Path(__file__).resolve().parents[3]
GUARANTEES = ROOT / "docs" / "guarantees.md"
BEGIN, END = (
    "<!-- statuses: written by tests/unit/core/test_status.py from drumbeat/core/status.py -->",
    "<!-- /statuses -->",
)


def table() -> str:
    rows = [f"| {f'`{before}`' if before else '–'} | `{after}` | {when} |" for before, after, when in MOVES]
    return "\n".join(["| from | to | when |", "|---|---|---|", *rows])


def test_the_guarantees_list_the_moves_that_the_code_runs_on() -> None:
    """Run with WRITE_DOCS=1 after a change of the table."""
    text = GUARANTEES.read_text()
    before, _, rest = text.partition(BEGIN)
    shown, _, after = rest.partition(END)
    if os.environ.get("WRITE_DOCS"):
        GUARANTEES.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}")
        return

    assert shown.strip() == table()


def test_the_readme_draws_every_status() -> None:
    (section,) = re.findall(r"^## Statuses\n(.*?)^## ", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    drawing = section.split("```")[1]

    assert {status for status in Status if not re.search(rf"\b{status}\b", drawing)} == set()


def test_no_arrow_is_drawn_twice() -> None:
    assert len(ALLOWED) == len(MOVES)


def test_every_status_can_be_reached() -> None:
    assert {after for _, after in ALLOWED} == set(Status)


def test_only_a_person_leads_out_of_a_final_status() -> None:
    leaving = {(before, after): when for before, after, when in MOVES if before in FINAL}

    assert all("a person" in when for when in leaving.values())

"""The state machine, and that the README draws the one the code runs on."""

import os
from pathlib import Path

from drumbeat.core.status import ALLOWED, FINAL, MOVES, Status

README = Path(__file__).resolve().parents[3] / "README.md"
BEGIN, END = (
    "<!-- statuses: written by tests/unit/core/test_status.py from drumbeat/core/status.py -->",
    "<!-- /statuses -->",
)


def table() -> str:
    rows = [f"| {f'`{before}`' if before else '–'} | `{after}` | {when} |" for before, after, when in MOVES]
    return "\n".join(["| from | to | when |", "|---|---|---|", *rows])


def test_the_readme_shows_the_statuses_that_the_code_runs_on() -> None:
    """Run with WRITE_README=1 after a change of the table."""
    text = README.read_text()
    before, _, rest = text.partition(BEGIN)
    shown, _, after = rest.partition(END)
    if os.environ.get("WRITE_README"):
        README.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}")
        return

    assert shown.strip() == table()


def test_no_arrow_is_drawn_twice() -> None:
    assert len(ALLOWED) == len(MOVES)


def test_every_status_can_be_reached() -> None:
    assert {after for _, after in ALLOWED} == set(Status)


def test_only_a_person_leads_out_of_a_final_status() -> None:
    leaving = {(before, after): when for before, after, when in MOVES if before in FINAL}

    assert all("a person" in when for when in leaving.values())

"""The state machine of a run is one table: the migration, the documents and the code have the same."""

import os
import re
from pathlib import Path

from drumbeat.core.runs import ALLOWED, MOVES, RunState

ROOT = Path(__file__).resolve().parents[3]
GUARANTEES = ROOT / "docs" / "guarantees.md"
MIGRATION = ROOT / "shared" / "drumbeat" / "ledger" / "migrations" / "015_runs.sql"
BLOCK = re.compile(r"(<!-- runs:[^>]*-->\n)(.*?)(<!-- /runs -->)", re.DOTALL)


def table() -> str:
    rows = [f"| {f'`{before}`' if before else '–'} | `{after}` | {when} |\n" for before, after, when in MOVES]
    return "| from | to | when |\n|---|---|---|\n" + "".join(rows)


def test_the_guarantees_list_the_moves_of_a_run_that_the_code_runs_on() -> None:
    """Run with WRITE_DOCS=1 after a change of the table."""
    text = GUARANTEES.read_text()
    found = BLOCK.search(text)
    assert found is not None
    if os.environ.get("WRITE_DOCS"):
        GUARANTEES.write_text(BLOCK.sub(lambda block: block[1] + table() + block[3], text))
        return

    assert found[2] == table()


def test_the_journal_of_runs_allows_the_moves_of_the_code_and_no_others() -> None:
    allowed = re.search(r"run_moves CHECK \((.*?)\n    \)\)", MIGRATION.read_text(), re.DOTALL)
    assert allowed is not None

    assert set(re.findall(r"'(\w*>\w+)'", allowed[1])) == {f"{before or ''}>{after}" for before, after in ALLOWED}


def test_each_state_is_reached_and_can_be_left() -> None:
    assert {after for _, after, _ in MOVES} == set(RunState)
    assert {before for before, _, _ in MOVES if before} == set(RunState)

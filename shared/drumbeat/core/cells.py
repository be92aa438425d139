"""Cells of CSV files that spreadsheets open: none of them is a formula."""

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_QUOTED_FORMULA = re.compile(r"'+[=+\-@\t\r]")


def formula_quoted(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: `'` is put before what begins one."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def formula_unquoted(cell: str) -> str:
    """Undo `formula_quoted`."""
    return cell[1:] if _QUOTED_FORMULA.match(cell) else cell

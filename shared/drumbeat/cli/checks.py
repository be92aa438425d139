"""Checks as doctor and smoke print them: one line each, and below it what mends it or is left to do."""

from collections.abc import Iterable
from typing import Any

from drumbeat.cli.output import plain, show

type Check = dict[str, Any]  # name, ok, detail, fix: as the deployment's own doctor writes it


def check(name: str, ok: bool, detail: str, fix: str | None = None) -> Check:
    """Write one check down."""
    return {"name": name, "ok": ok, "detail": detail, "fix": None if ok else fix}


def print_checks(checks: Iterable[Check]) -> None:
    """Print checks for people."""
    for each in checks:
        good = "[yellow]note[/]" if each["fix"] else "[green]ok  [/]"
        mark = good if each["ok"] else "[bold red]FAIL[/]"
        show(f"{mark} {plain(each['name'])}: {plain(each['detail'])}")
        if each["fix"]:
            show(f"     → {plain(each['fix'])}")


def verdict(checks: Iterable[Check]) -> str:
    """Say how it stands in all."""
    wrong = sum(not each["ok"] for each in checks)
    return f"[bold]{wrong} to mend[/]" if wrong else "[green]all is well[/]"

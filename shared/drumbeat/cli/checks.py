"""Checks as doctor and smoke print them: one line each, and below it how to repair it or what is left to do."""

from collections.abc import Iterable
from typing import Any

from drumbeat.cli.output import plain, show

type Check = dict[str, Any]  # name, ok, detail, fix: as the deployment's own doctor writes it


def check(name: str, ok: bool, detail: str, fix: str | None = None) -> Check:
    """Return one check."""
    return {"name": name, "ok": ok, "detail": detail, "fix": None if ok else fix}


def note(name: str, detail: str, advice: str) -> Check:
    """Return a check that found nothing wrong, and says what is left to do or could not be seen."""
    return {"name": name, "ok": True, "detail": detail, "fix": advice}


def print_checks(checks: Iterable[Check]) -> None:
    """Print checks for people."""
    for each in checks:
        good = "[yellow]note[/]" if each["fix"] else "[green]ok  [/]"
        label = good if each["ok"] else "[bold red]FAIL[/]"
        show(f"{label} {plain(each['name'])}: {plain(each['detail'])}")
        if each["fix"]:
            show(f"     → {plain(each['fix'])}")


def verdict(checks: Iterable[Check]) -> str:
    """Return the result of all checks."""
    wrong = sum(not each["ok"] for each in checks)
    return f"[bold]{wrong} to repair[/]" if wrong else "[green]all is well[/]"

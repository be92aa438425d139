"""Runs and their plans as a terminal shows them, in 80 columns."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from drumbeat.cli.output import count, moment, plain, show, span, status, table
from drumbeat.cli.runs_found import Run, short
from drumbeat.core.left_out import LEFT_OUT

ZONES_SHOWN = 12
SAMPLE_SHOWN = 5
MEGABYTE = 1_000_000

# Why a mail was refused, where it is for another reason than those.
REFUSED = {
    "refused_by_provider": "the provider refused it",
    "feedback": "the provider said so later",
    "refused_late": "the provider said so later",
    "secret_missing": "a secret is missing",
}


def show_run(run: Run) -> None:
    """Print where a run stands."""
    show(f"[bold]run {run['runId']}[/] of {plain(run['campaign'])}, configuration {run['configVersion']}")
    show(
        f"{status(run['state'])} since {moment(run['updatedAt'])}"
        + (f": {plain(run['reason'])}" if run["reason"] else "")
    )
    for line in _facts(run):
        show(line)
    if (held_up := waiting(run)) is not None:
        show(f"[yellow]{held_up}[/]")
    for totals in run["totals"]:
        show("", *_step(totals))
    if reached_no_one(run):
        show("[bold red]every mail was refused: no one got it[/]")
    if run["unaccounted"]:
        show(f"[bold red]{_people(run['unaccounted'])} not accounted for[/]: drumbeat verify")
    if any(each["mailed"] for each in run["when"]):
        show("", _when(run))
    show("", _journal(run))
    for line in _next(run):
        show(line)


def show_people(people: Iterable[Mapping[str, Any]]) -> None:
    """Print where each of some people of a run is, step by step."""
    rows = [
        (plain(person["address"] or "erased"), plain(step["step"]), *_whereabouts(step))
        for person in people
        for step in person["steps"]
    ]
    show(table(("person", "step", "is", "why"), rows) if rows else "no such people")


def _whereabouts(step: Mapping[str, Any]) -> tuple[str, str]:
    if step["leftOut"] is not None:
        return "left out", _why(step["leftOut"])
    return status(step["status"]) if step["status"] else "not begun", plain(step["reason"] or "")


def show_plan(run: Run) -> None:
    """Print what would be sent to whom, and when."""
    plan = run["plan"]
    show(f"[bold]plan {run['runId']}[/] of {plain(run['campaign'])}, configuration {run['configVersion']}")
    for says, totals in zip(run["says"], run["totals"], strict=True):
        people = _people(plan["mails"][says["step"]])
        show(f"step {plain(says['step'])}: {people} by account {plain(says['account'])}")
        if words := [f"{name} {plain(says[name])}" for name in ("list", "template") if says[name]]:
            show(f"  {', '.join(words)}")
        if says["subject"]:
            show(f"  subject: {plain(says['subject'])}")
        if says["template"]:
            show(f"  look at it: drumbeat preview {plain(says['template'])}   [dim]as it is on disk[/]")
        for reason, number in totals["leftOut"].items():
            show(f"  left out: {number:,} {_why(reason)}")
    if any(each["mailed"] for each in run["when"]):
        show("", _when(run))
    if (held_up := waiting(run)) is not None:
        show("", f"[yellow]{held_up}[/]")
    show("", *_effort(plan))
    if sample := [each["address"] or "erased" for each in plan["sample"][:SAMPLE_SHOWN]]:
        show(f"for example: {plain(', '.join(sample))}")
    for each in plan.get("unknown") or ():
        show(f"[bold yellow]note[/] {_people(each['people'])}: {plain(each['field'])} {plain(each['why'])}")
    for warning in plan["warnings"]:
        show(f"[bold yellow]note[/] {plain(warning)}")
    for path in plan["changed"]:
        show(f"[bold red]changed since[/] {plain(path)}")
    show(f"[dim]hash {plan['hash']}[/]")


def waiting(run: Run) -> str | None:
    """Say for which hour or turn people wait, as nothing is sent to them before; None: nothing holds them up."""
    waits = run.get("waits")  # a deployment before this release does not say
    if waits is None:
        return None
    wait = "waits" if waits["number"] == 1 else "wait"
    return f"{waits['number']:,} {wait}: {plain(waits['reason'])}; the next mail {moment(waits['next'])}"


def counted(run: Run) -> int:
    """Return how many mails a plan has."""
    return sum(run["plan"]["mails"].values())


def _facts(run: Run) -> Iterator[str]:
    progress = run["progress"]
    if run["resumesAt"]:
        yield f"goes on by itself {moment(run['resumesAt'])}"
    if progress["gathered"] < progress["chunks"]:
        yield f"its people are being recorded: {progress['gathered']:,} of {progress['chunks']:,} parts"
    if run["approval"]:
        why = f": {plain(run['approval']['reason'])}" if run["approval"].get("reason") else ""
        yield f"approved by {plain(run['approval']['actor'])} {moment(run['approval']['at'])}{why}"
    yield f"{_people(run['people'])} in its audience" + (
        f", {run['cameLater']:,} more came later and are not mailed" if run["cameLater"] else ""
    )


def reached_no_one(run: Run) -> bool:
    """Return whether each mail of a run that has ended was refused: its template, or its account, is at fault."""
    refused, accepted = (sum(totals[name] for totals in run["totals"]) for name in ("refused", "accepted"))
    return run["state"] == "finished" and refused > 0 and not accepted


def _step(totals: Mapping[str, Any]) -> Iterator[str]:
    names = {"accepted": "accepted", "waiting": "waiting", "notExpanded": "not begun", "inFlight": "in flight"}
    names |= {"held": "held", "refused": "refused"}
    parts = [f"{totals[name]:,} {label}" for name, label in names.items() if totals[name]]
    yield f"step {plain(totals['step'])}: {', '.join(parts) or 'nothing to send'}"
    yield from (f"  refused: {people:,} {_why(reason)}" for reason, people in totals.get("refusedFor", {}).items())
    yield from (f"  cancelled: {people:,} {_why(reason)}" for reason, people in totals["cancelled"].items())
    yield from (f"  left out: {people:,} {_why(reason)}" for reason, people in totals["leftOut"].items())


def _when(run: Run) -> Table:
    """Lay out when how many are mailed: by zone, where zones are mailed at different times."""
    zones = [each for each in run["when"] if each["mailed"]]
    times = [(f"{each['mailed']:,}", _exact(each["first"]), _until(each)) for each in zones[:ZONES_SHOWN]]
    if not run.get("byZone", True):  # a deployment before this release does not say
        return table(("mailed", "first", "last"), times)
    names = [plain(each["zone"] or "no zone said") for each in zones]
    rows = [(name, *each) for name, each in zip(names, times, strict=False)]
    if len(zones) > ZONES_SHOWN:
        rows.append((f"{len(zones) - ZONES_SHOWN} zones more", "", "", ""))
    return table(("zone", "mailed", "first", "last"), rows)


def _until(zone: Mapping[str, Any]) -> str:
    return _exact(zone["last"]) if zone["last"] != zone["first"] else ""


def _exact(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M}Z"


def _by_limits(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f", about {span(seconds)} by its limits" if seconds >= 1 else ", at once by its limits"


def _effort(plan: Mapping[str, Any]) -> Iterator[str]:
    for each in plan["accounts"]:
        yield f"account {plain(each['account'])}: {count(each['mails'], 'call')}{_by_limits(each['seconds'])}"
    if plan["paceSeconds"] is not None:
        yield f"at the campaign's pace: {span(plan['paceSeconds'])}"
    if plan["ledgerBytes"] >= MEGABYTE:
        yield f"about {plan['ledgerBytes'] / MEGABYTE:,.0f} MB of the ledger"


def _journal(run: Run) -> Table:
    rows = [
        (
            each["toState"],
            moment(each["at"]),
            plain(each["actor"] + (f": {each['reasonDetail']}" if each["reasonDetail"] else "")),
        )
        for each in run["journal"]
    ]
    return table(("state", "when", "by"), rows)


def _next(run: Run) -> Iterator[str]:
    """Say what a person may do now."""
    id = short(run)
    match run["state"]:
        case "planned" if not run["starts"] and run["planHash"]:
            yield f"a plan that was not started: drumbeat campaign run {id}"
        case "awaiting_approval":
            yield f"it waits for a person: drumbeat campaign approve {id}"
        case "paused":
            yield f"drumbeat campaign resume {id} --reason …"
        case "missed":
            yield f"nothing is sent unless a person says so: drumbeat campaign missing {id}"
        case "finished" | "cancelled" if _without(run):
            yield f"who did not get it: drumbeat campaign missing {id}"


def _without(run: Run) -> bool:
    reasons = {"missed", "run_cancelled", "expired"}
    return any(totals["refused"] or reasons & {*totals["cancelled"], *totals["leftOut"]} for totals in run["totals"])


def _why(reason: str) -> str:
    return LEFT_OUT.get(reason) or REFUSED.get(reason, plain(reason))


def _people(number: int) -> str:
    return f"{number:,} {'person' if number == 1 else 'people'}"

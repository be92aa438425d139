"""The report at the end."""

from collections.abc import Mapping, Sequence
from statistics import quantiles

from rich.console import Console
from rich.table import Table

from tests.chaos.callers import Receipts
from tests.chaos.oracle import Verdict, grouped
from tests.chaos.people import Said
from tests.chaos.peoples_oracle import PeoplesVerdict
from tests.chaos.recovery import Recovery
from tests.chaos.reports_oracle import ReportsVerdict

MAX_SHOWN_VIOLATIONS = 5  # violations of each kind

console = Console(highlight=False, width=118)


def show(
    verdict: Verdict, receipts: Receipts, recovery: Recovery, faults: Mapping[str, int], violations: Sequence[str]
) -> None:
    """Print the tables and each kind of violation."""
    _show_faults(faults)
    _show_classes(verdict)
    buffered = sum(receipt.buffered for receipt in receipts.held.values())
    answers = ", ".join(f"{number} × {status}" for status, number in sorted(receipts.answers.items()))
    fact("events accepted", f"{verdict.accepted}, {buffered} of them into the buffer; answers to callers: {answers}")
    fact(
        "claims of dead workers", f"{recovery.freed}, freed at most {recovery.longest_seconds:.0f} s after their lease"
    )
    fact("last move after the last kill", f"{recovery.done_seconds:.0f} s")
    for kind, found in grouped(violations).items():
        console.print(f"[bold red]{kind}[/]: {len(found)}")
        for violation in found[:MAX_SHOWN_VIOLATIONS]:
            console.print(f"  {violation}", markup=False, soft_wrap=True)


def show_traces(counted: str, violations: Sequence[str]) -> None:
    """Print what the collector of traces has, and what it should have."""
    fact("traces", counted)
    for violation in violations[:MAX_SHOWN_VIOLATIONS]:
        console.print(f"  {violation}", markup=False, soft_wrap=True)


def show_people(said: Said, verdict: PeoplesVerdict) -> None:
    """Print what people did, what became of their mails, and which exceptions there were."""
    finished = ", ".join(f"{number} {way}" for way, number in sorted(said.finished.items()))
    answers = ", ".join(f"{number} × {status}" for status, number in sorted(said.answers.items()) if number)
    fact("people who did all they wanted", f"{finished}; answers to them: {answers}")
    fact("acknowledged to people", f"{len(said.sign_ups)} sign-ups, {len(said.confirmed)} confirmations")
    fact("presses that came too fast", said.asked_again)
    fact(
        "withdrawals",
        f"{len(said.withdrawals)}, {verdict.queued} of them into their queue; then {len(said.returns)} returns",
    )
    fact("editions by programs", len(said.editions))
    for kind, number in sorted(verdict.mails.items()):
        fact("mails of lists", f"{number} {kind}")
    for exception, number in sorted(verdict.exceptions.items()):
        fact("mailed after a withdrawal", f"{number}: {exception}")

    fact("erased", f"{len(said.erased)}, {len(said.late_copies)} of whom had a copy in the buffer that came later")


def show_reports(verdict: ReportsVerdict) -> None:
    """Print which reports of providers are kept, and how many mails they stopped."""
    kept = ", ".join(f"{number} {kind}" for kind, number in sorted(verdict.kept.items()))
    fact("reports of providers", kept or "none")
    for reason, number in sorted(verdict.stopped.items()):
        fact("mails stopped", f"{number}: their person had {reason}")


def fact(name: str, value: object) -> None:
    """Print one fact."""
    console.print(f"{name:<32}{value}", markup=False, soft_wrap=True)


def _show_faults(faults: Mapping[str, int]) -> None:
    table = Table("fault", "times", box=None)
    for name, number in sorted(faults.items()):
        table.add_row(name, str(number))
    console.print(table)


def _show_classes(verdict: Verdict) -> None:
    table = Table(
        "class", "wanted", "done once", "doubled", "lost", "held, not done", "held, done", "blocked", box=None
    )
    for name in ("median", "p99", "longest"):
        table.add_column(name, justify="right")
    for letter, tally in verdict.tallies.items():
        cuts = quantiles(tally.seconds, n=100) if len(tally.seconds) > 1 else [0.0] * 99
        table.add_row(
            letter,
            *map(str, (tally.wanted, tally.once, len(tally.doubled), len(tally.lost))),
            *map(str, (tally.held_undone, tally.held_done, tally.blocked)),
            *(f"{seconds:.1f} s" for seconds in (cuts[49], cuts[98], max(tally.seconds, default=0.0))),
        )
    console.print(table)
    for letter, tally in verdict.tallies.items():
        for reason, number in tally.reasons.most_common():
            console.print(f"{number} of class {letter} held: {reason}", markup=False, soft_wrap=True)

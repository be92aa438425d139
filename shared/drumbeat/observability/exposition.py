"""The ledger in Prometheus's text format."""

from collections.abc import Iterable, Iterator, Mapping

from drumbeat.core.runs import RunState
from drumbeat.core.status import Status
from drumbeat.views import AccountItem, Totals
from drumbeat.views.derived import EVENT_STATUSES

OPEN_RUNS = (
    RunState.PLANNED,
    RunState.AWAITING_APPROVAL,
    RunState.EXPANDING,
    RunState.RUNNING,
    RunState.PAUSED,
)

type Sample = tuple[Mapping[str, str], float]


def exposition(
    totals: Totals,
    accounts: Iterable[AccountItem],
    dead_letters: int | None,
    runs: Mapping[str, int],
    unaccounted: int | None,
) -> str:
    """Write all metrics. What cannot be read now is left out, so that an alarm on absence fires."""
    return "".join([*_lines(totals, list(accounts), dead_letters), *_of_runs(runs, unaccounted)])


def _lines(totals: Totals, accounts: list[AccountItem], dead_letters: int | None) -> Iterator[str]:
    yield from _metric(
        "drumbeat_events_24h",
        "Events received in the last 24 hours, by derived status.",
        [({"status": status}, totals.events.get(status, 0)) for status in EVENT_STATUSES],
    )
    yield from _metric(
        "drumbeat_effects",
        "Effects by account and status.",
        [
            ({"account": each.account, "status": status}, each.effects.get(status, 0))
            for each in accounts
            for status in Status
        ],
    )
    yield from _metric(
        "drumbeat_oldest_due_seconds",
        "How long the account's oldest due effect has been waiting.",
        [({"account": each.account}, each.oldest_due or 0) for each in accounts],
    )
    yield from _metric(
        "drumbeat_account_running",
        "1 while the account takes calls, 0 while it is paused or probed.",
        [
            ({"account": each.account}, float(each.state in ("running", "failing")))
            for each in accounts
            if each.state != "unreadable"
        ],
    )
    yield from _metric("drumbeat_unplanned_events", "Recorded events without a plan.", [({}, totals.unplanned)])
    yield from _metric(
        "drumbeat_oldest_unplanned_seconds",
        "How long the oldest recorded event has been without a plan.",
        [({}, totals.oldest_unplanned or 0)],
    )
    if dead_letters is not None:
        yield from _metric("drumbeat_dead_letters", "Messages in the dead letter queue.", [({}, dead_letters)])


def _of_runs(runs: Mapping[str, int], unaccounted: int | None) -> Iterator[str]:
    yield from _metric(
        "drumbeat_runs_open",
        "Runs of campaigns that have not ended, by state.",
        [({"state": state}, runs.get(state, 0)) for state in OPEN_RUNS],
    )
    if unaccounted is not None:
        yield from _metric(
            "drumbeat_unaccounted_recipients",
            "People of runs who are nowhere, or twice: 0, always.",
            [({}, unaccounted)],
        )


def _metric(name: str, text: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {text}\n# TYPE {name} gauge\n"
    for labels, value in samples:
        yield f"{name}{_labels(labels)} {value:g}\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

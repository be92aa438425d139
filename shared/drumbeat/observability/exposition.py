"""A snapshot of the ledger in Prometheus's text format."""

from collections.abc import Iterable, Iterator, Mapping

from drumbeat.core.invariants import Invariant
from drumbeat.core.runs import RunState
from drumbeat.core.status import Status
from drumbeat.observability.snapshot import AccountNumbers, Snapshot
from drumbeat.views.derived import EVENT_STATUSES

OPEN_RUNS = (
    RunState.PLANNED,
    RunState.AWAITING_APPROVAL,
    RunState.EXPANDING,
    RunState.RUNNING,
    RunState.PAUSED,
)
NONE = "# There is no snapshot in Redis: the relay writes one as soon as it has read the ledger.\n"

INVARIANTS: Mapping[Invariant, str] = {
    Invariant.DUPLICATES: "Effects that were accepted more than once: 0, always.",
    Invariant.UNACCOUNTED_RECIPIENTS: "People of runs who are nowhere, or twice: 0, always.",
    Invariant.JOURNAL_GAPS: "Effects whose journal is not whole, or says something else than their row: 0, always.",
    Invariant.UNKNOWN_OVERDUE: "Unknown outcomes that were not looked into for long after their time: 0, always.",
    Invariant.PLAN_DEVIATION: "Effects of runs outside of the snapshot that was planned or approved: 0, always.",
}

type Sample = tuple[Mapping[str, str], float]


def exposition(snapshot: Snapshot | None, now: float) -> str:
    """Write all metrics. What is not known is left out, so that an alarm on absence fires; that may be everything."""
    return "".join(_lines(snapshot, now)) if snapshot else NONE


def _lines(snapshot: Snapshot, now: float) -> Iterator[str]:
    yield from _metric(
        "drumbeat_snapshot_age_seconds",
        "How long ago these numbers were read. They stay as they are while nothing happens.",
        [({}, snapshot.age(now))],
    )
    yield from _metric(
        "drumbeat_events_24h",
        "Events received in the last 24 hours, by derived status.",
        [({"status": status}, snapshot.events.get(status, 0)) for status in EVENT_STATUSES],
    )
    yield from _of_accounts(snapshot.accounts)
    yield from _metric("drumbeat_unplanned_events", "Recorded events without a plan.", [({}, snapshot.unplanned)])
    yield from _metric(
        "drumbeat_oldest_unplanned_seconds",
        "How long the oldest recorded event has been without a plan.",
        [({}, snapshot.oldest_unplanned or 0)],
    )
    if snapshot.dead_letters is not None:
        yield from _metric("drumbeat_dead_letters", "Messages in the dead letter queue.", [({}, snapshot.dead_letters)])
    yield from _metric(
        "drumbeat_runs_open",
        "Runs of campaigns that have not ended, by state.",
        [({"state": state}, snapshot.runs.get(state, 0)) for state in OPEN_RUNS],
    )
    for invariant, text in INVARIANTS.items():
        yield from _metric(f"drumbeat_{invariant}", text, [({}, snapshot.violations.get(invariant, 0))])


def _of_accounts(accounts: Iterable[AccountNumbers]) -> Iterator[str]:
    accounts = list(accounts)
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
        "drumbeat_refused_24h",
        "Effects that were refused in the last 24 hours, and are still.",
        [({"account": each.account}, each.refused) for each in accounts],
    )
    yield from _metric(
        "drumbeat_oldest_due_seconds",
        "How long the account's oldest due effect has been waiting.",
        [({"account": each.account}, each.oldest_due or 0) for each in accounts],
    )
    yield from _metric(
        "drumbeat_account_running",
        "1 while the account takes calls, 0 while it is stopped, paused or probed.",
        [
            ({"account": each.account}, float(each.state in ("running", "failing")))
            for each in accounts
            if each.state != "unreadable"
        ],
    )


def _metric(name: str, text: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {text}\n# TYPE {name} gauge\n"
    for labels, value in samples:
        yield f"{name}{_labels(labels)} {value!r}\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

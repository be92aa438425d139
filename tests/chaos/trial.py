"""One trial from beginning to end: load and faults, the end of all faults, completion, the verdict."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import Random
from uuid import UUID

from drumbeat.core.feedback import Kind
from drumbeat.providers.ses import HORIZON
from tests.chaos import completion, erasures, oracle, provider_faults, recovery, report, workload
from tests.chaos.callers import Callers, Receipts
from tests.chaos.completion import Acknowledged
from tests.chaos.crowd import Beside, Crowd
from tests.chaos.environment import RELAY_INTERVAL_SECONDS, Environment
from tests.chaos.faults import STOPPED, Faults
from tests.chaos.inboxes import Inboxes
from tests.chaos.people import SHARE, people
from tests.chaos.peoples_ledger import PeoplesLedger
from tests.chaos.peoples_oracle import PeoplesOracle
from tests.chaos.provider_faults import REPORTS_SHARE
from tests.chaos.report import fact
from tests.chaos.reports_ledger import ReportsLedger
from tests.chaos.reports_oracle import ReportsOracle
from tests.chaos.sandbox_reports import told
from tests.chaos.schedule import (
    MIN_KILLS_FOR_EVERY_FAULT,
    OCCURRENCES,
    WORKER_KILLED,
    missed,
    schedule,
    schedule_upgrade,
)
from tests.chaos.traces import Traces
from tests.chaos.verification import verify
from tests.flow.stacks import ROOT
from tests.releases import before

PROGRESS_INTERVAL_SECONDS = 15.0
MAX_EXTRA_SECONDS = 120.0  # that callers may take longer than planned
MAX_COMPLETION_SECONDS = 120.0  # after the last fault
MAX_WAIT_SECONDS = 300.0  # for the completion, to say how late it was
STOPPING_KINDS = (Kind.BOUNCED, Kind.SOFT_BOUNCED, Kind.COMPLAINED, Kind.UNSUBSCRIBED)
MARGIN = timedelta(minutes=1)  # beyond the time that class F waits


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is sent and broken, and for how long; the seed decides the rest."""

    events: int
    kills: int
    minutes: float
    seed: int
    only_kills: bool = False
    relay_every: float = RELAY_INTERVAL_SECONDS
    keep: bool = False  # the folder, even when all is well
    upgrade: bool = False  # begin with the release before; upgrade, roll back and upgrade again meanwhile


def run(plan: Plan) -> int:
    """Carry out one trial; returns 0 when no promise was broken. Otherwise everything is kept for inspection."""
    began = time.monotonic()
    fact("seed", plan.seed)
    traces = Traces(Random(plan.seed))
    code = before.folder() if plan.upgrade else ROOT
    with closing(traces), Environment(plan.relay_every, code, variables=traces.variables) as environment:
        fact("the stack answers after", f"{time.monotonic() - began:.0f} s, in {environment.folder}")
        violations = _carry_out(environment, plan)
        if not plan.upgrade:  # the release before exports none
            wrong = traces.check(environment)
            report.show_traces(traces.counted, wrong)
            violations += wrong
        environment.keep = plan.keep or bool(violations)
    fact("the whole took", f"{time.monotonic() - began:.0f} s")
    if environment.keep:
        fact("ledger, record and logs", f"kept in {environment.folder}; again: --seed {plan.seed}")
    return 1 if violations else 0


def _carry_out(environment: Environment, plan: Plan) -> list[str]:
    random = Random(plan.seed)
    # The release before knows no lists, and nothing of what providers report.
    of_people, of_reports = (0, 0) if plan.upgrade else (round(plan.events * share) for share in (SHARE, REPORTS_SHARE))
    unknown = workload.UNKNOWN_BEFORE if plan.upgrade else ()
    leads = workload.leads(plan.events - of_people - of_reports, random, unknown)
    posts = workload.posts(leads, plan.minutes * 60, random)
    receipts = Receipts(environment.folder / "receipts.jsonl")
    door = environment.stack.ready["url"], environment.stack.ready["api_key"]
    callers = Callers(*door, posts, receipts, plan.seed)
    inboxes = Inboxes(environment.record)
    faults = Faults(environment, random)
    beside = Beside(environment.sandbox_url, partial(environment.queue, "BufferQueue"))
    crowd = Crowd(*door, people(of_people, plan.minutes * 60, random), inboxes, faults.postgres_down, beside)
    for lie in provider_faults.ALWAYS if of_reports else provider_faults.ALWAYS[:1]:
        environment.command("lies", lie)
    names = [WORKER_KILLED] if plan.only_kills else list(OCCURRENCES)
    if plan.upgrade and STOPPED in names:  # workers of the release before do not know stops
        names.remove(STOPPED)
    schedule(faults, names, plan.kills, plan.minutes * 60, random)
    if plan.upgrade:
        schedule_upgrade(faults, plan.minutes * 60, environment.code)

    crowd.start()
    _run_load(callers, faults, receipts, len(leads), plan)
    faults.end_all()
    last_fault = time.monotonic()
    crowd.finish()
    acknowledged, progress = _acknowledged(receipts, crowd), _progress_printer()
    waited = completion.wait_for_completion(
        environment, acknowledged, last_fault, MAX_WAIT_SECONDS, progress, silence=True
    )
    in_time = waited is not None and waited <= MAX_COMPLETION_SECONDS
    violations = [] if in_time else [f"not complete: {MAX_COMPLETION_SECONDS:.0f} s after the last fault"]
    fact("complete after the last fault", "never" if waited is None else f"{waited:.0f} s")

    recovered = recovery.recovery(environment.postgres.url("drumbeat"), faults.killed_at)
    violations += _check_people(environment, crowd, inboxes, faults)
    if not plan.upgrade:
        violations += erasures.come_back(environment, crowd.said, inboxes)
        violations += _end_silence(environment, acknowledged)
        violations += _check_reports(environment, plan)
        violations += erasures.left(environment, crowd.said)
    verdict = oracle.check(leads, receipts, environment.record, environment.listed("/v1/effects?status=held"))
    violations += verdict.violations
    violations += [f"never happened: {fault}" for fault in missed(faults.counts, names, plan.kills)]
    if crowd and plan.kills >= MIN_KILLS_FOR_EVERY_FAULT:
        done = {"a withdrawal": crowd.said.withdrawals, "an erasure": crowd.said.erased}
        done |= {} if plan.only_kills else {"a copy that came after an erasure": crowd.said.late_copies}
        violations += [f"never happened: {name}" for name, found in done.items() if not found]
    if environment.deployed != ROOT:
        violations.append("the present code is not deployed")
    violations += [f"stuck too long: {effect}" for effect in recovered.late]
    violations += verify(environment)
    report.show(verdict, receipts, recovered, faults.counts + _injected_faults(environment), violations)
    return violations


def _acknowledged(receipts: Receipts, crowd: Crowd) -> Acknowledged:
    events = {UUID(receipt.event_id) for receipt in receipts.held.values()} | crowd.said.events
    return Acknowledged(events, {one.mail for one in crowd.said.withdrawals})


def _check_people(environment: Environment, crowd: Crowd, inboxes: Inboxes, faults: Faults) -> list[str]:
    if not crowd:
        return []
    ledger = PeoplesLedger.read(environment.ledger_urls[0])
    verdict = PeoplesOracle(crowd.said, ledger, inboxes.mails(), faults.valkey_at).check()
    report.show_people(crowd.said, verdict)
    return verdict.violations


def _end_silence(environment: Environment, acknowledged: Acknowledged) -> list[str]:
    """Let the time be over in which class F waits for reports: what none came of is held."""
    environment.turn_clock(HORIZON + MARGIN)
    began = time.monotonic()
    progress = _progress_printer()
    waited = completion.wait_for_completion(environment, acknowledged, began, MAX_COMPLETION_SECONDS, progress)
    fact("silence is accounted for after", "never" if waited is None else f"{waited:.0f} s")
    return [] if waited is not None else ["class F is not at its end: its time to wait for reports is over"]


def _check_reports(environment: Environment, plan: Plan) -> list[str]:
    verdict = ReportsOracle(told(environment.record), ReportsLedger.read(environment.ledger_urls[0])).check()
    report.show_reports(verdict)
    expected = STOPPING_KINDS if plan.kills >= MIN_KILLS_FOR_EVERY_FAULT else ()
    return [*verdict.violations, *(f"never happened: a report {kind}" for kind in expected if not verdict.kept[kind])]


def _run_load(callers: Callers, faults: Faults, receipts: Receipts, events: int, plan: Plan) -> None:
    """Run callers and faults until every fault has happened and everything is sent."""
    progress = _progress_printer()
    until = time.monotonic() + plan.minutes * 60 + MAX_EXTRA_SECONDS
    callers.start()
    while (callers.busy or faults.left) and time.monotonic() < until:
        faults.happen()
        progress(f"{len(receipts.held)} of {events} events received, {faults.counts['worker killed']} workers killed")
        time.sleep(0.02)
    faults.end_all()  # before waiting for the last callers: they may need what is broken
    until = time.monotonic() + MAX_EXTRA_SECONDS
    while callers.busy and time.monotonic() < until:
        time.sleep(0.1)
    callers.stop()


def _injected_faults(environment: Environment) -> Counter[str]:
    counts = environment.call("GET", "/_sandbox/counts?effects=0")["lies"]
    return Counter({f"provider fault {name}": number for name, number in counts.items()})


def _progress_printer() -> Callable[[str], None]:
    """Return a function that prints progress, at most every few seconds."""
    last = time.monotonic()

    def progress(text: str) -> None:
        nonlocal last
        if time.monotonic() > last + PROGRESS_INTERVAL_SECONDS:
            last = time.monotonic()
            fact(time.strftime("%H:%M:%S"), text)

    return progress

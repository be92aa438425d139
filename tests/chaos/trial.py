"""One trial from beginning to end: load and faults, the end of all faults, quiet, the verdict."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.chaos import lies, oracle, quiet, recovery, report, work
from tests.chaos.arena import Arena
from tests.chaos.callers import Callers, Receipts
from tests.chaos.faults import Faults
from tests.chaos.report import fact
from tests.chaos.schedule import missed, schedule

TOLD_EVERY = 15.0  # seconds
LATE = 120.0  # seconds that callers may take longer than planned
QUIET_WITHIN = 240.0  # seconds


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is sent and broken, and for how long; the seed settles the rest."""

    events: int
    kills: int
    minutes: float
    seed: int
    keep: bool = False  # the folder, whatever happens


def run(plan: Plan) -> int:
    """Carry out one trial; returns 0 when no promise was broken. Otherwise everything is kept to be looked at."""
    began = time.monotonic()
    fact("seed", plan.seed)
    with Arena() as arena:
        fact("the stack answers after", f"{time.monotonic() - began:.0f} s, in {arena.folder}")
        violations = _carry_out(arena, plan)
        arena.keep = plan.keep or bool(violations)
    fact("the whole took", f"{time.monotonic() - began:.0f} s")
    if arena.keep:
        fact("ledger, record and logs", f"kept in {arena.folder}; again: --seed {plan.seed}")
    return 1 if violations else 0


def _carry_out(arena: Arena, plan: Plan) -> list[str]:
    random = Random(plan.seed)
    leads = work.leads(plan.events, random)
    posts = work.posts(leads, plan.minutes * 60, random)
    receipts = Receipts(arena.folder / "receipts.jsonl")
    callers = Callers(arena.stack.ready["url"], arena.stack.ready["api_key"], posts, receipts, plan.seed)
    faults = Faults(arena, random)
    arena.order("lies", dict(lies.ALWAYS))
    schedule(faults, plan.kills, plan.minutes * 60, random)

    _storm(callers, faults, receipts, plan)
    faults.mend()
    calm = quiet.wait(arena, len(receipts.held), QUIET_WITHIN, _now_and_then())
    violations = [] if calm is not None else [f"not quiet: {QUIET_WITHIN:.0f} s after the last fault"]
    fact("quiet after the last fault", "never" if calm is None else f"{calm:.0f} s")

    recovered = recovery.recovery(arena.postgres.url("drumbeat"))
    verdict = oracle.judge(leads, receipts, arena.record, arena.listed("/v1/effects?status=held"))
    violations += verdict.violations
    violations += [f"never happened: {fault}" for fault in missed(faults.counts, plan.kills)]
    violations += [f"stuck too long: {effect}" for effect in recovered.late]
    violations += _verify(arena)
    report.show(verdict, receipts, recovered, faults.counts + _lies_told(arena), violations)
    return violations


def _storm(callers: Callers, faults: Faults, receipts: Receipts, plan: Plan) -> None:
    """Let faults happen until all that was planned has happened and everything is sent."""
    tell = _now_and_then()
    until = time.monotonic() + plan.minutes * 60 + LATE
    callers.start()
    while (callers.busy or faults.left) and time.monotonic() < until:
        faults.happen()
        tell(f"{len(receipts.held)} of {plan.events} events received, {faults.counts['worker killed']} workers killed")
        time.sleep(0.02)
    faults.mend()  # before the last callers are waited for: they may need what is broken
    until = time.monotonic() + LATE
    while callers.busy and time.monotonic() < until:
        time.sleep(0.1)
    callers.stop()


def _verify(arena: Arena) -> list[str]:
    """Ask the ledger for the promises that it knows to be broken."""
    found: list[str] = []
    cursor = ""
    while True:
        chunk = arena.read(f"/v1/verify{cursor}")
        if chunk is None:
            return [*found, "verify: it did not answer"]
        found += [
            f"verify {item['kind']}: {item['subject']} {item['id']}: {item['sentence']}" for item in chunk["items"]
        ]
        if chunk["next"] is None:
            return found
        cursor = f"?cursor={chunk['next']}"


def _lies_told(arena: Arena) -> Counter[str]:
    told = arena.call("GET", "/_sandbox/counts?effects=0")["lies"]
    return Counter({f"lie {name}": number for name, number in told.items()})


def _now_and_then() -> Callable[[str], None]:
    """Return a way to say something that is only heard every few seconds."""
    last = time.monotonic()

    def tell(words: str) -> None:
        nonlocal last
        if time.monotonic() > last + TOLD_EVERY:
            last = time.monotonic()
            fact(time.strftime("%H:%M:%S"), words)

    return tell

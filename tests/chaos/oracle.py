"""The verdict: the callers' receipts beside the providers' own record. Drumbeat is asked for one thing only: which
effects it holds, and why."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drumbeat.core.reasons import ReasonCode
from drumbeat.local.frames import Json
from tests.chaos.callers import Receipts
from tests.chaos.work import CLASSES, Deed, Lead

ACCOUNTS = {"hubspot": "crm", "resend": "gifts", "mailgun": "mail"}  # the receivers name themselves
# What may be held, by class, and why. K and D hold nothing else here: no key grows old in minutes.
REASONS: Mapping[str, tuple[ReasonCode, ...]] = {
    "K": (ReasonCode.WORKER_CRASHED,),
    "D": (ReasonCode.WORKER_CRASHED,),
    "Q": (ReasonCode.WORKER_CRASHED, ReasonCode.SEARCH_UNTRUSTED),
    "F": (ReasonCode.WORKER_CRASHED, ReasonCode.UNPROVABLE),
    "X": (ReasonCode.WORKER_CRASHED, ReasonCode.UNPROVABLE),
}


@dataclass(frozen=True, slots=True)
class Done:
    """What a provider did for somebody, and when it did it first, in seconds of the epoch."""

    times: int
    at: float


@dataclass
class Tally:
    """What became of one class of deeds."""

    wanted: int = 0
    once: int = 0
    held_undone: int = 0
    held_done: int = 0
    blocked: int = 0  # it comes after one that is held
    doubled: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)  # from receipt to deed


@dataclass
class Verdict:
    """What was found, by class, and what must not have been."""

    accepted: int
    tallies: dict[str, Tally]
    violations: list[str]


def judge(leads: Sequence[Lead], receipts: Receipts, record: Path, held: Iterable[Json]) -> Verdict:
    """Hold what was promised against what was done."""
    done = deeds(record)
    reasons = _reasons(receipts, held)
    tallies = {letter: Tally() for letter in sorted(set(CLASSES.values()))}
    violations = [f"given two ids: {key}" for key in receipts.other_ids]
    violations += [f"refused: {answer}" for answer in receipts.refused]
    for lead in leads:
        receipt = receipts.held.get(lead.key)
        if receipt is None:
            violations.append(f"never received: {lead.key}")
            continue
        for deed in lead.deeds:
            _count(tallies[CLASSES[deed.account]], deed, done.get(deed), receipt.at, reasons)
    violations += [f"done without being asked for: {deed}" for deed in sorted(done.keys() - _wanted(leads))]
    for letter, tally in tallies.items():
        violations += [f"done more than once: {deed}" for deed in tally.doubled]
        violations += [f"lost: {deed}" for deed in tally.lost]
        violations += [
            f"class {letter} must not be held because of: {reason} ({number})"
            for reason, number in tally.reasons.items()
            if reason not in REASONS[letter]
        ]
    return Verdict(len(receipts.held), tallies, violations)


def deeds(record: Path) -> dict[Deed, Done]:
    """Read what was really done from the sandbox's record."""
    times: Counter[Deed] = Counter()
    first: dict[Deed, float] = {}
    with record.open() as lines:
        for line in lines:
            entry = json.loads(line)
            for deed in _accepted(entry):
                times[deed] += 1
                first.setdefault(deed, entry["real"])
    return {deed: Done(number, first[deed]) for deed, number in times.items()}


def _accepted(entry: Json) -> Iterator[Deed]:
    account = ACCOUNTS.get(entry["provider"], entry["account"])
    for item in entry.get("items") or (entry,):
        if item["did"] == "accepted":
            whom = item.get("email") or entry["to"][0].rpartition("/")[2]
            yield Deed(account, whom)


def _reasons(receipts: Receipts, held: Iterable[Json]) -> dict[Deed, str]:
    """Return why deeds are held, by code."""
    keys = {receipt.event_id: key for key, receipt in receipts.held.items()}
    found: dict[Deed, str] = {}
    for effect in held:
        key = keys.get(effect["eventId"], effect["eventId"])
        found[Deed(effect["account"], f"{key}@example.com")] = effect["reasonCode"]
    return found


def _count(tally: Tally, deed: Deed, done: Done | None, promised: float, held: Mapping[Deed, str]) -> None:
    tally.wanted += 1
    if reason := held.get(deed):
        tally.reasons[reason] += 1
    if done is None:
        if reason:
            tally.held_undone += 1
        elif deed.account == "gifts" and deed.whom.startswith("welcome-") and Deed("mail", deed.whom) in held:
            tally.blocked += 1
        else:
            tally.lost.append(f"{deed.whom} by {deed.account}")
    elif done.times > 1:
        tally.doubled.append(f"{deed.whom} by {deed.account}, {done.times} times")
    else:
        tally.once += 1
        tally.held_done += reason is not None
        tally.seconds.append(max(0.0, done.at - promised))


def _wanted(leads: Sequence[Lead]) -> set[Deed]:
    return {deed for lead in leads for deed in lead.deeds}


def grouped(violations: Sequence[str]) -> Mapping[str, list[str]]:
    """Group violations by what they say before the colon."""
    groups: dict[str, list[str]] = defaultdict(list)
    for violation in violations:
        groups[violation.partition(":")[0]].append(violation)
    return groups

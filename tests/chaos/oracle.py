"""The oracle: compares the callers' receipts with the providers' own record. Of Drumbeat it reads one thing only: which
effects are held, and why."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drumbeat.core.reasons import ReasonCode
from drumbeat.local.frames import Json
from tests.chaos.callers import Receipts
from tests.chaos.people import DOMAIN
from tests.chaos.workload import CLASSES, Action, Lead

ACCOUNTS = {
    "hubspot": "crm",
    "resend": "gifts",
    "mailgun": "mail",
    "ses": "courier",
}  # a receiver's account is in its path
# Why an effect may be held, by class. K and D have no other reason here: no key expires in minutes.
REASONS: Mapping[str, tuple[ReasonCode, ...]] = {
    "K": (ReasonCode.WORKER_CRASHED,),
    "D": (ReasonCode.WORKER_CRASHED,),
    "Q": (ReasonCode.WORKER_CRASHED, ReasonCode.SEARCH_UNTRUSTED),
    "F": (ReasonCode.WORKER_CRASHED, ReasonCode.UNPROVABLE),
    "X": (ReasonCode.WORKER_CRASHED, ReasonCode.UNPROVABLE),
}


@dataclass(frozen=True, slots=True)
class Performed:
    """How often a provider did an action, and when first, in seconds of the epoch."""

    times: int
    at: float


@dataclass
class Tally:
    """The results of one class of actions."""

    wanted: int = 0
    once: int = 0
    held_undone: int = 0
    held_done: int = 0
    blocked: int = 0  # it waits for one that is held
    doubled: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)  # from receipt to action


@dataclass
class Verdict:
    """The results by class, and every violation."""

    accepted: int
    tallies: dict[str, Tally]
    violations: list[str]


def check(leads: Sequence[Lead], receipts: Receipts, record: Path, held: Iterable[Json]) -> Verdict:
    """Compare what was promised with what was done."""
    done = actions(record)
    reasons = _reasons(receipts, held)
    tallies = {letter: Tally() for letter in sorted(set(CLASSES.values()))}
    violations = [f"given two ids: {key}" for key in receipts.other_ids]
    violations += [f"refused: {answer}" for answer in receipts.refused]
    for lead in leads:
        receipt = receipts.held.get(lead.key)
        if receipt is None:
            violations.append(f"never received: {lead.key}")
            continue
        for action in lead.actions:
            _count(tallies[CLASSES[action.account]], action, done.get(action), receipt.at, reasons)
    violations += [f"done without being asked for: {action}" for action in sorted(done.keys() - _wanted(leads))]
    for letter, tally in tallies.items():
        violations += [f"done more than once: {action}" for action in tally.doubled]
        violations += [f"lost: {action}" for action in tally.lost]
        violations += [
            f"class {letter} must not be held because of: {reason} ({number})"
            for reason, number in tally.reasons.items()
            if reason not in REASONS[letter]
        ]
    return Verdict(len(receipts.held), tallies, violations)


def actions(record: Path) -> dict[Action, Performed]:
    """Read what was really done from the sandbox's record."""
    times: Counter[Action] = Counter()
    first: dict[Action, float] = {}
    with record.open() as lines:
        for line in lines:
            entry = json.loads(line)
            for action in _accepted(entry):
                times[action] += 1
                first.setdefault(action, entry["real"])
    return {action: Performed(number, first[action]) for action, number in times.items()}


def _accepted(entry: Json) -> Iterator[Action]:
    account = ACCOUNTS.get(entry["provider"], entry["account"])
    for item in entry.get("items") or (entry,):
        if item["did"] == "accepted":
            recipient = item.get("email") or entry["to"][0].rpartition("/")[2]
            if not recipient.endswith(DOMAIN):  # whose mails have an oracle of their own
                yield Action(account, recipient)


def _reasons(receipts: Receipts, held: Iterable[Json]) -> dict[Action, str]:
    """Return the reason code of each action that is held."""
    keys = {receipt.event_id: key for key, receipt in receipts.held.items()}
    found: dict[Action, str] = {}
    for effect in held:
        key = keys.get(effect["eventId"], effect["eventId"])
        found[Action(effect["account"], f"{key}@example.com")] = effect["reasonCode"]
    return found


def _count(tally: Tally, action: Action, done: Performed | None, promised: float, held: Mapping[Action, str]) -> None:
    tally.wanted += 1
    if reason := held.get(action):
        tally.reasons[reason] += 1
    if done is None:
        if reason:
            tally.held_undone += 1
        elif (
            action.account == "gifts"
            and action.recipient.startswith("welcome-")
            and Action("mail", action.recipient) in held
        ):
            tally.blocked += 1
        else:
            tally.lost.append(f"{action.recipient} by {action.account}")
    elif done.times > 1:
        tally.doubled.append(f"{action.recipient} by {action.account}, {done.times} times")
    else:
        tally.once += 1
        tally.held_done += reason is not None
        tally.seconds.append(max(0.0, done.at - promised))


def _wanted(leads: Sequence[Lead]) -> set[Action]:
    return {action for lead in leads for action in lead.actions}


def grouped(violations: Sequence[str]) -> Mapping[str, list[str]]:
    """Group violations by their text before the colon."""
    groups: dict[str, list[str]] = defaultdict(list)
    for violation in violations:
        groups[violation.partition(":")[0]].append(violation)
    return groups

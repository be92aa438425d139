"""The oracle about people: what was acknowledged to them is kept, and mails of lists go only where they are wanted."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from tests.chaos.inboxes import Mail
from tests.chaos.oracle import REASONS
from tests.chaos.people import CONFIRMED, Said, Withdrawal
from tests.chaos.peoples_ledger import Attempt, Event, Fact, PeoplesLedger, Planned
from tests.chaos.visitor import FORMS, PROGRAM
from tests.chaos.workload import CLASSES

EDITIONS = 2  # mails that a flow sends for each event
INSTANT = "between claim and attempt in the instant of the answer"
REDIS_AWAY = "Redis was away or emptied while the withdrawal waited in its queue"
REDIS_SECONDS = 60.0  # for which marketing may go on then
FAULT_SECONDS = 10.0  # that a fault of Redis lasts at most


@dataclass
class PeoplesVerdict:
    """What became of the mails, the allowed exceptions by their reason, and every violation."""

    mails: Counter[str] = field(default_factory=Counter)
    queued: int = 0  # withdrawals that were acknowledged before they were recorded
    exceptions: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


class PeoplesOracle:
    """Compares what was acknowledged, what the ledger holds and what inboxes got.

    `redis_faults`: when Redis was killed, frozen or emptied, in seconds of the epoch.
    """

    def __init__(
        self, said: Said, ledger: PeoplesLedger, mails: Sequence[Mail], redis_faults: Sequence[float] = ()
    ) -> None:
        self._said = said
        self._ledger = ledger
        self._redis_faults = redis_faults
        self._got: Counter[UUID] = Counter(mail.id for mail in mails)
        self._tried = {attempt.mail for attempt in ledger.attempts}
        self._facts: defaultdict[tuple[bytes, str], list[Fact]] = defaultdict(list)
        for fact in ledger.facts:
            self._facts[fact.contact, fact.list].append(fact)
        self._verdict = PeoplesVerdict()

    def check(self) -> PeoplesVerdict:
        """Return what it found."""
        self._verdict.violations = [
            *(f"refused: {answer}" for answer in self._said.refused),
            *self._events(),
            *self._sign_ups(),
            *self._confirmations(),
            *self._plans(),
            *self._mails(),
            *self._consent(),
            *self._withdrawals(),
        ]
        return self._verdict

    # ------------------------------------------------------------ nothing is lost, nothing doubled

    def _events(self) -> Iterator[str]:
        missing = self._said.events - self._ledger.events.keys()
        yield from (f"acknowledged and not recorded: event {event}" for event in missing)

    def _sign_ups(self) -> Iterator[str]:
        made: Counter[tuple[str, str, str]] = Counter(
            (event.source, str(event.body["payload"]["email"]), str(event.body["payload"]["mark"]))
            for event in self._ledger.events.values()
            if event.door in ("form", "api") and event.body
        )
        said = {(fact.event, fact.list, fact.kind) for fact in self._ledger.facts}
        for id, one in self._said.sign_ups.items():
            if (number := made[one.source, one.email, one.mark]) > one.most:
                yield f"one sign-up is more than one event: {id}, {number} events"
            kinds = {(id, name, "pending" if name in CONFIRMED else "given") for name in one.lists}
            if not kinds <= said:
                yield f"a sign-up was acknowledged, and its consent is not kept: {id}"

    def _confirmations(self) -> Iterator[str]:
        """Each is kept, and is about the one list of the mail whose button was pressed."""
        given = {(fact.event, fact.list) for fact in self._ledger.facts if fact.kind == "given" and fact.by_person}
        for id, one in self._said.confirmed.items():
            if (id, one.list) not in given:
                yield f"a confirmation was acknowledged, and is not kept: {id}"
        for id, name in given:
            event = self._ledger.events.get(id)
            if event is None or event.door != "confirm" or not event.body:
                continue
            mail = self._ledger.mails.get(UUID(event.body["mail"]))
            if mail is None or not mail.confirms or mail.list != name:
                yield f"consent was confirmed that no mail had asked for: to {name} by event {id}"

    def _plans(self) -> Iterator[str]:
        """Each event has its mails."""
        planned: Counter[tuple[UUID, bool]] = Counter(
            (mail.event, mail.confirms) for mail in self._ledger.mails.values()
        )
        for event in (event for event in self._ledger.events.values() if event.body):
            found, wanted = (planned[event.id, False], planned[event.id, True]), _wanted(event)
            if found != wanted:
                yield f"planned wrong: event {event.id} of {event.source} by {event.door}: {found}, not {wanted} mails"

    def _mails(self) -> Iterator[str]:
        """Each mail is in its inbox once, or is not sent for a reason that there is."""
        yield from (f"a mail that was never planned: {id}" for id in self._got.keys() - self._ledger.mails.keys())
        for mail in self._ledger.mails.values():
            kind = "asks to confirm" if mail.confirms else "marketing"
            self._verdict.mails[f"{kind}: {mail.status}{f' ({mail.reason})' if mail.reason else ''}"] += 1
            if self._got[mail.id] > 1:
                yield f"mailed more than once: {mail.id} by {mail.account}, {self._got[mail.id]} times"
            if not self._is_accounted_for(mail):
                yield f"lost: mail {mail.id} is {mail.status} ({mail.reason}), {self._got[mail.id]} times in its inbox"

    def _is_accounted_for(self, mail: Planned) -> bool:
        match mail.status, mail.reason:
            case "accepted", _:
                return self._got[mail.id] >= 1
            case "cancelled", "no_consent":
                return not mail.confirms
            case "cancelled", "suppressed" | "erased":  # whose reason is for the oracle about reports
                return self._got[mail.id] == 0 or mail.id in self._tried
            case "cancelled", "capped":
                return mail.confirms and self._got[mail.id] == 0
            case "cancelled", "not_asked":  # its worker died in an attempt, and the person decided by the mail it sent
                return mail.confirms and (self._got[mail.id] == 0 or mail.id in self._tried)
            case "held", reason:
                return reason in REASONS[CLASSES[mail.account]]
        return False

    # ------------------------------------------------------------ no mail without consent

    def _consent(self) -> Iterator[str]:
        """By the order in which the person's row was locked."""
        for attempt in self._ledger.attempts:
            mail = self._ledger.mails[attempt.mail]
            if not mail.confirms and (state := self._state(mail, attempt.committed)) != "given":
                yield f"an attempt was opened without consent: mail {mail.id}, {mail.list} is {state}"
        for stop in self._ledger.stops:
            mail = self._ledger.mails[stop.mail]
            if self._state(mail, stop.committed) == "given":
                yield f"a mail was stopped though there was consent: {mail.id}"

    def _state(self, mail: Planned, at: float) -> str:
        return state(
            fact for name in (mail.list, "*") for fact in self._facts[mail.contact, name] if fact.committed < at
        )

    def _withdrawals(self) -> Iterator[str]:
        leavings = (event for event in self._ledger.events.values() if event.door == "unsubscribe" and event.body)
        said = {event.id: event.body["mail"] for event in leavings}
        for one in self._said.withdrawals:
            mail = self._ledger.mails.get(one.mail)
            if mail is None:
                yield f"a withdrawal by a mail that was never planned: {one.mail}"
                continue
            # Who came back may leave once more by a link that they used before.
            since = max((back for back in self._returns(one) if back < one.at), default=0.0)
            left = [fact for fact in self._facts[mail.contact, mail.list] if said.get(fact.event) == str(one.mail)]
            facts = [fact for fact in left if fact.at > since]
            if not facts:
                yield f"a withdrawal was acknowledged, and is not kept: by mail {one.mail} at {one.at}"
                continue
            recorded = min(fact.committed for fact in facts)
            self._verdict.queued += recorded > one.at
            yield from self._after(one, mail, recorded)

    def _after(self, one: Withdrawal, mail: Planned, recorded: float) -> Iterator[str]:
        """From the answer on no attempt is opened, until the person comes back."""
        until = min((back for back in self._returns(one) if back > one.at), default=float("inf"))
        for attempt in self._ledger.attempts:
            other = self._ledger.mails[attempt.mail]
            if other.confirms or (other.contact, other.list) != (mail.contact, mail.list):
                continue
            if one.at < attempt.opened < until:
                if excuse := self._excuse(one, attempt, recorded):
                    self._verdict.exceptions[excuse] += 1
                else:
                    late = f"{attempt.opened - one.at:.3f} s after the answer to {one.mail}"
                    yield f"mailed after a withdrawal: mail {other.id}, opened {late}"

    def _returns(self, one: Withdrawal) -> Iterator[float]:
        """Give the times from which their person may be on the list again."""
        return (back.at for back in self._said.returns if (back.email, back.list) == (one.email, one.list))

    def _excuse(self, one: Withdrawal, attempt: Attempt, recorded: float) -> str | None:
        """Return which exception of docs/guarantees.md it is; there is none once the withdrawal is recorded."""
        if attempt.committed > recorded:
            return None
        if attempt.claimed <= one.at:
            return INSTANT
        away = any(one.at - FAULT_SECONDS < fault < attempt.opened for fault in self._redis_faults)
        return REDIS_AWAY if away and attempt.opened < one.at + REDIS_SECONDS else None


def state(facts: Iterable[Fact]) -> str:
    """Return what a person's facts about one list come to."""
    known = list(facts)
    decided = [fact for fact in known if fact.kind == "withdrawn" or (fact.kind == "given" and fact.by_person)]
    if decided:
        return max(decided, key=lambda fact: (fact.at, fact.kind == "withdrawn")).kind
    kinds = {fact.kind for fact in known}
    return next((kind for kind in ("given", "pending") if kind in kinds), "none")


def _wanted(event: Event) -> tuple[int, int]:
    """Return how many mails of lists follow from an event, and how many that ask to confirm."""
    asked = sum(said["list"] in CONFIRMED for said in event.body.get("consent") or ())
    match event.source, event.door:
        case source, "form":
            return (0, asked) if asked else (EDITIONS, 0)
        case source, "api":
            return (EDITIONS, asked) if source == PROGRAM else (0, 0)
        case source, "confirm":
            return (EDITIONS, 0) if source in FORMS.values() else (0, 0)
    return (0, 0)

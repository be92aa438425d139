"""The oracle about a newsletter: each of its people has it once, or a reason; who left is not mailed; a pause holds."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from tests.chaos.newsletter.ledger import Attempt, Mail, RunsLedger

# Why a mail that no provider took may be where it is.
ENDS: Mapping[str, tuple[str, ...]] = {
    "cancelled": ("no_consent", "suppressed", "capped"),
    "held": ("worker_crashed",),
}
BEGUN, PAUSED = "expanding", "paused"


@dataclass
class RunVerdict:
    """What became of the people, by run and end, and every violation."""

    ends: Counter[tuple[UUID, str]] = field(default_factory=Counter)
    stopped: int = 0  # mails of people who had left
    violations: list[str] = field(default_factory=list)


class RunOracle:
    """Compares what runs were for, what the ledger holds and what inboxes got: `got`, the mails by their effect."""

    def __init__(self, ledger: RunsLedger, got: Counter[UUID], wanted: Mapping[UUID, set[bytes]]) -> None:
        self._ledger = ledger
        self._got = got
        self._wanted = wanted
        self._of: defaultdict[UUID, list[Mail]] = defaultdict(list)
        for mail in ledger.mails:
            self._of[mail.run].append(mail)
        self._verdict = RunVerdict()

    def check(self) -> RunVerdict:
        """Return what it found."""
        self._verdict.violations = [
            *self._everyone(),
            *self._mails(),
            *self._leavings(),
            *self._pauses(),
        ]
        return self._verdict

    def _everyone(self) -> Iterator[str]:
        """Each person is in a run once: with a mail, or left out."""
        out: defaultdict[UUID, set[bytes]] = defaultdict(set)
        for one in self._ledger.out:
            out[one.run].add(one.contact)
            self._verdict.ends[one.run, f"left out ({', '.join(str(reason) for reason in one.reasons)})"] += 1
        for run, people in self._wanted.items():
            mailed = Counter(mail.contact for mail in self._of[run])
            yield from (
                f"more than one mail is planned: run {run}, {n} for one person" for n in mailed.values() if n > 1
            )
            if lost := people - mailed.keys() - out[run] - self._gone_before(run):
                yield f"lost: {len(lost)} people are nowhere in run {run}"
            if strays := (mailed.keys() | out[run]) - people:
                yield f"strays: {len(strays)} people of run {run} are not of its audience"
            if both := mailed.keys() & out[run]:
                yield f"left out and mailed: {len(both)} people of run {run}"

    def _gone_before(self, run: UUID) -> set[bytes]:
        """Return who may have left its audience before a run's people were recorded."""
        began = min(
            (move.committed for move in self._ledger.moves if move.run == run and move.state == BEGUN), default=0
        )
        return {one.contact for one in self._ledger.leavings if one.committed < began}

    def _mails(self) -> Iterator[str]:
        """Each mail is in its inbox once, or has a reason why it is not."""
        known = {mail.id for mail in self._ledger.mails}
        yield from (f"a mail that was never planned: {id}" for id in self._got.keys() - known)
        for mail in self._ledger.mails:
            got, because = self._got[mail.id], f" ({mail.reason})" if mail.reason else ""
            self._verdict.ends[mail.run, f"{mail.status}{because}"] += 1
            if got > 1:
                yield f"mailed more than once: {mail.id}, {got} times"
            if mail.status == "accepted":
                if not got:
                    yield f"lost: {mail.id} is accepted, and in no inbox"
            elif mail.reason not in ENDS.get(mail.status, ()):
                yield f"without a reason: {mail.id} is {mail.status}{because}"
            elif got and not mail.tried:
                yield f"mailed without an attempt: {mail.id} is {mail.status}{because}"

    def _leavings(self) -> Iterator[str]:
        """By the order in which the person's row was locked."""
        left: dict[bytes, float] = {}
        for leaving in self._ledger.leavings:
            left[leaving.contact] = min(leaving.committed, left.get(leaving.contact, float("inf")))
        for attempt in self._ledger.attempts:
            if (since := left.get(attempt.contact)) is not None and attempt.committed > since:
                yield f"mailed after leaving: {attempt.mail}, {attempt.committed - since:.3f} s after the commit"
        for mail in self._ledger.mails:
            if mail.status == "cancelled" and mail.reason in ("no_consent", "suppressed"):
                self._verdict.stopped += 1
                if mail.contact not in left:
                    yield f"a mail was stopped, and its person had not left: {mail.id}"

    def _pauses(self) -> Iterator[str]:
        """By the order in which the run's row was locked."""
        for run, since, until in pauses(self._ledger):
            for attempt in self._ledger.attempts:
                if attempt.run == run and since < attempt.committed < until:
                    yield f"opened in a pause: {attempt.mail}, {attempt.committed - since:.3f} s after its commit"


def pauses(ledger: RunsLedger) -> Iterator[tuple[UUID, float, float]]:
    """Yield each pause of a run, from commit to commit."""
    for number, move in enumerate(ledger.moves):
        if move.state == PAUSED:
            rest = (later for later in ledger.moves[number + 1 :] if later.run == move.run)
            yield move.run, move.committed, next((later.committed for later in rest), float("inf"))


def state_at(ledger: RunsLedger, run: UUID, at: float) -> str:
    """Return the state of a run at a moment."""
    states = [move.state for move in ledger.moves if move.run == run and move.committed <= at]
    return states[-1] if states else "not there yet"


def last_opened(attempts: Sequence[Attempt], run: UUID, acknowledged: float, resumed: float) -> float | None:
    """Return how many seconds after a pause was acknowledged its last attempt was opened; negative: before."""
    opened = [one.opened for one in attempts if one.run == run and one.opened < resumed]
    return max(opened) - acknowledged if opened else None


def openings(ledger: RunsLedger, runs: Sequence[UUID]) -> Counter[bytes]:
    """Count, for each person, the mails of these runs of which an attempt was opened."""
    return Counter(mail.contact for mail in ledger.mails if mail.run in runs and mail.tried)

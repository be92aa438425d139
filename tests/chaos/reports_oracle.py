"""The oracle about reports: each that was acknowledged is kept once, and what it says of a person stops their mail."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from drumbeat.core.feedback import PROVES_ACCEPTANCE
from tests.chaos.reports_ledger import Reported, ReportsLedger, Sending
from tests.chaos.sandbox_reports import Told

SOFT_BOUNCES = 5  # mails in a row


@dataclass
class ReportsVerdict:
    """How many reports of each kind are kept, the mails that were stopped by them, and every violation."""

    kept: Counter[str] = field(default_factory=Counter)
    stopped: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


class ReportsOracle:
    """Compares what providers reported by their own record, what the ledger holds, and what was sent afterwards."""

    def __init__(self, told: Sequence[Told], ledger: ReportsLedger) -> None:
        self._told = told
        self._ledger = ledger
        self._of: defaultdict[bytes, list[Reported]] = defaultdict(list)
        for report in ledger.reports:
            if report.contact is not None:
                self._of[report.contact].append(report)
        self._verdict = ReportsVerdict(kept=Counter(report.kind for report in ledger.reports))

    def check(self) -> ReportsVerdict:
        """Return what it found."""
        self._verdict.violations = [*self._kept(), *self._settled(), *self._sent(), *self._stopped(), *self._erased()]
        return self._verdict

    def _kept(self) -> Iterator[str]:
        kept = Counter((one.account, one.effect, one.kind) for one in self._ledger.reports)
        made = Counter((one.account, one.effect, str(one.kind)) for one in self._told)
        acknowledged = Counter((one.account, one.effect, str(one.kind)) for one in self._told if one.acknowledged)
        for about in kept.keys() | made.keys():
            number = f"{kept[about]}, made {made[about]} and acknowledged {acknowledged[about]}"
            if kept[about] < acknowledged[about]:
                yield f"a report was acknowledged, and is not kept: {_named(about)}: {number}"
            if kept[about] > made[about]:
                yield f"a report is kept more often than it was made: {_named(about)}: {number}"
        yield from (f"a provider gave a report up: {one.name}" for one in self._told if one.given_up)

    def _settled(self) -> Iterator[str]:
        proven = {one.effect for one in self._told if one.acknowledged and one.kind in PROVES_ACCEPTANCE}
        for effect, status in self._ledger.open.items():
            if effect in proven:
                yield f"its provider reported it, and it is not settled: effect {effect} is {status}"

    def _sent(self) -> Iterator[str]:
        for attempt in self._ledger.attempts:
            if reason := self._bar(attempt):
                yield f"mailed after a report: {attempt.mail}, its person had {reason}"

    def _stopped(self) -> Iterator[str]:
        for stop in self._ledger.stops:
            reason = "been erased" if stop.contact in self._ledger.erased else self._bar(stop)
            if reason is None:
                yield f"a mail was stopped, and no report says why: {stop.mail}"
            else:
                self._verdict.stopped[reason] += 1

    def _erased(self) -> Iterator[str]:
        for attempt in self._ledger.attempts:
            if attempt.committed > self._ledger.erased.get(attempt.contact, float("inf")):
                yield f"mailed after an erasure: {attempt.mail}"

    def _bar(self, sending: Sending) -> str | None:
        known = (one for one in self._of[sending.contact] if one.committed < sending.committed)
        return bar(known, marketing=sending.marketing)


def bar(reports: Iterable[Reported], *, marketing: bool) -> str | None:
    """Return what a person's reports have in the way of a mail to them, or None."""
    known = list(reports)
    kinds = {one.kind for one in known}
    if "bounced" in kinds:
        return "a hard bounce"
    delivered = max((one.at for one in known if one.kind == "delivered"), default=0.0)
    since = {one.effect for one in known if one.kind == "soft_bounced" and one.at > delivered}
    if len(since) >= SOFT_BOUNCES:
        return "five soft bounces"
    return "complained" if marketing and "complained" in kinds else None


def _named(about: tuple[str, object, str]) -> str:
    account, effect, kind = about
    return f"{kind} by {account} of {effect or 'no mail'}"

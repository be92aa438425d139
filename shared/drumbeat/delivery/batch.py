"""One batch of claimed effects on its way: token, attempt, call, outcome; each step once for all of them."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from drumbeat.core.configuration import Account
from drumbeat.core.errors import SecretAway, SecretMissing
from drumbeat.core.outcomes import (
    Accepted,
    Denied,
    Found,
    LookupResult,
    NotSent,
    Outcome,
    Refused,
    Throttled,
    Unclear,
    Unknown,
    reason_of,
)
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.request import Request
from drumbeat.core.status import Status
from drumbeat.delivery import lookups, verdicts
from drumbeat.delivery.account_reports import account_reports
from drumbeat.delivery.commits import Commits
from drumbeat.delivery.effects import Claimed, Closing, Opening
from drumbeat.delivery.requests import freeze, thaw
from drumbeat.delivery.verdicts import Verdict
from drumbeat.delivery.work import Work, closing_of, opening_of
from drumbeat.planning.render import Unrenderable, render
from drumbeat.providers.calls import CALL_BUDGET, Search, Send
from drumbeat.providers.login import in_sandbox, login
from drumbeat.services import Services
from drumbeat.throttle.limiter import Granted, TokenRequest, Wait

MARGIN = 5.0  # seconds kept between the end of a call and the end of its lease

# How an outcome is written in the ledger.
KINDS: Mapping[type, str] = {
    Accepted: "accepted",
    Refused: "refused",
    NotSent: "not_sent",
    Throttled: "throttled",
    Denied: "denied",
    Unknown: "unknown",
}


class Batch:
    """Takes claimed effects to their next status and counts where they arrived."""

    def __init__(self, services: Services, counts: Counter[str]) -> None:
        self._services = services
        self._counts = counts
        self._random = services.random

    def carry_out(self, claimed: Sequence[Claimed], started: float, lease: timedelta) -> None:
        """Take each effect to its next status. `started` is the clock's `elapsed` from before the claim."""
        deadline = started + lease.total_seconds() - CALL_BUDGET - MARGIN
        openings: list[Opening] = []
        closings: list[Closing] = []
        wanting: list[Work] = []
        for effect in claimed:
            work = self._work(effect)
            verdict = self._verdict_before(work)
            if verdict is None:
                wanting.append(work)
            else:
                self._write_down(effect, verdict, openings, closings)

        granted = self._take_tokens(wanting, openings, closings)
        sends = [work for work in granted if work.effect.status is Status.CLAIMED]
        looks = [work for work in granted if work.effect.status is Status.UNKNOWN]
        openings += [self._prepare(work) for work in sends]
        commits = Commits(self._services, self._counts, claimed, lease)
        under_way = commits.open(openings)
        sends = [work for work in sends if work.effect.id in under_way]
        closings += self._call(sends, looks, started, deadline)
        commits.close(closings)

    # ------------------------------------------------------------ before any call

    def _work(self, effect: Claimed) -> Work:
        if effect.crashes >= verdicts.MAX_CRASHES:  # whatever ended its workers is not touched once more
            return Work(effect, None, None)
        account = self._account(effect)
        if account is None:
            return Work(effect, None, None)
        joined = login(account, self._services.settings.sandbox_url)
        request = thaw(effect.frozen, effect.request_hash) if effect.frozen and effect.request_hash else None
        return Work(effect, joined, joined.repeat(request))

    def _account(self, effect: Claimed) -> Account | None:
        """Return the account as it is configured now, else as it was when the effect was planned."""
        newest = self._services.configuration(effect.newest_version).accounts.get(effect.account)
        return newest or self._services.configuration(effect.version).accounts.get(effect.account)

    def _verdict_before(self, work: Work) -> Verdict | None:
        account = work.login.account if work.login else None
        identity = work.login.identity if work.login else None
        if work.effect.status is Status.CLAIMED:
            return verdicts.before_sending(work.effect, account, work.repeat, identity)
        return verdicts.of_unknown(work.effect, account, work.repeat, identity)

    def _write_down(self, effect: Claimed, verdict: Verdict, openings: list[Opening], closings: list[Closing]) -> None:
        if effect.status is Status.CLAIMED:
            openings.append(opening_of(effect, verdict))
        else:
            closings.append(closing_of(effect, verdict, origin="look"))

    def _take_tokens(self, wanting: Sequence[Work], openings: list[Opening], closings: list[Closing]) -> list[Work]:
        """Ask each account's limit once; those who have to wait are put back to their slot."""
        by_account: dict[str, list[Work]] = defaultdict(list)
        for work in wanting:
            by_account[work.effect.account].append(work)
        answers = self._services.throttle.take(
            [
                TokenRequest(
                    name, works[0].login.account.limits if works[0].login else (), tuple(w.effect.slot for w in works)
                )
                for name, works in by_account.items()
            ]
        )
        granted: list[Work] = []
        for name, works in by_account.items():
            for work, answer in zip(works, answers[name], strict=True):
                match answer:
                    case Granted(probe):
                        work.probe = probe
                        granted.append(work)
                    case Wait(seconds, slot, reason) if work.effect.status is Status.CLAIMED:
                        waits = Verdict(Status.WAITING, wait=seconds, reason=reason)
                        openings.append(replace(opening_of(work.effect, waits), slot=slot))
                    case Wait(seconds, slot, reason):
                        waits = Verdict(Status.UNKNOWN, wait=seconds, reason=reason, looks=work.effect.looks)
                        closings.append(replace(closing_of(work.effect, waits, origin="look"), slot=slot))
        return granted

    def _prepare(self, work: Work) -> Opening:
        """Freeze the request, or say why there is none."""
        effect = work.effect
        assert work.login is not None
        try:
            secrets = self._secrets(work.login.account)
            if effect.frozen is not None and effect.request_hash is not None:
                request, frozen, digest = thaw(effect.frozen, effect.request_hash), None, effect.request_hash
            else:
                request = self._build(work)
                frozen, digest = freeze(request)
        except SecretAway as error:
            away = Reason(ReasonCode.SECRET_AWAY, error.reference)
            return opening_of(effect, Verdict(Status.WAITING, wait=verdicts.SECRETS_AWAY, reason=away))
        except SecretMissing as error:
            return opening_of(effect, Verdict(Status.HELD, reason=Reason(ReasonCode.SECRET_MISSING, error.reference)))
        except (Unrenderable, ValueError) as error:
            return opening_of(effect, Verdict(Status.REFUSED, reason=Reason(ReasonCode.NOT_RENDERED, str(error))))
        work.repeat = work.login.repeat(request)
        work.job = Send(work.login, secrets, request, work.key)
        identity = work.login.identity
        return Opening(effect.id, effect.fence, Status.SENDING, identity=identity, request_hash=digest, frozen=frozen)

    def _build(self, work: Work) -> Request:
        effect = work.effect
        assert work.login is not None
        config = self._services.configuration(effect.version)
        action = render(effect.event, config, effect.flow, effect.step, effect_id=effect.id)
        return work.login.provider.build(work.login.target, action, key=work.key)

    def _secrets(self, account: Account) -> dict[str, str]:
        services = self._services
        found: dict[str, str] = {}
        for name, reference in account.secrets.items():
            try:
                found[name] = services.secrets.get(reference)
            except SecretMissing:
                if not in_sandbox(account, services.settings.sandbox_url):
                    raise
                found[name] = f"sandbox-{account.name}"  # any credential opens the sandbox
        return found

    # ------------------------------------------------------------ the calls

    def _call(self, sends: Sequence[Work], looks: Sequence[Work], started: float, deadline: float) -> list[Closing]:
        """Make all calls of the batch at the same time and judge their ends."""
        closings: list[Closing] = []
        searching: list[Work] = []
        for work in looks:
            assert work.login is not None
            try:
                work.job = lookups.search(work, self._secrets(work.login.account))
                searching.append(work)
            except SecretMissing as error:
                closings.append(lookups.judge(work, Unclear(str(error)), None, self._random, took=0.0))
        works = [*sends, *searching]
        controls = lookups.controls(searching, self._services.db)
        jobs: list[Send | Search] = [work.job for work in works if work.job is not None]
        ends = self._services.calls.run([*jobs, *controls.values()], deadline)
        seen = dict(zip(controls, ends[len(works) :], strict=True))
        ended = list(zip(works, ends, strict=False))
        took = self._services.clock.elapsed() - started
        closings += [self._judge(work, end, seen, took) for work, end in ended]
        if stopped := self._services.throttle.report(*account_reports(ended, self._random)):
            self._counts["stopped"] += len(stopped)
        return closings

    def _judge(
        self, work: Work, end: Outcome | LookupResult, controls: Mapping[str, Outcome | LookupResult], took: float
    ) -> Closing:
        effect = work.effect
        if isinstance(work.job, Search):
            control = controls.get(effect.account)
            if isinstance(end, Found) and end.count > 1:
                self._counts["doubled"] += 1
            return lookups.judge(work, end, control, self._random, took=took)  # type: ignore[arg-type] # searches end in a Look
        assert work.login is not None and work.repeat is not None
        assert isinstance(end, Accepted | Refused | NotSent | Throttled | Denied | Unknown)
        verdict = verdicts.of_answer(effect, end, work.login.account, work.repeat, self._random)
        return replace(
            closing_of(effect, verdict, origin="answer"),
            identity=work.login.identity,
            kind=KINDS[type(end)],
            reference=end.reference if isinstance(end, Accepted) else None,
            learned=None if isinstance(end, Accepted) else reason_of(end),
        )

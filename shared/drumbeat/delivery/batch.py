"""One batch of claimed effects on its way: decided, granted, prepared, opened, called, judged, closed.

Each step is taken once for all of them. It returns what goes on, and the transitions of what does not.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from drumbeat.core.outcomes import Absent, Denied, Found, Unclear
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.request import Request
from drumbeat.core.status import Status
from drumbeat.delivery import lookups, outcomes_sql, pauses, sends, verdicts
from drumbeat.delivery.account_reports import account_reports, lone_denials
from drumbeat.delivery.budget import FIRST_BYTE_WITHIN_SECONDS
from drumbeat.delivery.commits import Commits
from drumbeat.delivery.effects import Claimed, Closing, Moved, Opening
from drumbeat.delivery.requests import thaw
from drumbeat.delivery.transitions import Transition, without_call
from drumbeat.delivery.verdicts import Verdict
from drumbeat.delivery.work import Call, Ended, Work
from drumbeat.ledger import account_states
from drumbeat.providers.calls import Search, Send
from drumbeat.providers.login import Login, login
from drumbeat.services import Services
from drumbeat.throttle.limiter import Granted, TokenRequest, Wait


def carry_out(claimed: Sequence[Claimed], started: float, services: Services) -> Counter[str]:
    """Take each effect to its next status; return how many reached which, were `doubled`, and accounts `stopped`.

    `started` is the clock's `elapsed` from before the claim: no call outlasts its lease.

    Raises:
        psycopg.Error: the ledger is away; the relay finds what was not committed.
    """
    commits = Commits(claimed, services)
    works, decided = decide(claimed, services)
    granted, put_back = take_tokens(works, services)
    prepared, openings = prepare_sends(granted, services)
    searches, unsearched = prepare_searches(granted, services)

    opened = commits.open([*decided, *put_back, *openings])
    under_way = {one.id for one in opened if one.status is Status.SENDING}
    to_send = [send for send in prepared if send.work.effect.id in under_way]
    ended = make_calls(to_send, searches, started + FIRST_BYTE_WITHIN_SECONDS, services)
    took = services.clock.elapsed() - started

    accepting = accepting_others(ended, services)
    judged = [judge(one, took, services, others_accepted=one.work.effect.id in accepting) for one in ended]
    closed = commits.close([*decided, *put_back, *unsearched, *judged])
    stopped = report(claimed, ended, services)
    return _count([*opened, *closed], ended, stopped)


def decide(claimed: Sequence[Claimed], services: Services) -> tuple[list[Work], list[Transition]]:
    """Return the effects that take a call, and the transitions of those that do not."""
    works: list[Work] = []
    transitions: list[Transition] = []
    for effect in claimed:
        joined = _login(effect, services)
        account, identity = (joined.account, joined.identity) if joined else (None, None)
        settled = verdicts.before_sending if effect.status is Status.CLAIMED else verdicts.of_unknown
        try:
            request = _frozen(effect) if joined else None
        except ValueError as error:  # it costs no neighbour its turn
            unreadable = Verdict(Status.HELD, reason=Reason(ReasonCode.NOT_RENDERED, str(error)))
            transitions.append(without_call(effect, unreadable))
            continue
        repeat = joined.repeat(request) if joined else None
        verdict = settled(effect, account, repeat, identity)
        if verdict is not None:
            transitions.append(without_call(effect, verdict))
        else:
            assert joined is not None and repeat is not None
            works.append(Work(effect, joined, repeat, request))
    return works, transitions


def _frozen(effect: Claimed) -> Request | None:
    """Return the request of an earlier attempt. Raises ValueError when it is not the one that was frozen."""
    return thaw(effect.frozen, effect.request_hash) if effect.frozen and effect.request_hash else None


def _login(effect: Claimed, services: Services) -> Login | None:
    """Return the account as it is configured now, else as it was when the effect was planned."""
    if effect.crashes >= verdicts.MAX_CRASHES:
        return None  # what ended its workers is not touched once more
    newest = services.configuration(effect.newest_version).accounts.get(effect.account)
    account = newest or services.configuration(effect.version).accounts.get(effect.account)
    return login(account, services.settings.sandbox_url) if account else None


def take_tokens(works: Sequence[Work], services: Services) -> tuple[list[Work], list[Transition]]:
    """Ask each account's limit once, all in one round trip; an effect that has to wait is put back to its slot."""
    by_account: dict[str, list[Work]] = defaultdict(list)
    for work in works:
        by_account[work.effect.account].append(work)
    answers = services.throttle.take(
        [
            TokenRequest(account, some[0].login.account.limits, tuple(work.effect.slot for work in some))
            for account, some in by_account.items()
        ]
    )
    granted: list[Work] = []
    transitions: list[Transition] = []
    for account, some in by_account.items():
        for work, answer in zip(some, answers[account], strict=True):
            match answer:
                case Granted():
                    granted.append(work)
                case Wait():
                    transitions.append(_put_back(work.effect, answer))
    return granted, transitions


def _put_back(effect: Claimed, wait: Wait) -> Transition:
    to = Status.WAITING if effect.status is Status.CLAIMED else effect.status
    verdict = Verdict(to, wait=wait.seconds, reason=wait.reason, looks=effect.looks)
    return without_call(effect, verdict, slot=wait.slot)


def prepare_sends(granted: Sequence[Work], services: Services) -> tuple[list[Call[Send]], list[Opening]]:
    """Return the sends that can be made, and an opening for each effect that is to be sent."""
    prepared = [sends.prepare(work, services) for work in granted if work.effect.status is Status.CLAIMED]
    return [send for send, _ in prepared if send is not None], [opening for _, opening in prepared]


def prepare_searches(granted: Sequence[Work], services: Services) -> tuple[list[Call[Search]], list[Closing]]:
    """Return the searches that can be made, and the closings of looks that failed before any."""
    prepared = [lookups.prepare(work, services) for work in granted if work.effect.status is Status.UNKNOWN]
    searches = [one for one in prepared if isinstance(one, Call)]
    return searches, [one for one in prepared if isinstance(one, Closing)]


def make_calls(
    sends: Sequence[Call[Send]], searches: Sequence[Call[Search]], deadline: float, services: Services
) -> list[Ended]:
    """Make all calls of the batch at the same time, each once, with the controls of its searches."""
    calls: list[Call[Send] | Call[Search]] = [*sends, *searches]
    controls = lookups.controls(searches, services.db)
    ends = services.calls.run([*(call.job for call in calls), *controls.values()], deadline)
    of_controls = zip(controls, ends[len(calls) :], strict=True)
    found = {account: end for account, end in of_controls if isinstance(end, Found)}
    return [Ended(call.work, end, found.get(call.work.effect.account)) for call, end in zip(calls, ends, strict=False)]


def accepting_others(ended: Sequence[Ended], services: Services) -> Collection[UUID]:
    """Name the denied effects whose account accepted another since their denial before: it is about them alone."""
    again = [one.work for one in ended if isinstance(one.end, Denied) and one.work.effect.denied_at is not None]
    if not again:
        return ()
    return outcomes_sql.accepted_since(
        services.db, [(work.effect.id, work.login.identity, work.effect.denied_at) for work in again]
    )


def report(claimed: Sequence[Claimed], ended: Sequence[Ended], services: Services) -> Collection[str]:
    """Keep what the calls showed of their accounts, wake what that makes due; return the accounts that it stopped."""
    reports = account_reports(ended, services.random)
    called = {one.work.effect.id for one in ended}
    if unused := {effect.account for effect in claimed if effect.probe and effect.id not in called}:
        account_states.return_probes(services.db, unused)
    consequences = account_states.report(services.db, reports) if reports else account_states.Consequences()
    pauses.announce_pauses(consequences.paused, {each.account: each.failed for each in reports}, services)
    pauses.release(unused | {*consequences.resumed}, services)
    return {*consequences.stopped, *lone_denials(ended)}


def judge(ended: Ended, took: float, services: Services, *, others_accepted: bool = False) -> Closing:
    """Return what was learned by a call that ended `took` seconds after its claim, and what follows."""
    if isinstance(ended.end, Found | Absent | Unclear):
        return lookups.judge(ended.work, ended.end, ended.control, services.random, took=took)
    return sends.judge(ended.work, ended.end, services.random, others_accepted=others_accepted)


def _count(moved: Sequence[Moved], ended: Sequence[Ended], stopped: Collection[str]) -> Counter[str]:
    counts = Counter(one.status.value for one in moved)
    if doubled := sum(isinstance(one.end, Found) and one.end.count > 1 for one in ended):
        counts["doubled"] = doubled
    if stopped:
        counts["stopped"] = len(stopped)
    return counts

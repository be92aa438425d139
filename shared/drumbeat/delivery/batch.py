"""One batch of claimed effects on its way: decided, granted, prepared, opened, called, judged, closed.

Each step is taken once for all of them. It returns what goes on, and the transitions of what does not.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from uuid import UUID

import psycopg

from drumbeat.core.configuration import Limit
from drumbeat.core.errors import NotUnderstood, place
from drumbeat.core.outcomes import Absent, Denied, Found, Unclear
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.request import Request
from drumbeat.core.status import Status
from drumbeat.delivery import lookups, outcomes_sql, pauses, sends, verdicts
from drumbeat.delivery.account_reports import account_reports, lone_denials
from drumbeat.delivery.budget import BYTES_PER_BATCH
from drumbeat.delivery.commits import Commits
from drumbeat.delivery.credentials import credentials
from drumbeat.delivery.effects import Claimed, Closing, Moved
from drumbeat.delivery.outcomes_sql import Denial
from drumbeat.delivery.quiet_hours import quiet_seconds
from drumbeat.delivery.requests import thaw
from drumbeat.delivery.transitions import Transition, without_call
from drumbeat.delivery.verdicts import Verdict
from drumbeat.delivery.work import Call, Ended, Work
from drumbeat.ledger import account_states
from drumbeat.providers.calls import Search, Send
from drumbeat.providers.login import Login, as_planned, login
from drumbeat.providers.quotas import HasQuota
from drumbeat.services import Services
from drumbeat.throttle.limiter import Ask, Granted, TokenRequest, Wait
from drumbeat.wakeups import wishes_flag

_LOG = logging.getLogger(__name__)


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

    taken = [*decided, *put_back, *openings, *unsearched, *(search.work.effect for search in searches)]
    commits.leave({effect.id for effect in claimed} - {one.id for one in taken})
    opened = commits.open([*decided, *put_back, *openings])
    under_way = {one.id for one in opened if one.status is Status.SENDING}
    to_send = [send for send in prepared if send.work.effect.id in under_way]
    ended = make_calls(to_send, searches, started + services.settings.times.first_byte_within_seconds, services)
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
    held = 0  # bytes of requests
    for effect in claimed:
        if effect.frozen and held > BYTES_PER_BATCH:
            transitions.append(_without_room(effect))
            continue
        decided = _apart(effect.id, _decide, effect, services)
        if decided is None:
            continue
        if isinstance(decided, Verdict):
            transitions.append(without_call(effect, decided))
        else:
            works.append(decided)
            held += len(decided.request.body) if decided.request else 0
    return works, transitions


def _decide(effect: Claimed, services: Services) -> Work | Verdict:
    try:
        joined = _login(effect, services)
    except NotUnderstood as error:
        _LOG.error("effect_not_understood", extra={"effect_id": str(effect.id), "reason": str(error)})
        return _back(effect, verdicts.NOT_UNDERSTOOD_WAIT_SECONDS, Reason(ReasonCode.NOT_UNDERSTOOD))
    account, identity = (joined.account, joined.identity) if joined else (None, None)
    settled = verdicts.before_sending if effect.status is Status.CLAIMED else verdicts.of_unknown
    try:
        request = _frozen(effect) if joined else None
    except ValueError as error:
        return Verdict(Status.HELD, reason=Reason(ReasonCode.NOT_RENDERED, str(error)))
    repeat = joined.repeat(request) if joined else None
    verdict = settled(effect, account, repeat, identity)
    if verdict is not None:
        return verdict
    if wait := quiet_seconds(effect, services):
        return _back(effect, wait, Reason(ReasonCode.QUIET_HOURS))
    assert joined is not None and repeat is not None
    return Work(effect, joined, repeat, request)


def _back(effect: Claimed, wait: float, reason: Reason | None) -> Verdict:
    """Return the verdict that puts an effect back as it was, to be sent or to be looked into after so many seconds."""
    to = Status.WAITING if effect.status is Status.CLAIMED else effect.status
    return Verdict(to, wait=wait, reason=reason, looks=effect.looks)


def _without_room(effect: Claimed) -> Transition:
    """Put an effect back whose request does not fit beside those of the others: another batch has it at once."""
    return without_call(effect, _back(effect, 0.0, None), slot=effect.slot)


def _apart[**P, T](effect: UUID, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Take a step of one effect; a mistake of ours leaves it under its lease and costs no neighbour its turn."""
    try:
        return step(*args, **kwargs)
    except psycopg.Error:  # the ledger is away, for all of them
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is
        _LOG.error("not_prepared", extra={"effect_id": str(effect), "place": place(error)})
        return None


def _frozen(effect: Claimed) -> Request | None:
    """Return the request of an earlier attempt. Raises ValueError when it is not the one that was frozen."""
    return thaw(effect.frozen, effect.request_hash) if effect.frozen and effect.request_hash else None


def _login(effect: Claimed, services: Services) -> Login | None:
    """Return the account as it is configured now, else as it was when the effect was planned. Raises NotUnderstood.

    A run ends as it was approved: its mails keep sender and login of the version that planned it.
    """
    if effect.crashes >= verdicts.MAX_CRASHES:
        return None  # what ended its workers is not touched once more
    sandbox = services.settings.sandbox_url
    account = services.configuration(effect.newest_version).accounts.get(effect.account)
    if account is None or (effect.recipient is not None and effect.generation == 1):
        planned = services.configuration(effect.version).accounts.get(effect.account)
        account = as_planned(planned, account, sandbox) if planned else account
    return login(account, sandbox) if account else None


def take_tokens(works: Sequence[Work], services: Services) -> tuple[list[Work], list[Transition]]:
    """Ask each account's limit once, all in one round trip; an effect that has to wait is put back to its slot.

    So is marketing while what people asked for waits to be recorded: they may have left its list. The same round trip
    shows that.
    """
    by_account: dict[str, list[Work]] = defaultdict(list)
    for work in works:
        by_account[work.effect.account].append(work)
    tokens = services.throttle.take_and_read(
        [
            TokenRequest(account, _limits(some[0].login, services), tuple(_ask(work.effect) for work in some))
            for account, some in by_account.items()
        ],
        wishes_flag.KEY if any(_is_marketing(work.effect) for work in works) else None,
    )
    granted: list[Work] = []
    transitions: list[Transition] = []
    for account, some in by_account.items():
        for work, answer in zip(some, tokens.answers[account], strict=True):
            match answer:
                case Granted() if tokens.value is not None and _is_marketing(work.effect):
                    transitions.append(without_call(work.effect, verdicts.AFTER_WISHES))
                case Granted():
                    granted.append(work)
                case Wait():
                    transitions.append(_put_back(work.effect, answer))
    return granted, transitions


def _limits(joined: Login, services: Services) -> tuple[Limit, ...]:
    if not isinstance(joined.provider, HasQuota):
        return joined.account.limits
    return services.quotas.limits(joined, lambda: credentials(joined, services))


def _is_marketing(effect: Claimed) -> bool:
    return effect.is_marketing and effect.status is Status.CLAIMED  # a search sends nothing


def _ask(effect: Claimed) -> Ask:
    return Ask(effect.slot, campaign=effect.event.is_campaign)


def _put_back(effect: Claimed, wait: Wait) -> Transition:
    return without_call(effect, _back(effect, wait.seconds, wait.reason), slot=wait.slot)


def prepare_sends(granted: Sequence[Work], services: Services) -> tuple[list[Call[Send]], list[Transition]]:
    """Return the sends that can be made, and an opening for each effect that is to be sent."""
    prepared: list[Call[Send]] = []
    openings: list[Transition] = []
    held = 0  # bytes of requests
    for work in granted:
        if work.effect.status is not Status.CLAIMED:
            continue
        if held > BYTES_PER_BATCH:
            openings.append(_without_room(work.effect))
            continue
        if (made := _apart(work.effect.id, sends.prepare, work, services)) is None:
            continue
        send, opening = made
        openings.append(opening)
        if send is not None:
            prepared.append(send)
            held += len(send.job.request.body)
    return prepared, openings


def prepare_searches(granted: Sequence[Work], services: Services) -> tuple[list[Call[Search]], list[Closing]]:
    """Return the searches that can be made, and the closings of looks that failed before any."""
    looked = [work for work in granted if work.effect.status is Status.UNKNOWN]
    prepared = [_apart(work.effect.id, lookups.prepare, work, services) for work in looked]
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
    """Name the denied effects whose account accepted another since their denial before: it is about them alone.

    None where the ledger does not say: what the calls of all others have shown must be closed first.
    """
    again = [
        Denial(one.work.effect.id, one.work.effect.account, one.work.login.identity, before)
        for one in ended
        if isinstance(one.end, Denied) and one.end.of_message and (before := one.work.effect.denied_at) is not None
    ]
    if not again:
        return ()
    try:
        return outcomes_sql.accepted_since(services.db, again)
    except psycopg.Error:
        return ()


def report(claimed: Sequence[Claimed], ended: Sequence[Ended], services: Services) -> Collection[str]:
    """Keep what the calls showed of their accounts, wake what that makes due; return the accounts that it stopped."""
    reports = account_reports(ended, services.random)
    called = {one.work.effect.id for one in ended}
    if unused := {effect.account for effect in claimed if effect.probe and effect.id not in called}:
        account_states.return_probes(services.db, unused, lease=services.settings.times.lease)
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

"""The steps of a batch that need no ledger: each returns what goes on, and the transitions of what does not."""

from collections.abc import Sequence
from dataclasses import replace
from typing import override
from uuid import UUID

import pytest

from drumbeat.core.configuration import Account, Config, Limit, Retry
from drumbeat.core.outcomes import Absent, Accepted, Found, LookupResult, NotSent, Outcome
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery.batch import decide, judge, take_tokens
from drumbeat.delivery.effects import Claimed, Closing, Opening
from drumbeat.delivery.verdicts import WISHES_WAIT_SECONDS
from drumbeat.delivery.work import Ended, Work
from drumbeat.infrastructure.settings import Settings
from drumbeat.providers.login import login
from drumbeat.services import Services
from drumbeat.throttle.limiter import Answer, Ask, Granted, Throttle, TokenRequest, Tokens, Wait
from drumbeat.wakeups import wishes_flag
from tests.unit.delivery.sample_effects import effect, unknown

LIMITS = (Limit(1, 1, 1),)
MAIL = Account("mail", "mailgun", {"domain": "mg.example.com"}, {}, LIMITS, Retry(1.0, 900.0), "hold", None)
LATER = Wait(7.0, 1_000.0, Reason(ReasonCode.RATE_LIMITED))


class Limiter(Throttle):
    """Gives these answers for each account, and keeps what it was asked."""

    def __init__(self, *, value: bytes | None = None, **answers: list[Answer]) -> None:
        self.answers, self.value = answers, value
        self.read: list[str | None] = []
        self.asked: list[Sequence[TokenRequest]] = []

    @override
    def take_and_read(self, requests: Sequence[TokenRequest], key: str | None) -> Tokens:
        self.asked.append(requests)
        self.read.append(key)
        return Tokens(self.answers, self.value if key else None)


def services(throttle: Throttle | None = None) -> Services:
    services = Services(Settings.from_env({"DRUMBEAT_LOCAL": "1", "DATABASE_URL": "postgresql://none"}))
    if throttle is not None:
        services.throttle = throttle
    return services


def work(effect: Claimed) -> Work:
    joined = login(replace(MAIL, name=effect.account), None)
    return Work(effect, joined, joined.repeat())


def test_frozen_bytes_that_are_not_those_that_were_hashed_cost_no_neighbour_its_turn() -> None:
    spoilt, sound = effect(frozen=b"spoilt", request_hash=b"hash"), effect(id=UUID(int=9))
    process = services()
    process.configuration = lambda version: Config(version, {"mail": MAIL}, {}, {}, {}, {})  # type: ignore[method-assign]

    works, (held,) = decide([spoilt, sound], process)

    assert [one.effect for one in works] == [sound]
    assert (held.id, held.to) == (spoilt.id, Status.HELD)
    assert held.reason == Reason(ReasonCode.NOT_RENDERED, "the frozen request does not match its hash")


def test_tokens_are_asked_for_once_with_the_slots_that_effects_were_given_before() -> None:
    first, second = work(effect(slot=5.0)), work(effect(id=UUID(int=9)))
    other = work(effect(account="news"))
    limiter = Limiter(mail=[Granted(), Granted()], news=[Granted()])

    granted, put_back = take_tokens([first, other, second], services(limiter))

    assert limiter.asked == [[TokenRequest("mail", LIMITS, (Ask(5.0), Ask())), TokenRequest("news", LIMITS, (Ask(),))]]
    assert granted == [first, second, other]
    assert put_back == []


def test_an_effect_that_has_to_wait_is_put_back_to_its_slot() -> None:
    granted, put_back = take_tokens([work(effect())], services(Limiter(mail=[LATER])))

    assert granted == []
    assert put_back == [Opening(effect().id, 1, Status.WAITING, wait=7.0, reason=LATER.reason, slot=1_000.0)]


def test_marketing_goes_back_while_wishes_wait_and_all_else_goes_on() -> None:
    marketing = work(effect(list="news"))
    transactional = work(effect(id=UUID(int=9)))
    asking = work(effect(id=UUID(int=10), list="news", confirms=True))
    looked_for = work(unknown(id=UUID(int=11), list="news"))
    limiter = Limiter(mail=[Granted()] * 4, value=b"since an outage")

    granted, put_back = take_tokens([marketing, transactional, asking, looked_for], services(limiter))

    assert granted == [transactional, asking, looked_for]
    waits = Reason(ReasonCode.WISHES_WAITING)
    assert put_back == [Opening(effect().id, 1, Status.WAITING, wait=WISHES_WAIT_SECONDS, reason=waits)]
    assert limiter.read == [wishes_flag.KEY]


@pytest.mark.parametrize("sent", [effect(), effect(list="news", confirms=True), unknown(list="news")])
def test_whether_wishes_wait_is_asked_for_marketing_alone(sent: Claimed) -> None:
    limiter = Limiter(mail=[Granted()])

    take_tokens([work(sent)], services(limiter))

    assert limiter.read == [None]


def test_a_look_that_has_to_wait_has_not_happened() -> None:
    granted, (put_back,) = take_tokens([work(unknown(looks=2))], services(Limiter(mail=[LATER])))

    assert granted == []
    assert isinstance(put_back, Closing)
    assert (put_back.to, put_back.kind, put_back.looks, put_back.tries) == (Status.UNKNOWN, None, 2, 0)
    assert (put_back.wait, put_back.slot, put_back.reason) == (7.0, 1_000.0, LATER.reason)


@pytest.mark.parametrize(
    ("claimed", "end", "origin", "kind", "to"),
    [
        (effect(), Accepted("m-1"), "answer", "accepted", Status.ACCEPTED),
        (effect(), NotSent("no route"), "answer", "not_sent", Status.WAITING),
        (unknown(), Found("m-1"), "look", "found", Status.ACCEPTED),
        (unknown(), Absent(), "look", "absent", Status.UNKNOWN),
    ],
)
def test_an_answer_is_about_this_attempt_and_a_look_about_the_last(
    claimed: Claimed, end: Outcome | LookupResult, origin: str, kind: str, to: Status
) -> None:
    claimed = replace(claimed, fence=7)

    closing = judge(Ended(work(claimed), end, None), 0.5, services())

    assert (closing.origin, closing.kind, closing.to, closing.fence) == (origin, kind, to, 7)
    assert closing.n == (7 if origin == "answer" else claimed.last_n)

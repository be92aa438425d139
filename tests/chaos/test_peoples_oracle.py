"""The oracle about people finds each broken promise, and allows only what the documents say may happen."""

from base64 import urlsafe_b64encode
from dataclasses import replace
from uuid import UUID

import pytest

from drumbeat.core import ids
from tests.chaos.inboxes import Mail
from tests.chaos.people import LETTER, OFFERS, Return, Said, SignUp, Withdrawal
from tests.chaos.peoples_ledger import Attempt, Event, Fact, PeoplesLedger, Planned, Stop
from tests.chaos.peoples_oracle import INSTANT, REDIS_AWAY, PeoplesOracle, PeoplesVerdict

ADA, EMAIL = b"ada", "ada@people.example.com"
SIGN_UP, LEAVING = ids.derive("sign-up"), ids.derive("leaving")
OFFER, REMINDER = ids.derive("offer"), ids.derive("reminder")
GIVEN, OFFERED, LEFT = 10.0, 11.0, 20.0  # when it was committed


class Story:
    """Ada signs up for offers, gets one, leaves by it, and her reminder is stopped. A test changes what happens."""

    def __init__(self) -> None:
        payload = {"email": EMAIL, "mark": "1"}
        self.said = Said(
            sign_ups={SIGN_UP: SignUp(EMAIL, (OFFERS,), "bargains", "1")},
            withdrawals=[Withdrawal(EMAIL, OFFERS, OFFER, LEFT + 0.1)],
        )
        self.events = {
            SIGN_UP: Event(SIGN_UP, "bargains", "form", {"payload": payload}),
            LEAVING: Event(LEAVING, "drumbeat:unsubscribe", "unsubscribe", {"payload": {}, "mail": str(OFFER)}),
        }
        self.mails = {
            OFFER: Planned(OFFER, SIGN_UP, ADA, OFFERS, False, "gifts", "accepted", None),
            REMINDER: Planned(REMINDER, SIGN_UP, ADA, OFFERS, False, "mail", "cancelled", "no_consent"),
        }
        self.attempts = [Attempt(OFFER, OFFERED, OFFERED, OFFERED - 0.1)]
        self.stops = [Stop(REMINDER, LEFT + 2)]
        self.facts = [
            Fact(ADA, OFFERS, SIGN_UP, "given", True, GIVEN, GIVEN),
            Fact(ADA, OFFERS, LEAVING, "withdrawn", True, LEFT, LEFT),
        ]
        self.got = [_mail(OFFER)]
        self.redis_faults: list[float] = []

    def verdict(self) -> PeoplesVerdict:
        ledger = PeoplesLedger(self.events, self.mails, self.attempts, self.stops, self.facts)
        return PeoplesOracle(self.said, ledger, self.got, self.redis_faults).check()

    def remind(self, opened: float, claimed: float | None = None) -> None:
        """Let the reminder be sent instead."""
        self.mails[REMINDER] = replace(self.mails[REMINDER], status="accepted", reason=None)
        self.attempts.append(Attempt(REMINDER, opened, opened, opened - 0.1 if claimed is None else claimed))
        self.stops.clear()
        self.got.append(_mail(REMINDER))

    def record_late(self, at: float) -> None:
        """Let the withdrawal have waited in its queue."""
        self.facts[1] = replace(self.facts[1], committed=at)


@pytest.fixture
def story() -> Story:
    return Story()


def _mail(id: UUID) -> Mail:
    return Mail(EMAIL, OFFERS, urlsafe_b64encode(b"u" + bytes(4) + id.bytes + bytes(16)).rstrip(b"=").decode(), 12.0)


def _kinds(verdict: PeoplesVerdict) -> set[str]:
    return {violation.partition(":")[0] for violation in verdict.violations}


def test_all_as_it_should_be_is_no_violation(story: Story) -> None:
    verdict = story.verdict()

    assert (verdict.violations, verdict.exceptions, verdict.queued) == ([], {}, 0)


def test_an_attempt_after_the_withdrawal_is_found_twice_by_the_ledger_and_by_the_answer(story: Story) -> None:
    story.remind(LEFT + 5)

    assert _kinds(story.verdict()) == {"an attempt was opened without consent", "mailed after a withdrawal"}


def test_an_attempt_while_the_withdrawal_waits_is_found_though_the_ledger_does_not_know_it_yet(story: Story) -> None:
    story.record_late(LEFT + 9)
    story.remind(LEFT + 5)

    assert _kinds(story.verdict()) == {"mailed after a withdrawal"}


def test_what_was_claimed_before_the_answer_is_the_exception_that_is_documented(story: Story) -> None:
    story.record_late(LEFT + 9)
    story.remind(LEFT + 0.2, claimed=LEFT)

    verdict = story.verdict()

    assert (verdict.violations, verdict.exceptions, verdict.queued) == ([], {INSTANT: 1}, 1)


@pytest.mark.parametrize(("after", "allowed"), [(5, True), (70, False)])
def test_while_redis_is_away_marketing_goes_on_for_a_minute_at_most(story: Story, after: float, allowed: bool) -> None:
    story.record_late(LEFT + 99)
    story.redis_faults = [LEFT]
    story.remind(LEFT + after)

    assert story.verdict().exceptions == ({REDIS_AWAY: 1} if allowed else {})


def test_who_came_back_is_mailed_again(story: Story) -> None:
    back = ids.derive("back")
    story.said.returns.append(Return(EMAIL, OFFERS, LEFT + 1))
    story.facts.append(Fact(ADA, OFFERS, back, "given", True, LEFT + 2, LEFT + 2))
    story.remind(LEFT + 5)

    assert story.verdict().violations == []


@pytest.mark.parametrize("kept", [True, False])
def test_who_leaves_once_more_by_the_same_link_is_judged_by_that_withdrawal(story: Story, *, kept: bool) -> None:
    back, again = ids.derive("back"), ids.derive("again")
    story.said.returns.append(Return(EMAIL, OFFERS, LEFT + 1))
    story.facts.append(Fact(ADA, OFFERS, back, "given", True, LEFT + 2, LEFT + 2))
    story.said.withdrawals.append(Withdrawal(EMAIL, OFFERS, OFFER, LEFT + 4))
    if kept:
        story.events[again] = Event(again, "drumbeat:unsubscribe", "unsubscribe", {"payload": {}, "mail": str(OFFER)})
        story.facts.append(Fact(ADA, OFFERS, again, "withdrawn", True, LEFT + 3.9, LEFT + 9))
    story.redis_faults = [LEFT + 3]
    story.remind(LEFT + 5)

    verdict = story.verdict()

    assert _kinds(verdict) == (set() if kept else {"a withdrawal was acknowledged, and is not kept"})
    assert verdict.exceptions == ({REDIS_AWAY: 1} if kept else {})


def test_no_machine_gives_back_who_left(story: Story) -> None:
    story.facts.append(Fact(ADA, OFFERS, ids.derive("crm"), "given", False, LEFT + 2, LEFT + 2))
    story.remind(LEFT + 5)

    assert "an attempt was opened without consent" in _kinds(story.verdict())


@pytest.mark.parametrize(("asked_about", "found"), [(OFFERS, False), (LETTER, True)])
def test_a_press_that_confirmed_another_list_than_its_mail_asked_about_is_found(
    story: Story, asked_about: str, found: bool
) -> None:
    asking, pressing = ids.derive("asking"), ids.derive("pressing")
    story.mails[asking] = Planned(asking, SIGN_UP, ADA, asked_about, True, "gifts", "accepted", None)
    story.got.append(_mail(asking))
    story.events[pressing] = Event(pressing, "bargains", "confirm", {"payload": {}, "mail": str(asking)})
    story.facts.append(Fact(ADA, OFFERS, pressing, "given", True, GIVEN + 1, GIVEN + 1))

    assert ("consent was confirmed that no mail had asked for" in _kinds(story.verdict())) is found


def test_a_mail_that_is_stopped_though_its_person_agreed_is_lost(story: Story) -> None:
    story.stops = [Stop(REMINDER, LEFT - 2)]

    assert _kinds(story.verdict()) == {"a mail was stopped though there was consent"}


def test_what_was_acknowledged_and_is_not_kept_is_found(story: Story) -> None:
    story.facts.clear()
    story.events.pop(SIGN_UP)

    assert _kinds(story.verdict()) >= {
        "acknowledged and not recorded",
        "a sign-up was acknowledged, and its consent is not kept",
        "a withdrawal was acknowledged, and is not kept",
    }


def test_a_sign_up_that_became_two_events_is_found(story: Story) -> None:
    again = ids.derive("again")
    story.events[again] = replace(story.events[SIGN_UP], id=again)

    assert "one sign-up is more than one event" in _kinds(story.verdict())


def test_a_mail_that_is_missing_from_the_plan_is_found(story: Story) -> None:
    story.mails.pop(REMINDER)
    story.stops.clear()

    assert _kinds(story.verdict()) == {"planned wrong"}


def test_a_mail_in_its_inbox_twice_or_never_is_found(story: Story) -> None:
    twice, never = Story(), story
    twice.got *= 2
    never.got.clear()

    assert (_kinds(twice.verdict()), _kinds(never.verdict())) == ({"mailed more than once"}, {"lost"})


@pytest.mark.parametrize(
    ("status", "reason", "fine"),
    [
        ("held", "unprovable", False),
        ("held", "search_untrusted", True),
        ("refused", "refused_by_provider", False),
        ("waiting", None, False),
        ("cancelled", "capped", False),
    ],
)
def test_what_was_not_sent_has_a_reason_that_there_can_be(story: Story, status: str, reason: str, fine: bool) -> None:
    story.mails[REMINDER] = replace(story.mails[REMINDER], status=status, reason=reason)

    assert _kinds(story.verdict()) == (set() if fine else {"lost"})


@pytest.mark.parametrize("tried", [True, False])
def test_a_person_who_decided_by_a_mail_is_asked_no_more_if_an_attempt_of_it_was_opened(
    story: Story, tried: bool
) -> None:
    asking = ids.derive("asking")
    story.mails[asking] = Planned(asking, SIGN_UP, ADA, OFFERS, True, "mail", "cancelled", "not_asked")
    story.got.append(_mail(asking))
    story.attempts += [Attempt(asking, OFFERED, OFFERED, OFFERED - 0.1)] if tried else []

    found = [violation for violation in story.verdict().violations if violation.startswith("lost")]

    assert (not found) is tried


def test_of_who_was_erased_the_bodies_are_gone_and_what_they_agreed_to_is_kept(story: Story) -> None:
    story.said.withdrawals.clear()
    story.events = {id: replace(event, body=None) for id, event in story.events.items()}
    story.mails[REMINDER] = replace(story.mails[REMINDER], reason="erased")
    story.stops.clear()

    assert story.verdict().violations == []


@pytest.mark.parametrize(("got", "tried", "lost"), [(0, False, False), (1, True, False), (1, False, True)])
def test_a_mail_that_a_report_stopped_is_in_no_inbox_unless_an_attempt_was_opened(
    story: Story, got: int, tried: bool, lost: bool
) -> None:
    story.mails[REMINDER] = replace(story.mails[REMINDER], reason="suppressed")
    story.stops.clear()
    story.got += [_mail(REMINDER)] * got
    story.attempts += [Attempt(REMINDER, OFFERED, OFFERED, OFFERED - 0.1)] if tried else []

    found = [violation for violation in story.verdict().violations if violation.startswith("lost")]

    assert bool(found) is lost

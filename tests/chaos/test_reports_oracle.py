"""The oracle about reports finds what is lost, doubled or not settled, and who is mailed in spite of a report."""

import pytest

from drumbeat.core import ids
from drumbeat.core.feedback import Kind
from tests.chaos.reports_ledger import Reported, ReportsLedger, Sending
from tests.chaos.reports_oracle import ReportsOracle, ReportsVerdict
from tests.chaos.sandbox_reports import Told

ADA = b"ada"
FIRST, SECOND = ids.derive("first"), ids.derive("second")
SENT, HAPPENED, KEPT, LATER = 10.0, 20.0, 21.0, 30.0


class Story:
    """Ada's first mail bounces for good, which is reported and kept; her second is stopped. A test changes a part."""

    def __init__(self) -> None:
        self.told = [Told("mail", FIRST, Kind.BOUNCED, "one", acknowledged=True)]
        self.ledger = ReportsLedger(
            reports=[reported("bounced")],
            attempts=[Sending(FIRST, ADA, True, SENT)],
            stops=[Sending(SECOND, ADA, True, LATER)],
        )

    def verdict(self) -> ReportsVerdict:
        return ReportsOracle(self.told, self.ledger).check()

    def instead(self, *reports: Reported) -> None:
        """Let these be all that is reported, and kept."""
        self.told = [Told(one.account, one.effect, Kind(one.kind), str(n), True) for n, one in enumerate(reports)]
        self.ledger.reports = list(reports)

    def send(self, *, marketing: bool = True) -> None:
        """Let the second mail be sent instead."""
        self.ledger.attempts.append(Sending(SECOND, ADA, marketing, LATER))
        self.ledger.stops.clear()


@pytest.fixture
def story() -> Story:
    return Story()


def reported(kind: str, at: float = HAPPENED, mail: str = "first") -> Reported:
    return Reported("mail", ids.derive(mail), kind, at, ADA, KEPT)


def kinds(verdict: ReportsVerdict) -> set[str]:
    return {violation.partition(":")[0] for violation in verdict.violations}


def test_all_as_it_should_be_is_no_violation(story: Story) -> None:
    verdict = story.verdict()

    assert (verdict.violations, verdict.kept, verdict.stopped) == ([], {"bounced": 1}, {"a hard bounce": 1})


def test_a_report_that_was_acknowledged_and_is_not_kept_is_found(story: Story) -> None:
    story.ledger.reports.clear()
    story.ledger.stops.clear()

    assert kinds(story.verdict()) == {"a report was acknowledged, and is not kept"}


def test_a_report_whose_answer_was_lost_may_be_kept_or_not(story: Story) -> None:
    story.told.append(Told("mail", SECOND, Kind.DELIVERED, "two"))
    without = story.verdict().violations
    story.ledger.reports.append(reported("delivered", mail="second"))

    assert (without, story.verdict().violations) == ([], [])


def test_a_report_that_is_kept_twice_is_found(story: Story) -> None:
    story.ledger.reports *= 2

    assert kinds(story.verdict()) == {"a report is kept more often than it was made"}


def test_a_report_that_its_provider_gave_up_is_found(story: Story) -> None:
    story.told.append(Told("mail", SECOND, Kind.DELIVERED, "two", given_up=True))

    assert kinds(story.verdict()) == {"a provider gave a report up"}


@pytest.mark.parametrize(("acknowledged", "kind", "found"), [(True, "delivered", True), (False, "delivered", False)])
def test_what_a_report_proves_is_settled(story: Story, acknowledged: bool, kind: str, found: bool) -> None:
    story.told.append(Told("mail", SECOND, Kind(kind), "two", acknowledged))
    story.ledger.reports.append(reported(kind, mail="second"))
    story.ledger.open = {SECOND: "held"}

    assert (kinds(story.verdict()) == {"its provider reported it, and it is not settled"}) is found


def test_a_mail_after_a_hard_bounce_is_found_whatever_it_is(story: Story) -> None:
    story.send(marketing=False)

    assert kinds(story.verdict()) == {"mailed after a report"}


def test_a_mail_whose_attempt_was_opened_before_the_report_was_kept_is_none(story: Story) -> None:
    story.send()
    story.ledger.attempts[-1] = Sending(SECOND, ADA, True, KEPT - 1)

    assert story.verdict().violations == []


@pytest.mark.parametrize("marketing", [True, False])
def test_who_complained_gets_no_marketing_and_all_else(story: Story, marketing: bool) -> None:
    story.instead(reported("complained"))
    story.send(marketing=marketing)

    assert kinds(story.verdict()) == ({"mailed after a report"} if marketing else set())


@pytest.mark.parametrize(("bounces", "delivered_at", "found"), [(5, 0.0, True), (4, 0.0, False), (5, LATER, False)])
def test_the_fifth_soft_bounce_in_a_row_ends_mail(story: Story, bounces: int, delivered_at: float, found: bool) -> None:
    soft = [reported("soft_bounced", mail=str(number)) for number in range(bounces)]
    story.instead(*soft, reported("delivered", at=delivered_at))
    story.send()

    assert (kinds(story.verdict()) == {"mailed after a report"}) is found


def test_a_mail_that_was_stopped_without_a_report_is_found(story: Story) -> None:
    story.instead(reported("delivered"))

    assert kinds(story.verdict()) == {"a mail was stopped, and no report says why"}


def test_a_mail_after_an_erasure_is_found(story: Story) -> None:
    story.instead(reported("delivered"))
    story.send()
    story.ledger.erased[ADA] = LATER - 1

    assert kinds(story.verdict()) == {"mailed after an erasure"}

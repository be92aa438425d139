"""The oracle about newsletters: each kind of broken promise is one that it names."""

from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest

from tests.chaos.newsletter.ledger import Attempt, Leaving, Mail, Move, Out, RunsLedger
from tests.chaos.newsletter.oracle import RunOracle, last_opened, openings
from tests.chaos.newsletter.samples import Samples

RUN, ADA, BOB = UUID(int=1), b"ada", b"bob"
TO_ADA, TO_BOB = UUID(int=11), UUID(int=12)
STOPPED = "a mail was stopped, and its person had not left"


def mail(id: UUID = TO_ADA, contact: bytes = ADA, status: str = "accepted", reason: str | None = None) -> Mail:
    return Mail(id, RUN, contact, status, reason, tried=status == "accepted")


def ledger(*mails: Mail, at: float = 5.0) -> RunsLedger:
    """A run from 1 to 9, paused from 3 to 4, of which each mail that was tried was opened at some moment."""
    moves = [("expanding", 1.0), ("running", 2.0), ("paused", 3.0), ("running", 4.0), ("finished", 9.0)]
    return RunsLedger(
        mails=list(mails),
        attempts=[Attempt(one.id, RUN, one.contact, at, at) for one in mails if one.tried],
        moves=[Move(RUN, state, committed) for state, committed in moves],
    )


def found(held: RunsLedger, got: Counter[UUID], people: set[bytes]) -> list[str]:
    """Return the kinds of violations."""
    return [each.partition(":")[0] for each in RunOracle(held, got, {RUN: people}).check().violations]


def test_who_has_it_once_or_is_left_out_or_was_stopped_by_leaving_is_accounted_for() -> None:
    held = ledger(mail(), mail(TO_BOB, BOB, "cancelled", "no_consent"))
    held.leavings.append(Leaving(BOB, "no_consent", 2.5))
    held.out.append(Out(RUN, b"cyd", ["suppressed"]))

    assert found(held, Counter([TO_ADA]), {ADA, BOB, b"cyd"}) == []


def test_who_left_the_list_before_its_people_were_recorded_is_not_missed() -> None:
    held = ledger(mail())
    held.leavings.append(Leaving(BOB, "no_consent", 0.5))

    assert found(held, Counter([TO_ADA]), {ADA, BOB}) == []


@pytest.mark.parametrize(
    ("held", "got", "kind"),
    [
        (ledger(mail()), Counter([TO_ADA, TO_ADA]), "mailed more than once"),
        (ledger(mail()), Counter[UUID](), "lost"),
        (ledger(), Counter[UUID](), "lost"),
        (ledger(mail()), Counter([TO_ADA, TO_BOB]), "a mail that was never planned"),
        (ledger(mail(), mail(TO_BOB)), Counter([TO_ADA, TO_BOB]), "more than one mail is planned"),
        (ledger(mail(status="waiting")), Counter[UUID](), "without a reason"),
        (ledger(mail(status="held", reason="unprovable")), Counter[UUID](), "without a reason"),
        (ledger(mail(status="cancelled", reason="no_consent")), Counter[UUID](), STOPPED),
        (ledger(mail(), at=3.5), Counter([TO_ADA]), "opened in a pause"),
    ],
)  # fmt: skip
def test_each_broken_promise_is_named(held: RunsLedger, got: Counter[UUID], kind: str) -> None:
    assert found(held, got, {ADA}) == [kind]


@pytest.mark.parametrize(("committed", "kinds"), [(4.5, ["mailed after leaving"]), (5.5, [])])
def test_who_left_before_the_commit_of_an_opening_must_not_be_mailed(committed: float, kinds: list[str]) -> None:
    held = ledger(mail(), at=5.0)
    held.leavings.append(Leaving(ADA, "suppressed", committed))

    assert found(held, Counter([TO_ADA]), {ADA}) == kinds


def test_the_last_opening_of_a_pause_is_counted_from_its_answer() -> None:
    held = ledger(mail(), at=2.9)

    assert last_opened(held.attempts, RUN, acknowledged=3.1, resumed=4.0) == pytest.approx(-0.2)


def test_openings_of_one_person_by_two_runs_are_counted() -> None:
    held = ledger(mail(), replace(mail(TO_BOB), run=UUID(int=2)))

    assert openings(held, [RUN, UUID(int=2)]) == {ADA: 2}


def test_a_look_at_a_run_that_does_not_add_up_is_a_violation() -> None:
    step = {"step": "mail", "matched": 5, "leftOut": {"suppressed": 1}, "cancelled": {"no_consent": 1}}
    parts = {"notExpanded": 0, "waiting": 1, "inFlight": 0, "held": 0, "accepted": 2, "refused": 0}
    samples = Samples()

    samples.take({"state": "running", "totals": [step | parts]})
    samples.take({"state": "running", "totals": [step | parts | {"accepted": 1}]})

    assert [each.partition(":")[0] for each in samples.violations] == ["it does not add up"]
    assert samples.done == 0.6

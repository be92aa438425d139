"""Every answer to "what follows", without a database or a provider.

Long, because it is the whole table of decisions.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.deliver.verdicts import (
    MAX_AGE,
    MAX_CRASHES,
    Verdict,
    backoff,
    before_sending,
    of_answer,
    of_look,
    of_unknown,
)
from drumbeat.events import Event
from drumbeat.flows.model import Account, LookPolicy, Retry
from drumbeat.outcomes import Absent, Accepted, Denied, Found, NotSent, Refused, Throttled, Unclear, Unknown
from drumbeat.providers.base import Blind, Feedback, Key, Query, SameId
from drumbeat.status import ALLOWED, Status
from drumbeat.store.effects import Claimed

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RANDOM = Random(1)
IDENTITY = "mailgun|a|b"
KEY = Key(lifetime=timedelta(hours=24))
QUERY = Query(looks=(timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30)), retention=timedelta(days=3))
POLICY = LookPolicy((60.0, 300.0, 1800.0), 3 * 86400.0)
ACCOUNT = Account("mail", "mailgun", {}, {}, (), Retry(5, 1.0, 900.0), "hold", None)


def effect(**changes: Any) -> Claimed:
    values: dict[str, Any] = {
        "id": UUID(int=1),
        "event": Event(UUID(int=2), "shop", "k", "LEAD_CAPTURE", "api", None, NOW, b"{}"),
        "version": 1,
        "flow": "welcome",
        "step": "hello",
        "account": "mail",
        "action": "send_email",
        "contact": b"c",
        "status": Status.CLAIMED,
        "fence": 1,
        "generation": 1,
        "tries": 0,
        "crashes": 0,
        "looks": 0,
        "slot": None,
        "base_due_at": NOW,
        "dependents": (),
        "now": NOW,
        "newest_version": 1,
        "frozen": None,
        "request_hash": None,
        "attempts": 0,
        "unresolved": 0,
        "first_opened_at": None,
        "last_opened_at": None,
        "last_n": None,
        "identity": None,
        "proof": None,
        "proof_reference": None,
        "suppressed": None,
        "predecessor": None,
    }
    return Claimed(**values | changes)


def unknown(age: timedelta = timedelta(seconds=1), **changes: Any) -> Claimed:
    opened: dict[str, Any] = {"first_opened_at": NOW - age, "last_opened_at": NOW - age, "last_n": 1}
    tried = {"status": Status.UNKNOWN, "attempts": 1, "unresolved": 1, "tries": 1, "identity": IDENTITY}
    return effect(**opened | tried | changes)


def sent_again(age: timedelta = timedelta(seconds=1), **changes: Any) -> Claimed:
    return replace(unknown(age, **changes), status=Status.CLAIMED)


# ---------------------------------------------------------------- before any call


def test_a_first_attempt_may_be_made() -> None:
    assert before_sending(effect(), ACCOUNT, QUERY, IDENTITY) is None


@pytest.mark.parametrize(
    ("changes", "to"),
    [
        ({"suppressed": "unsubscribed"}, Status.CANCELLED),
        ({"event": replace(effect().event, body=None)}, Status.CANCELLED),
        ({"predecessor": Status.REFUSED}, Status.CANCELLED),
        ({"base_due_at": NOW - MAX_AGE - timedelta(seconds=1)}, Status.CANCELLED),
        ({"proof": "accepted"}, Status.ACCEPTED),
        ({"crashes": MAX_CRASHES}, Status.HELD),
    ],
)
def test_what_must_not_be_sent_says_why(changes: dict[str, Any], to: Status) -> None:
    verdict = before_sending(effect(**changes), ACCOUNT, QUERY, IDENTITY)

    assert verdict is not None
    assert verdict.to is to
    assert verdict.reason


def test_what_a_person_has_sent_again_does_not_expire() -> None:
    late = effect(base_due_at=NOW - MAX_AGE - timedelta(days=1), generation=2)

    assert before_sending(late, ACCOUNT, QUERY, IDENTITY) is None


@pytest.mark.point(15)
@pytest.mark.point(42)
def test_what_was_put_off_for_over_a_week_is_not_sent_any_more_and_what_may_have_been_sent_is_settled() -> None:
    age: dict[str, Any] = {"base_due_at": NOW - MAX_AGE - timedelta(seconds=1)}
    refused_at_the_door = before_sending(sent_again(**age | {"unresolved": 0}), ACCOUNT, KEY, IDENTITY)
    begun = before_sending(sent_again(**age), ACCOUNT, KEY, IDENTITY)

    assert refused_at_the_door is not None
    assert refused_at_the_door.to is Status.CANCELLED
    assert begun is None


def test_an_account_that_is_gone_holds_the_effect() -> None:
    verdict = before_sending(effect(), None, None, None)
    assert verdict is not None
    assert verdict.to is Status.HELD


def test_frozen_bytes_of_one_login_are_never_sent_under_another() -> None:
    verdict = before_sending(sent_again(unresolved=0), ACCOUNT, KEY, "mailgun|a|another")

    assert verdict is not None
    assert verdict.to is Status.HELD


@pytest.mark.point(44)
@pytest.mark.parametrize(("seconds", "sent"), [(-1, True), (1, False)])
def test_a_key_is_repeated_until_its_lifetime_less_the_margin_and_not_after(seconds: int, sent: bool) -> None:
    age = KEY.lifetime - KEY.margin + timedelta(seconds=seconds)

    verdict = before_sending(sent_again(age), ACCOUNT, KEY, IDENTITY)

    assert (verdict is None) is sent
    if verdict:
        assert verdict.to is Status.HELD


@pytest.mark.parametrize("repeat", [QUERY, Blind(), Feedback(timedelta(minutes=15))])
def test_nothing_is_repeated_without_evidence(repeat: Any) -> None:
    verdict = before_sending(sent_again(), ACCOUNT, repeat, IDENTITY)

    assert verdict is not None
    assert verdict.to is Status.HELD


# ---------------------------------------------------------------- an unknown outcome


@pytest.mark.point(37)
@pytest.mark.parametrize("repeat", [KEY, SameId()])
def test_an_unknown_outcome_under_a_key_or_an_id_of_ours_is_repeated(repeat: Any) -> None:
    verdict = of_unknown(unknown(), ACCOUNT, repeat, IDENTITY)
    assert verdict is not None
    assert verdict.to is Status.WAITING


@pytest.mark.point(44)
def test_an_expired_key_is_held() -> None:
    verdict = of_unknown(unknown(timedelta(hours=23)), ACCOUNT, KEY, IDENTITY)
    assert verdict is not None
    assert verdict.to is Status.HELD


def test_a_query_is_asked() -> None:
    assert of_unknown(unknown(), ACCOUNT, QUERY, IDENTITY) is None


@pytest.mark.parametrize("repeat", [Blind(), Feedback(timedelta(minutes=15))])
@pytest.mark.parametrize(
    ("policy", "to"), [("hold", Status.HELD), ("resend", Status.WAITING), ("drop", Status.CANCELLED)]
)
def test_on_unknown_decides_where_nothing_can_be_proven(repeat: Any, policy: str, to: Status) -> None:
    verdict = of_unknown(unknown(), replace(ACCOUNT, on_unknown=policy), repeat, IDENTITY)
    assert verdict is not None
    assert verdict.to is to


def test_another_login_is_never_asked_about_an_attempt_that_was_not_its_own() -> None:
    verdict = of_unknown(unknown(), ACCOUNT, QUERY, "mailgun|a|another")
    assert verdict is not None
    assert verdict.to is Status.HELD


def test_an_unknown_outcome_whose_person_was_suppressed_is_never_repeated() -> None:
    verdict = of_unknown(unknown(suppressed="complained"), ACCOUNT, KEY, IDENTITY)
    assert verdict is not None
    assert verdict.to is Status.CANCELLED
    assert "may have been sent once" in (verdict.reason or "")


@pytest.mark.point(51)
@pytest.mark.parametrize(("proof", "to"), [("accepted", Status.ACCEPTED), ("refused", Status.REFUSED)])
def test_proof_settles_an_unknown_outcome(proof: str, to: Status) -> None:
    verdict = of_unknown(unknown(proof=proof), ACCOUNT, Blind(), IDENTITY)
    assert verdict is not None
    assert verdict.to is to


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("outcome", "to", "tries"),
    [
        (Accepted("m-1"), Status.ACCEPTED, 0),
        (Refused("no such address"), Status.REFUSED, 0),
        (Throttled("429", 7.0), Status.WAITING, 0),
        (Denied("401"), Status.WAITING, 0),
        (NotSent("connection refused"), Status.WAITING, 1),
        (Unknown("500"), Status.UNKNOWN, 1),
    ],
)
def test_what_an_answer_leads_to(outcome: Any, to: Status, tries: int) -> None:
    verdict = of_answer(effect(), outcome, ACCOUNT, QUERY, RANDOM)

    assert (verdict.to, verdict.tries) == (to, tries)


@pytest.mark.point(41)
def test_a_429_waits_as_long_as_it_says() -> None:
    assert of_answer(effect(), Throttled("429", 7.0), ACCOUNT, QUERY, RANDOM).wait == 7.0


@pytest.mark.parametrize("outcome", [Throttled("HTTP 429", 7.0), Denied("HTTP 401: no such key")])
def test_an_effect_that_meets_a_pause_waits_for_it_like_those_behind_it(outcome: Throttled | Denied) -> None:
    """`accounts resume` knows by this word what to set free."""
    assert (of_answer(effect(), outcome, ACCOUNT, QUERY, RANDOM).reason or "").startswith("paused: ")


@pytest.mark.point(36)
def test_what_surely_was_not_sent_is_given_up_after_the_last_try() -> None:
    verdict = of_answer(effect(tries=4), NotSent("connection refused"), ACCOUNT, QUERY, RANDOM)

    assert verdict.to is Status.REFUSED
    assert verdict.reason == "gave up after 5 tries: connection refused"


def test_a_harmless_try_after_an_unknown_one_leaves_it_unknown() -> None:
    verdict = of_answer(sent_again(), NotSent("connection refused"), ACCOUNT, KEY, RANDOM)
    assert verdict.to is Status.UNKNOWN


def test_a_refusal_says_so_when_an_earlier_try_may_have_been_carried_out() -> None:
    assert of_answer(effect(), Refused("HTTP 422"), ACCOUNT, KEY, RANDOM).reason == "HTTP 422"
    assert of_answer(sent_again(), Refused("HTTP 422"), ACCOUNT, KEY, RANDOM).reason == (
        "HTTP 422; may have been sent once"
    )


def test_a_spoilt_key_leaves_no_try() -> None:
    verdict = of_answer(effect(), Unknown("other body under this key", repeatable=False), ACCOUNT, KEY, RANDOM)

    after = of_unknown(unknown(tries=verdict.tries), ACCOUNT, KEY, IDENTITY)

    assert after is not None
    assert after.to is Status.HELD


# ---------------------------------------------------------------- looks


def look(age: float, found: Any, control: Any = None, *, took: float = 0.0, **changes: Any) -> Verdict:
    return of_look(unknown(timedelta(seconds=age), **changes), found, control, POLICY, ACCOUNT, RANDOM, took=took)


def test_what_is_found_was_accepted() -> None:
    assert look(60, Found("m-1")).to is Status.ACCEPTED


@pytest.mark.point(48)
def test_what_is_found_twice_says_so() -> None:
    assert look(60, Found("m-1", count=2)).reason == "found 2 times at the provider"


@pytest.mark.point(47)
@pytest.mark.parametrize(("age", "wait"), [(60.0, 240.0), (300.0, 1500.0)])
def test_an_early_absence_only_leads_to_the_next_look(age: float, wait: float) -> None:
    verdict = look(age, Absent(), Found("control"), looks=0 if age == 60.0 else 1)

    assert (verdict.to, verdict.wait) == (Status.UNKNOWN, wait)


@pytest.mark.point(38)
def test_a_late_absence_beside_a_found_control_proves_that_nothing_was_sent() -> None:
    assert look(1800, Absent(), Found("control"), looks=2).to is Status.WAITING


def test_a_proven_absence_after_the_last_try_gives_up() -> None:
    assert look(1800, Absent(), Found("control"), looks=2, tries=5).to is Status.REFUSED


@pytest.mark.parametrize("control", [None, Absent(), Unclear("500")])
def test_an_absence_without_its_control_is_never_believed(control: Any) -> None:
    waits = look(1800, Absent(), control, looks=2)
    ends = look(7200, Absent(), control, looks=5)

    assert waits.to is Status.UNKNOWN
    assert ends.to is Status.HELD


@pytest.mark.parametrize("control", [None, Found("control")])
def test_an_absence_after_retention_proves_nothing(control: Any) -> None:
    assert look(POLICY.retention, Absent(), control, looks=2).to is Status.HELD
    assert look(POLICY.retention - 1, Absent(), Found("control"), looks=2).to is Status.WAITING


def test_retention_is_judged_by_the_end_of_the_look_and_lag_by_its_beginning() -> None:
    assert look(POLICY.retention - 1, Absent(), Found("control"), took=1.0, looks=2).to is Status.HELD
    assert look(POLICY.looks[-1] - 1, Absent(), Found("control"), took=1.0, looks=2).to is Status.UNKNOWN


@pytest.mark.point(48)
def test_a_look_that_failed_is_tried_again() -> None:
    verdict = look(1800, Unclear("503"), looks=2)

    assert (verdict.to, verdict.looks) == (Status.UNKNOWN, 2)


# ---------------------------------------------------------------- for all


@given(tries=st.integers(0, 10_000), seed=st.integers())
def test_backoff_stays_within_its_cap(tries: int, seed: int) -> None:
    assert 0 <= backoff(Retry(5, 1.0, 900.0), tries, Random(seed)) <= 900.0


OUTCOMES = st.sampled_from(
    [Accepted("x"), Refused("x"), NotSent("x"), Throttled("x"), Denied("x"), Unknown("x"), Unknown("x", False)]
)
REPEATS = st.sampled_from([KEY, SameId(), QUERY, Feedback(timedelta(minutes=15)), Blind()])


@given(outcome=OUTCOMES, repeat=REPEATS, tries=st.integers(0, 6), unresolved=st.integers(0, 3))
def test_every_answer_follows_a_drawn_arrow(outcome: Any, repeat: Any, tries: int, unresolved: int) -> None:
    verdict = of_answer(effect(tries=tries, unresolved=unresolved), outcome, ACCOUNT, repeat, RANDOM)

    assert (Status.SENDING, verdict.to) in ALLOWED
    assert verdict.wait >= 0


@pytest.mark.point(44)
@given(age=st.timedeltas(timedelta(0), timedelta(days=3)), tries=st.integers(0, 6), outcome=OUTCOMES)
def test_no_schedule_of_repeats_ever_leaves_the_keys_window(age: timedelta, tries: int, outcome: Any) -> None:
    effect_ = sent_again(age, tries=tries)

    if before_sending(effect_, ACCOUNT, KEY, IDENTITY) is None:
        assert age < KEY.lifetime - KEY.margin

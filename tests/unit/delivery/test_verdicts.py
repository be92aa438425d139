"""Every answer to "what follows", without a database or a provider.

Long, because it is the whole table of decisions.
"""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.core.configuration import Account, LookPolicy, Retry
from drumbeat.core.outcomes import Absent, Accepted, Denied, Found, NotSent, Refused, Throttled, Unclear, Unknown
from drumbeat.core.reasons import PAUSES, Reason, ReasonCode
from drumbeat.core.status import ALLOWED, Status
from drumbeat.delivery.effects import Claimed
from drumbeat.delivery.verdicts import (
    LAST_TRY_SECONDS,
    MAX_CRASHES,
    Verdict,
    backoff,
    before_sending,
    of_answer,
    of_look,
    of_unknown,
)
from drumbeat.providers.base import Blind, Feedback, NativeKey, Query, Repeat, SameId
from tests.unit.delivery.sample_effects import IDENTITY, NOW, effect, unknown

RANDOM = Random(1)
KEY = NativeKey(lifetime=timedelta(hours=24))
QUERY = Query(looks=(timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30)), retention=timedelta(days=3))
POLICY = LookPolicy((60.0, 300.0, 1800.0), 3 * 86400.0)
ACCOUNT = Account("mail", "mailgun", {}, {}, (), Retry(1.0, 900.0), "hold", None)


def sent_again(age: timedelta = timedelta(seconds=1), **changes: Any) -> Claimed:
    return replace(unknown(age, **changes), status=Status.CLAIMED)


# ---------------------------------------------------------------- before any call


def test_a_first_attempt_may_be_made() -> None:
    assert before_sending(effect(), ACCOUNT, QUERY, IDENTITY) is None


@pytest.mark.parametrize(
    ("changes", "to", "why"),
    [
        ({"suppressed": "unsubscribed"}, Status.CANCELLED, Reason(ReasonCode.SUPPRESSED, "unsubscribed")),
        ({"event": replace(effect().event, body=None)}, Status.CANCELLED, Reason(ReasonCode.ERASED)),
        ({"predecessor": Status.REFUSED}, Status.CANCELLED, Reason(ReasonCode.PREDECESSOR_ENDED, "refused")),
        ({"expires_at": NOW}, Status.CANCELLED, Reason(ReasonCode.EXPIRED)),
        ({"proof": "accepted"}, Status.ACCEPTED, Reason(ReasonCode.PROVEN)),
        ({"crashes": MAX_CRASHES}, Status.HELD, Reason(ReasonCode.WORKER_CRASHED, "3")),
    ],
)
def test_what_must_not_be_sent_says_why(changes: dict[str, Any], to: Status, why: Reason) -> None:
    verdict = before_sending(effect(**changes), ACCOUNT, QUERY, IDENTITY)

    assert verdict == Verdict(to, reason=why)


@pytest.mark.point(15)
@pytest.mark.point(42)
def test_what_has_expired_is_not_sent_any_more_and_what_may_have_been_sent_is_settled() -> None:
    age: dict[str, Any] = {"expires_at": NOW - timedelta(seconds=1)}
    refused_at_the_door = before_sending(sent_again(**age | {"unresolved": 0}), ACCOUNT, KEY, IDENTITY)
    begun = before_sending(sent_again(**age), ACCOUNT, KEY, IDENTITY)

    assert refused_at_the_door is not None
    assert refused_at_the_door.to is Status.CANCELLED
    assert begun is None


def test_an_account_that_is_gone_holds_the_effect() -> None:
    verdict = before_sending(effect(), None, None, None)

    assert verdict == Verdict(Status.HELD, reason=Reason(ReasonCode.NOT_CONFIGURED, "mail"))


def test_frozen_bytes_of_one_login_are_never_sent_under_another() -> None:
    verdict = before_sending(sent_again(unresolved=0), ACCOUNT, KEY, "mailgun|a|another")

    assert verdict == Verdict(Status.HELD, reason=Reason(ReasonCode.LOGIN_CHANGED, "mail"))


@pytest.mark.point(44)
@pytest.mark.parametrize(("seconds", "sent"), [(-1, True), (1, False)])
def test_a_key_is_repeated_until_its_lifetime_less_the_margin_and_not_after(seconds: int, sent: bool) -> None:
    age = KEY.lifetime - KEY.margin + timedelta(seconds=seconds)

    verdict = before_sending(sent_again(age), ACCOUNT, KEY, IDENTITY)

    assert (verdict is None) is sent
    if verdict:
        assert verdict.to is Status.HELD


@pytest.mark.parametrize(
    ("repeat", "why"),
    [
        (QUERY, ReasonCode.NOT_LOOKED_UP),
        (Blind(), ReasonCode.UNPROVABLE),
        (Feedback(timedelta(minutes=15)), ReasonCode.UNPROVABLE),
    ],
)
def test_nothing_is_repeated_without_evidence(repeat: Any, why: ReasonCode) -> None:
    verdict = before_sending(sent_again(), ACCOUNT, repeat, IDENTITY)

    assert verdict == Verdict(Status.HELD, reason=Reason(why))


# ---------------------------------------------------------------- an unknown outcome


@pytest.mark.point(37)
@pytest.mark.parametrize("repeat", [KEY, SameId()])
def test_an_unknown_outcome_under_a_key_or_an_id_of_ours_is_repeated(repeat: Any) -> None:
    verdict = of_unknown(unknown(), ACCOUNT, repeat, IDENTITY)

    assert verdict == Verdict(Status.WAITING, reason=Reason(ReasonCode.REPEATED_SAFELY))


@pytest.mark.point(44)
def test_an_expired_key_is_held() -> None:
    verdict = of_unknown(unknown(timedelta(hours=23)), ACCOUNT, KEY, IDENTITY)

    assert verdict == Verdict(Status.HELD, reason=Reason(ReasonCode.KEY_EXPIRED))


@pytest.mark.parametrize(
    ("repeat", "policy"), [(SameId(), "hold"), (Blind(), "resend"), (Feedback(timedelta()), "resend")]
)
def test_what_is_repeated_without_an_end_of_its_own_is_held_once_it_expires(repeat: Any, policy: str) -> None:
    account = replace(ACCOUNT, on_unknown=policy)
    expired = unknown(expires_at=NOW)

    for verdict in (
        of_unknown(expired, account, repeat, IDENTITY),
        before_sending(sent_again(expires_at=NOW), account, repeat, IDENTITY),
    ):
        assert verdict == Verdict(Status.HELD, reason=Reason(ReasonCode.EXPIRED_UNKNOWN))


def test_a_key_is_repeated_to_the_end_of_its_window_whatever_the_count_of_tries_and_its_expiry() -> None:
    verdict = of_unknown(unknown(timedelta(hours=22), expires_at=NOW, tries=500), ACCOUNT, KEY, IDENTITY)

    assert verdict == Verdict(Status.WAITING, reason=Reason(ReasonCode.REPEATED_SAFELY))


def test_a_query_is_asked() -> None:
    assert of_unknown(unknown(), ACCOUNT, QUERY, IDENTITY) is None


@pytest.mark.parametrize("repeat", [Blind(), Feedback(timedelta(minutes=15))])
@pytest.mark.parametrize(
    ("policy", "to", "why"),
    [
        ("hold", Status.HELD, Reason(ReasonCode.UNPROVABLE)),
        ("resend", Status.WAITING, Reason(ReasonCode.REPEATED_SAFELY)),
        ("drop", Status.CANCELLED, Reason(ReasonCode.DROPPED, maybe_sent=True)),
    ],
)
def test_on_unknown_decides_where_nothing_can_be_proven(repeat: Any, policy: str, to: Status, why: Reason) -> None:
    verdict = of_unknown(unknown(), replace(ACCOUNT, on_unknown=policy), repeat, IDENTITY)

    assert verdict == Verdict(to, reason=why)


def test_another_login_is_never_asked_about_an_attempt_that_was_not_its_own() -> None:
    verdict = of_unknown(unknown(), ACCOUNT, QUERY, "mailgun|a|another")
    assert verdict is not None
    assert verdict.to is Status.HELD


def test_an_unknown_outcome_whose_person_was_suppressed_is_never_repeated() -> None:
    verdict = of_unknown(unknown(suppressed="complained"), ACCOUNT, KEY, IDENTITY)

    why = Reason(ReasonCode.SUPPRESSED, "complained", maybe_sent=True)
    assert verdict == Verdict(Status.CANCELLED, reason=why)


@pytest.mark.parametrize("repeat", [KEY, SameId(), Blind()])
def test_an_unknown_outcome_of_an_event_that_was_erased_is_never_repeated(repeat: Repeat) -> None:
    effect = unknown(suppressed="erased")
    erased = replace(effect, event=replace(effect.event, body=None))

    verdict = of_unknown(erased, ACCOUNT, repeat, IDENTITY)

    assert verdict == Verdict(Status.CANCELLED, reason=Reason(ReasonCode.ERASED, maybe_sent=True))


@pytest.mark.point(51)
@pytest.mark.parametrize(
    ("proof", "to", "why"),
    [
        ("accepted", Status.ACCEPTED, Reason(ReasonCode.PROVEN)),
        ("refused", Status.REFUSED, Reason(ReasonCode.REFUSED_LATE, maybe_sent=True)),
    ],
)
def test_proof_settles_an_unknown_outcome(proof: str, to: Status, why: Reason) -> None:
    verdict = of_unknown(unknown(proof=proof), ACCOUNT, Blind(), IDENTITY)

    assert verdict == Verdict(to, reason=why)


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("outcome", "to", "why", "tries"),
    [
        (Accepted("m-1"), Status.ACCEPTED, None, 0),
        (Refused("no such address"), Status.REFUSED, Reason(ReasonCode.REFUSED_BY_PROVIDER, "no such address"), 0),
        (Throttled("429", 7.0), Status.WAITING, Reason(ReasonCode.PAUSED, "429"), 1),
        (Denied("401"), Status.WAITING, Reason(ReasonCode.CREDENTIALS_REFUSED, "401"), 1),
        (NotSent("connection refused"), Status.WAITING, Reason(ReasonCode.NOT_SENT, "connection refused"), 1),
        (Unknown("500"), Status.UNKNOWN, Reason(ReasonCode.OUTCOME_UNKNOWN, "500"), 1),
    ],
)
def test_what_an_answer_leads_to(outcome: Any, to: Status, why: Reason | None, tries: int) -> None:
    verdict = of_answer(effect(), outcome, ACCOUNT, QUERY, RANDOM)

    assert (verdict.to, verdict.reason, verdict.tries) == (to, why, tries)


@pytest.mark.point(41)
@pytest.mark.parametrize(
    "end", [Throttled("429", 700.0), NotSent("409", 700.0), Denied("403", 700.0), Unknown("503", retry_after=700.0)]
)
@pytest.mark.parametrize("repeat", [KEY, SameId()])
def test_every_answer_that_says_how_long_to_wait_is_obeyed(end: Any, repeat: Any) -> None:
    assert of_answer(effect(), end, ACCOUNT, repeat, RANDOM).wait == 700.0


def test_there_is_a_last_try_before_an_effect_expires_and_before_its_key_does() -> None:
    slow = replace(ACCOUNT, retry=Retry(6 * 3600.0, 6 * 3600.0))
    soon = effect(expires_at=NOW + timedelta(seconds=LAST_TRY_SECONDS + 1))
    window = KEY.lifetime - KEY.margin
    again = sent_again(window - timedelta(seconds=LAST_TRY_SECONDS + 1))

    assert of_answer(soon, NotSent("no route"), slow, KEY, RANDOM).wait <= 1.0
    assert of_answer(again, Unknown("503"), slow, KEY, RANDOM).wait <= 1.0


@pytest.mark.parametrize("left", [10.0, 3600.0])
def test_a_provider_that_asks_for_more_time_than_there_is_is_not_called_again_and_the_effect_ends_in_time(
    left: float,
) -> None:
    short = effect(expires_at=NOW + timedelta(seconds=left))

    assert of_answer(short, NotSent("409", 6 * 3600.0), ACCOUNT, KEY, RANDOM).wait == left


@pytest.mark.parametrize("outcome", [Throttled("HTTP 429", 7.0), Denied("HTTP 401: no such key")])
def test_an_effect_that_meets_a_pause_waits_for_it_like_those_behind_it(outcome: Throttled | Denied) -> None:
    """`accounts resume` knows by this code what to set free."""
    why = of_answer(effect(), outcome, ACCOUNT, QUERY, RANDOM).reason

    assert why is not None
    assert why.code in PAUSES


@pytest.mark.point(36)
def test_what_surely_was_not_sent_is_tried_again_whatever_the_count() -> None:
    verdict = of_answer(effect(tries=400, attempts=400), NotSent("connection refused"), ACCOUNT, QUERY, RANDOM)

    assert (verdict.to, verdict.reason) == (Status.WAITING, Reason(ReasonCode.NOT_SENT, "connection refused"))


def test_a_refusal_of_credentials_is_about_the_effect_only_once_its_account_accepted_another_since() -> None:
    alone = of_answer(effect(tries=90), Denied("HTTP 403"), ACCOUNT, KEY, RANDOM)
    beside = of_answer(effect(tries=1), Denied("HTTP 403", of_message=True), ACCOUNT, KEY, RANDOM, others_accepted=True)

    assert alone.to is Status.WAITING
    assert beside.to is Status.REFUSED
    assert beside.reason == Reason(ReasonCode.REFUSED_BY_PROVIDER, "HTTP 403; the account accepts others")


def test_a_harmless_try_after_an_unknown_one_leaves_it_unknown() -> None:
    verdict = of_answer(sent_again(), NotSent("connection refused"), ACCOUNT, KEY, RANDOM)
    assert verdict.to is Status.UNKNOWN


def test_a_refusal_says_so_when_an_earlier_try_may_have_been_carried_out() -> None:
    first = of_answer(effect(), Refused("HTTP 422"), ACCOUNT, KEY, RANDOM)
    later = of_answer(sent_again(), Refused("HTTP 422"), ACCOUNT, KEY, RANDOM)

    assert first.reason == Reason(ReasonCode.REFUSED_BY_PROVIDER, "HTTP 422")
    assert later.reason == Reason(ReasonCode.REFUSED_BY_PROVIDER, "HTTP 422", maybe_sent=True)


def test_what_must_not_be_sent_again_even_under_its_key_is_held() -> None:
    verdict = of_answer(effect(), Unknown("other body under this key", repeatable=False), ACCOUNT, KEY, RANDOM)

    why = Reason(ReasonCode.NOT_REPEATABLE, "other body under this key")
    assert (verdict.to, verdict.reason, verdict.wait) == (Status.UNKNOWN, why, 0.0)
    after = of_unknown(unknown(unrepeatable="other body under this key"), ACCOUNT, KEY, IDENTITY)
    assert after == Verdict(Status.HELD, reason=why)


# ---------------------------------------------------------------- looks


def look(age: float, found: Any, control: Any = None, *, took: float = 0.0, **changes: Any) -> Verdict:
    return of_look(unknown(timedelta(seconds=age), **changes), found, control, POLICY, ACCOUNT, RANDOM, took=took)


def test_what_is_found_was_accepted() -> None:
    assert look(60, Found("m-1")) == Verdict(Status.ACCEPTED, reason=Reason(ReasonCode.FOUND))


@pytest.mark.point(48)
def test_what_is_found_twice_says_so() -> None:
    assert look(60, Found("m-1", count=2)).reason == Reason(ReasonCode.FOUND_MANY, "2")


@pytest.mark.point(47)
@pytest.mark.parametrize(("age", "wait"), [(60.0, 240.0), (300.0, 1500.0)])
def test_an_early_absence_only_leads_to_the_next_look(age: float, wait: float) -> None:
    verdict = look(age, Absent(), Found("control"), looks=0 if age == 60.0 else 1)

    assert (verdict.to, verdict.wait, verdict.reason) == (Status.UNKNOWN, wait, Reason(ReasonCode.NOT_FOUND_YET))


@pytest.mark.point(38)
def test_a_late_absence_beside_a_found_control_proves_that_nothing_was_sent() -> None:
    verdict = look(1800, Absent(), Found("control"), looks=2)

    assert (verdict.to, verdict.reason) == (Status.WAITING, Reason(ReasonCode.PROVEN_ABSENT))


@pytest.mark.parametrize("control", [None, Absent(), Unclear("500")])
def test_an_absence_without_its_control_is_never_believed(control: Any) -> None:
    waits = look(1800, Absent(), control, looks=2)
    ends = look(7200, Absent(), control, looks=5)

    assert (waits.to, waits.reason) == (Status.UNKNOWN, Reason(ReasonCode.CONTROL_NOT_FOUND))
    assert (ends.to, ends.reason) == (Status.HELD, Reason(ReasonCode.SEARCH_UNTRUSTED))


@pytest.mark.parametrize("control", [None, Found("control")])
def test_an_absence_after_retention_proves_nothing(control: Any) -> None:
    late = look(POLICY.retention, Absent(), control, looks=2)

    assert (late.to, late.reason) == (Status.HELD, Reason(ReasonCode.PAST_RETENTION))
    assert look(POLICY.retention - 1, Absent(), Found("control"), looks=2).to is Status.WAITING


def test_retention_is_judged_by_the_end_of_the_look_and_lag_by_its_beginning() -> None:
    assert look(POLICY.retention - 1, Absent(), Found("control"), took=1.0, looks=2).to is Status.HELD
    assert look(POLICY.looks[-1] - 1, Absent(), Found("control"), took=1.0, looks=2).to is Status.UNKNOWN


@pytest.mark.point(48)
def test_a_look_that_failed_is_tried_again() -> None:
    verdict = look(1800, Unclear("503"), looks=2)

    assert (verdict.to, verdict.looks) == (Status.UNKNOWN, 2)
    assert verdict.reason == Reason(ReasonCode.LOOK_FAILED, "503")


def test_a_look_that_fails_until_retention_has_ended_is_given_up() -> None:
    verdict = look(POLICY.retention, Unclear("503"), looks=2)

    assert verdict == Verdict(Status.HELD, reason=Reason(ReasonCode.NO_LOOK_SUCCEEDED))


# ---------------------------------------------------------------- for all


@given(tries=st.integers(0, 10_000), seed=st.integers())
def test_backoff_stays_within_its_cap(tries: int, seed: int) -> None:
    assert 0 <= backoff(Retry(1.0, 900.0), tries, Random(seed)) <= 900.0


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

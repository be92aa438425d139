"""What an adapter took from a reply is made fit for the ledger, whatever it is; what it means stays."""

import math
from typing import Any

import pytest

from drumbeat.core.outcomes import Absent, Accepted, Denied, Found, NotSent, Refused, Throttled, Unclear, Unknown
from drumbeat.providers.ends import LONGEST_REFERENCE, fit_look, fit_outcome, reference, sentence
from drumbeat.providers.retry_after import LONGEST_WAIT_SECONDS

KEY = "0198c5a0-0000-7000-8000-000000000000-1"
UNUSABLE = (
    "a\0b",
    "half \ud800 a surrogate",
    "x" * 60_000,
    "x" * (LONGEST_REFERENCE + 1),
    "two\nlines",
    "ada@example.com",
    "mail-to-ada@example.com-17",
    "ada%40example.com",
    "ada\uff20example.com",
    f"{KEY}-ada@example.com",
)


@pytest.mark.parametrize(
    "named", ["m-1", "x" * LONGEST_REFERENCE, f"{KEY}@mg.example.com", "HTTP 202", "日本", "@handle"]
)
def test_a_usable_reference_stays_as_it_is(named: str) -> None:
    assert reference(named, key=KEY) == named


@pytest.mark.parametrize("named", UNUSABLE)
def test_an_unusable_reference_is_replaced_by_its_hash_and_the_acceptance_stays(named: str) -> None:
    end = fit_outcome(Accepted(named), key=KEY)

    assert isinstance(end, Accepted)
    assert end.reference.startswith("sha256:")
    assert len(end.reference) <= LONGEST_REFERENCE
    assert end == fit_outcome(Accepted(named), key=KEY)
    assert fit_look(Found(named, 2), key=KEY) == Found(end.reference, 2)


@pytest.mark.parametrize("named", ["", None, 17, ["a"], {"id": "a"}, b"a"])
def test_what_is_no_text_is_no_reference(named: Any) -> None:
    assert fit_outcome(Accepted(named), key=KEY) == Accepted("")


@pytest.mark.parametrize("kind", [Refused, Denied, Unknown, NotSent, Throttled])
@pytest.mark.parametrize("said", [*UNUSABLE, None, 17])
def test_a_reason_becomes_one_short_printable_line_without_an_address(kind: Any, said: Any) -> None:
    end: Any = fit_outcome(kind(said), key=KEY)

    assert type(end) is kind
    assert isinstance(end.reason, str)
    assert end.reason.isprintable()
    assert len(end.reason) <= 500
    assert "example.com" not in end.reason


def test_our_own_reasons_stay_as_they_are() -> None:
    assert (
        sentence("HTTP 422: an address or a parameter is missing") == "HTTP 422: an address or a parameter is missing"
    )


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        (2.5, 2.5),
        (None, None),
        (math.nan, None),
        (math.inf, None),
        (-1.0, None),
        ("soon", None),
        (1e12, LONGEST_WAIT_SECONDS),
    ],
)
def test_a_wait_is_a_number_of_seconds_or_none(asked: Any, wait: float | None) -> None:
    assert fit_outcome(Throttled("slower", asked), key=KEY) == Throttled("slower", wait)
    assert fit_outcome(NotSent("later", asked), key=KEY) == NotSent("later", wait)


@pytest.mark.parametrize("end", [None, 202, "accepted", Found("m-1"), object])
def test_what_is_no_outcome_is_unknown(end: object) -> None:
    assert isinstance(fit_outcome(end, key=KEY), Unknown)


@pytest.mark.parametrize("end", [None, [], Accepted("m-1")])
def test_what_is_no_result_of_a_search_is_unclear(end: object) -> None:
    assert isinstance(fit_look(end, key=KEY), Unclear)


def test_an_absence_and_a_repeatability_are_kept() -> None:
    assert fit_look(Absent(), key=KEY) == Absent()
    assert fit_outcome(Unknown("HTTP 409", repeatable=False), key=KEY) == Unknown("HTTP 409", repeatable=False)

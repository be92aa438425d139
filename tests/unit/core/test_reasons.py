"""The vocabulary of reasons: whole, derived, and selected by code alone."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.core.errors import Invalid
from drumbeat.core.reasons import DETAIL, MAYBE_SENT, RETIRED, SENTENCES, Reason, ReasonCode
from drumbeat.ledger import legacy

PACKAGE = Path(__file__).parents[3] / "shared" / "drumbeat"
SOURCES = sorted(
    path
    for path in PACKAGE.rglob("*")
    if path.suffix in (".py", ".lua") and "local" not in path.relative_to(PACKAGE).parts
)
# The sentences, where they stand, and the release before's, which one file reads.
VOCABULARY = {PACKAGE / "core" / "reasons.py", PACKAGE / "ledger" / "legacy.py"}
CODES = st.sampled_from(ReasonCode)
DETAILS = st.none() | st.text()

# How a reason would be selected by its words, in SQL and in Python.
BY_SENTENCE = re.compile(
    r"""
      \b(suppression_)?reason\s+(NOT\s+)?(I?LIKE|SIMILAR|~)
    | \breason\s*(=|<>|!=)\s*'
    | \b(reason|sentence)\s+IN\s*\(\s*'
    | (substring|strpos|position|starts_with|regexp_\w+)\s*\(\s*(\w+\.)?reason\b
    | \b(reason|sentence)(\ or\ "")?\)?\.(startswith|endswith|find|index|partition|split)\(
    | \b(reason|sentence)\s*(==|!=)\s*f?["']
    | ["']\s+(not\s+)?in\s+\(?(\w+\.)*(reason|sentence)\b
    | re\.\w+\([^)]*\b(reason|sentence)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)


def test_every_code_has_a_sentence_and_there_are_no_others() -> None:
    assert SENTENCES.keys() == set(ReasonCode)


@given(code=CODES, detail=DETAILS, maybe_sent=st.booleans())
def test_every_sentence_is_derived_from_code_detail_and_whether_it_may_have_been_sent(
    code: ReasonCode, detail: str | None, maybe_sent: bool
) -> None:
    before, place, after = SENTENCES[code].partition(DETAIL)

    sentence = Reason(code, detail, maybe_sent).sentence

    assert sentence == before + ((detail or "") if place else "") + after + (MAYBE_SENT if maybe_sent else "")


@pytest.mark.parametrize("code", [code for code in ReasonCode if code not in RETIRED])
def test_every_code_is_given_by_something(code: ReasonCode) -> None:
    given = re.compile(rf"ReasonCode\.{code.name}\b")

    assert any(given.search(path.read_text()) for path in SOURCES if path not in VOCABULARY)


def test_nothing_selects_a_reason_by_its_sentence() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}: {line.strip()}"
        for path in SOURCES
        if path not in VOCABULARY
        for line in path.read_text().splitlines()
        if BY_SENTENCE.search(line)
    ]

    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "AND (reason LIKE 'paused:%%' OR reason = 'circuit breaker open')",
        "AND reason = 'circuit breaker open'",
        "max(substring(reason FROM '^found'))",
        'if effect.reason.startswith("paused"):',
        'if (verdict.reason or "").startswith("paused"):',
        'return group["reason"] if "held" in effect.reason else None',
        'if reason == "erased":',
    ],
)
def test_what_selected_by_sentence_before_would_be_found(line: str) -> None:
    assert BY_SENTENCE.search(line)


@pytest.mark.parametrize("code", ReasonCode)
def test_a_cause_is_a_code(code: ReasonCode) -> None:
    cause = legacy.cause(code.value)

    assert cause.means(code, "whatever varies", "any words")
    assert not cause.means("another", None, "any words")


@pytest.mark.parametrize(
    ("sentence", "code", "detail"),
    [
        ("its worker ended without a word 3 times in a row", ReasonCode.WORKER_CRASHED, "3"),
        ("account crm is not configured any more", ReasonCode.NOT_CONFIGURED, "crm"),
        ("account crm is another login now", ReasonCode.LOGIN_CHANGED, "crm"),
        (
            "secret env:KEY does not exist or may not be read; mend it, then resolve this effect",
            ReasonCode.SECRET_MISSING,
            "env:KEY",
        ),
        ("outcome unknown after 5 tries", ReasonCode.UNKNOWN_AFTER_TRIES, "5"),
        ("outcome unknown, and the idempotency key has expired", ReasonCode.KEY_EXPIRED, None),
        ("outcome unknown and not yet looked up", ReasonCode.NOT_LOOKED_UP, None),
        ("outcome unknown, and nothing can prove it", ReasonCode.UNPROVABLE, None),
        ("outcome unknown: no look succeeded before retention ended", ReasonCode.NO_LOOK_SUCCEEDED, None),
        (
            "outcome unknown: absent, but what is old is not kept by the provider",
            ReasonCode.PAST_RETENTION,
            None,
        ),
        ("outcome unknown: the provider's search cannot be trusted", ReasonCode.SEARCH_UNTRUSTED, None),
    ],
)
def test_a_cause_is_for_one_more_release_the_sentence_of_the_release_before(
    sentence: str, code: ReasonCode, detail: str | None
) -> None:
    cause = legacy.cause(sentence)

    assert (cause.code, cause.detail) == (code, detail)
    assert cause.means(code, detail, "whatever it is called now")
    assert cause.means(ReasonCode.LEGACY, sentence, sentence)
    assert cause.means(None, None, sentence)
    assert not cause.means(ReasonCode.LEGACY, "other words", "other words")
    assert not cause.means(code, "another detail", sentence) or detail is None


@pytest.mark.parametrize("code", sorted(set(legacy._HELD.values())))
def test_a_cause_may_be_the_sentence_that_was_just_shown(code: ReasonCode) -> None:
    shown = Reason(code, "3" if DETAIL in SENTENCES[code] else None)

    cause = legacy.cause(shown.sentence)

    assert cause.means(code, shown.detail, shown.sentence)
    assert (cause.code, cause.detail) == (code, shown.detail)


def test_a_cause_that_is_neither_is_refused() -> None:
    with pytest.raises(Invalid, match="no reason has the code 'outcome unknown'"):
        legacy.cause("outcome unknown")

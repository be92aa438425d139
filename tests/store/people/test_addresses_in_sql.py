"""The ledger leaves addresses out of sentences as `core.masking` does, however their `@` is written."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drumbeat.core.masking import plain, without_addresses
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.request import Request
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.delivery.requests import freeze
from drumbeat.ledger.database import Database
from drumbeat.people import suppressions
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.store.people.erasing import ADDRESS, LEAD, MARK, effect_of, erased, marks, with_effects
from tests.store.people.history import said
from tests.store.rows import as_json, claimed, closing, opening

WAYS = {
    "plain": "@",
    "percent": "%40",
    "percent twice": "%2540",
    "percent three times": "%252540",
    "full width": "\N{FULLWIDTH COMMERCIAL AT}",
    "small": "\N{SMALL COMMERCIAL AT}",
    "full width in percent": "%ef%bc%a0",
    "percent in full width": "\N{FULLWIDTH PERCENT SIGN}40",
}


def in_sql(db: Database, text: str) -> str:
    (row,) = db.run("SELECT without_addresses(%s) AS left_out", (text,))
    return str(row["left_out"])


@pytest.mark.parametrize(
    "text",
    [
        *(f"ask ada{way}example.com, she knows" for way in WAYS.values()),
        '"ada lovelace"@example.com <bob@example.org>',
        "%22ada lovelace%22%40example.com",
        "HTTP 422: 5 % of ½ @ noon, 100%",
        "100 %C3%A9 %zz % %4",
        "%61da%40example.com",
        "",
    ],
)
def test_a_sentence_is_the_same_in_both_languages(database: TestDatabase, text: str) -> None:
    assert in_sql(database, text) == without_addresses(text)


@pytest.mark.parametrize("text", ["ada%FF%40example.com", "ada%00%40example.com", "ada%FF%2540example.com"])
def test_an_address_among_bytes_that_are_no_text_is_left_out(database: TestDatabase, text: str) -> None:
    assert in_sql(database, text) == "[address]"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.sampled_from('a%402ＦF5E0＠﹫ ％@"½,é')).filter(
        lambda text: "\N{REPLACEMENT CHARACTER}" not in plain(text)
    )
)
def test_any_sentence_is_the_same_in_both_languages(database: TestDatabase, text: str) -> None:
    assert in_sql(database, text) == without_addresses(text)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_reasons_are_erased_however_the_address_is_written(services: Services, owner: Database, way: str) -> None:
    quoted = f"asked by {ADDRESS.replace('@', way)} on the phone"
    event = said(LEAD, key="a")
    effect = effect_of(event)
    with_effects(services, event, effect)
    frozen, digest = freeze(Request("POST", "https://x.example", {}, as_json(LEAD)))
    one, why = claimed(services.db, effect.id), Reason(ReasonCode.REFUSED_BY_PROVIDER, quoted)
    attempts_sql.open_attempts(services.db, [opening(one, frozen=frozen, request_hash=digest)])
    reference = ADDRESS.replace("@", way)
    attempts_sql.close_attempts(
        services.db, [closing(one, "refused", Status.REFUSED, reason=why, learned=why, reference=reference)]
    )
    suppressions.suppress(ADDRESS, reason=quoted, actor="test", services=services)
    owner.run("UPDATE plans SET failed = %s", (json.dumps({"welcome": quoted}),))

    erased(services)

    assert MARK in quoted and marks(owner) == []

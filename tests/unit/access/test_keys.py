"""API keys verify themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.access import keys
from drumbeat.core.errors import Forbidden, Unauthorized

SECRET = b"a secret"


def test_a_key_says_who_it_is_and_what_it_may() -> None:
    token = keys.mint(SECRET, "shop", ["read", "ingest"])

    assert keys.verify(SECRET, token) == keys.ApiKey("shop", frozenset({"ingest", "read"}))


def test_a_token_does_not_name_people_so_a_release_that_does_not_know_it_takes_the_token() -> None:
    assert keys.mint(SECRET, "ada", keys.SCOPES) == keys.mint(SECRET, "ada", ["ingest", "read", "operate"])


def test_a_token_names_propose_only_where_it_names_nothing_else() -> None:
    beside, alone = (keys.mint(SECRET, "ada", scopes) for scopes in (["read", "propose"], ["propose", "people"]))

    assert beside == keys.mint(SECRET, "ada", ["read"])
    assert keys.verify(SECRET, alone) == keys.ApiKey("ada", frozenset({"propose"}))


def test_another_secret_does_not_know_it() -> None:
    with pytest.raises(Unauthorized):
        keys.verify(b"another", keys.mint(SECRET, "shop", ["read"]))


def test_scopes_cannot_be_widened() -> None:
    token = keys.mint(SECRET, "shop", ["read"])

    with pytest.raises(Unauthorized):
        keys.verify(SECRET, token.replace(".read.", ".operate."))


@pytest.mark.parametrize(
    "claims",
    [
        *("", "drumbeat", "drumbeat.shop", "drumbeat.shop.", "drumbeat..ingest", "drumbeat.shop.ingest.read"),
        *("x.local.ingest", "DRUMBEAT.shop.ingest", "drumbeat.Shop.ingest", "drumbeat.a b.ingest"),
        *("drumbeat.shop.ingest+admin", "drumbeat.shop.ingest+", "drumbeat.shop.+ingest", "drumbeat.shop.ingest++read"),
        *("drumbeat.shop.read+ingest", "drumbeat.shop.read+read", f"drumbeat.{'a' * 41}.ingest"),
        *("drumbeat.shop.read+people", "drumbeat.shop.people"),
        *("drumbeat.shop.read+propose", "drumbeat.shop.propose+operate", "drumbeat.shop.propose+people"),
    ],
)
def test_claims_that_no_minted_key_makes_are_refused_though_the_seal_fits(claims: str) -> None:
    with pytest.raises(Unauthorized):
        keys.verify(SECRET, f"{claims}.{keys._seal(SECRET, claims)}")


@given(st.text())
def test_no_other_text_is_a_key(text: str) -> None:
    with pytest.raises(Unauthorized):
        keys.verify(SECRET, text)


def test_operating_is_not_ingesting() -> None:
    key = keys.verify(SECRET, keys.mint(SECRET, "ada", ["operate"]))

    key.need("operate")
    with pytest.raises(Forbidden):
        key.need("ingest")


@pytest.mark.parametrize(
    ("id", "scopes"),
    [("", ["read"]), ("a.b", ["read"]), ("a" * 41, ["read"]), ("a", []), ("a", ["admin"]), ("a", ["people"])],
)
def test_a_key_that_could_not_be_read_back_is_not_minted(id: str, scopes: list[str]) -> None:
    with pytest.raises(ValueError, match="scopes among"):
        keys.mint(SECRET, id, scopes)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "token"])
def test_other_credentials_are_no_key(header: str | None) -> None:
    with pytest.raises(Unauthorized):
        keys.bearer(header)


def test_the_word_bearer_may_be_written_in_any_case() -> None:
    assert keys.bearer("bearer abc") == "abc"

"""What the application's role may do with API keys: make them and revoke them, each once."""

from typing import LiteralString

import psycopg
import pytest

from drumbeat.access import sql as stored_keys
from drumbeat.access.keys import SCOPES, ApiKey, mint
from tests.conftest import TestDatabase
from tests.releases import before


@pytest.fixture
def shop(database: TestDatabase) -> ApiKey:
    stored_keys.add(database, "shop", "Shop", ["ingest"], actor="person:ada")
    return ApiKey("shop", frozenset({"ingest"}))


def test_who_made_and_who_first_revoked_a_key_stays_on_record(database: TestDatabase, shop: ApiKey) -> None:
    assert stored_keys.good(database, shop)
    stored_keys.revoke(database, "shop", actor="person:bob")
    (first,) = stored_keys.listed(database)

    stored_keys.revoke(database, "shop", actor="person:eve")

    assert [first] == stored_keys.listed(database)
    assert (first.created_by, first.revoked_by, first.revoked_at is not None) == ("person:ada", "person:bob", True)
    assert not stored_keys.good(database, shop)


def test_a_key_claims_no_more_than_its_row_which_holds_each_scope_once(database: TestDatabase) -> None:
    stored_keys.add(database, "ada", "Ada", ["read", "ingest", "read"], actor="person:ada")

    (row,) = stored_keys.listed(database)
    good = [
        bool(stored_keys.good(database, ApiKey("ada", frozenset(claimed))))
        for claimed in (["ingest", "read"], ["read"], ["ingest", "operate", "read"])
    ]

    assert (row.scopes, good) == (("ingest", "read"), [True, True, False])


def test_only_the_row_says_that_a_key_sees_people(database: TestDatabase) -> None:
    stored_keys.add(database, "ada", "Ada", ["read", "people"], actor="person:eve")
    stored_keys.add(database, "bob", "Bob", ["read"], actor="person:eve")

    good = [stored_keys.good(database, ApiKey(id, frozenset({"read"}))) for id in ("ada", "bob")]

    assert good == [ApiKey("ada", frozenset({"read", "people"})), ApiKey("bob", frozenset({"read"}))]


def test_the_release_before_takes_the_token_of_a_key_that_sees_people(database: TestDatabase) -> None:
    stored_keys.add(database, "ada", "Ada", SCOPES, actor="person:eve")

    key = before.module("drumbeat.access.keys").verify(b"secret", mint(b"secret", "ada", SCOPES))

    assert before.module("drumbeat.access.sql").good(database, key)


def test_only_the_row_of_a_key_with_other_scopes_says_that_it_may_propose(database: TestDatabase) -> None:
    stored_keys.add(database, "ada", "Ada", ["read", "propose"], actor="person:eve")
    stored_keys.add(database, "bob", "Bob", ["read"], actor="person:eve")

    good = [stored_keys.good(database, ApiKey(id, frozenset(claimed)))
            for id, claimed in (("ada", {"read"}), ("bob", {"read"}), ("bob", {"propose"}))]  # fmt: skip

    assert good == [ApiKey("ada", frozenset({"read", "propose"})), ApiKey("bob", frozenset({"read"})), None]


@pytest.mark.parametrize(("scopes", "verified"), [(["read", "propose"], {"read"}), (["propose"], None)])
def test_to_the_release_before_a_key_that_may_propose_is_what_it_is_without_that_or_none(
    scopes: list[str], verified: set[str] | None
) -> None:
    old, token = before.module("drumbeat.access.keys"), mint(b"secret", "ada", scopes)

    if verified is None:
        with pytest.raises(before.module("drumbeat.core.errors").Unauthorized):
            old.verify(b"secret", token)
    else:
        assert old.verify(b"secret", token).scopes == verified


def test_an_id_is_not_made_again(database: TestDatabase, shop: ApiKey) -> None:
    stored_keys.revoke(database, "shop", actor="person:bob")

    stored_keys.add(database, "shop", "another", ["ingest", "operate"], actor="person:eve")

    assert not stored_keys.good(database, shop)
    assert [key.name for key in stored_keys.listed(database)] == ["Shop"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE api_keys SET revoked_at = NULL",
        "UPDATE api_keys SET revoked_at = NULL, revoked_by = NULL",
        "UPDATE api_keys SET revoked_at = revoked_at + interval '1 year'",
        "UPDATE api_keys SET revoked_by = 'another'",
        "UPDATE api_keys SET id = 'other'",
        "UPDATE api_keys SET scopes = '{operate}'",
        "UPDATE api_keys SET created_by = 'another'",
        "INSERT INTO api_keys (id, name, scopes) VALUES ('shop', '', '{}') ON CONFLICT (id) DO UPDATE SET name = ''",
        "DELETE FROM api_keys",
        "TRUNCATE api_keys",
        "DROP TABLE api_keys",
        "ALTER TABLE api_keys DISABLE TRIGGER ALL",
    ],
)
def test_the_application_lifts_no_revocation(database: TestDatabase, shop: ApiKey, statement: LiteralString) -> None:
    stored_keys.revoke(database, "shop", actor="person:bob")
    before = stored_keys.listed(database)

    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.RestrictViolation)):
        database.run(statement)

    assert stored_keys.listed(database) == before


def test_the_release_before_revokes_twice_as_it_always_did(database: TestDatabase, shop: ApiKey) -> None:
    """Its statement writes the same time again, and says nothing of who."""
    statement = "UPDATE api_keys SET revoked_at = coalesce(revoked_at, drumbeat_now()) WHERE id = 'shop' RETURNING id"

    assert [len(database.run(statement)) for _ in range(2)] == [1, 1]
    assert not stored_keys.good(database, shop)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM parked",
        "UPDATE parked SET body = ''",
        "UPDATE parked SET decision = NULL, decided_at = NULL, decided_by = NULL, reason = NULL",
        "UPDATE parked SET decision = 'released'",
    ],
)
def test_a_decision_about_what_was_parked_is_for_good(database: TestDatabase, statement: LiteralString) -> None:
    database.run(
        "INSERT INTO parked (event_id, source, key, type, door, fingerprint, received_at, body, caller, decision,"
        " decided_at, decided_by, reason) VALUES (gen_random_uuid(), 's', 'k', 't', 'api', '', drumbeat_now(), '',"
        " 'shop', 'discarded', drumbeat_now(), 'person:ada', 'stolen')"
    )

    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.RestrictViolation)):
        database.run(statement)

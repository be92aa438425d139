"""The key that a local stack makes for itself."""

from drumbeat.access import sql as stored_keys
from drumbeat.access.keys import SCOPES, verify
from drumbeat.infrastructure.settings import Settings
from drumbeat.local.ledger import first_key
from drumbeat.services import Services
from tests.conftest import TestDatabase


def test_its_name_says_every_scope_also_the_one_that_no_token_says(database: TestDatabase) -> None:
    settings = {"DATABASE_URL": database.url, "REDIS_URL": "redis://127.0.0.1:1", "DRUMBEAT_SECRET": "for tests"}
    services = Services(Settings.from_env(settings | {"DRUMBEAT_LOCAL": "1"}))

    token = first_key(services)

    (key,) = stored_keys.listed(database)
    assert (key.id, key.scopes) == ("local", tuple(sorted(SCOPES)))
    assert key.name == "the local stack's own, with ingest, read, people, propose, operate"
    assert verify(services.key_secret, token).id == "local"

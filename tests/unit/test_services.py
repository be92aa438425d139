"""What the process's services derive from its settings."""

import pytest

from drumbeat.core.errors import SettingsError
from drumbeat.infrastructure.settings import Settings
from drumbeat.services import Services

PROD = {
    "STAGE": "prod",
    "DRUMBEAT_SECRET": "the secret of prod",
    "DATABASE_URL": "postgresql://app:one@db.example.com/drumbeat?sslmode=verify-full",
}


def prefix(**changes: str) -> str:
    return Services(Settings.from_env(PROD | changes)).redis_prefix


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("STAGE", "staging"),
        ("DRUMBEAT_SECRET", "another secret"),
        ("DATABASE_URL", "postgresql://app:one@db2.example.com/drumbeat"),
        ("DATABASE_URL", "postgresql://app:one@db.example.com:5433/drumbeat"),
        ("DATABASE_URL", "postgresql://app:one@db.example.com/staging"),
    ],
)
def test_another_stage_secret_or_database_has_other_keys_in_redis(setting: str, value: str) -> None:
    assert prefix(**{setting: value}) != prefix()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:two@db.example.com/drumbeat?sslmode=verify-full",
        "postgresql://other:one@db.example.com:5432/drumbeat",
        "host=db.example.com dbname=drumbeat user=app",
    ],
)
def test_another_login_to_the_same_database_keeps_the_keys(url: str) -> None:
    assert prefix(DATABASE_URL=url) == prefix()


def test_the_prefix_shows_no_secret_and_has_no_braces() -> None:
    name, digits, end = prefix().split(":")

    assert (name, end) == ("drumbeat", "")
    assert len(digits) == 12
    assert set(digits) <= set("0123456789abcdef")


def test_without_a_secret_redis_is_not_used_under_a_name_that_others_may_have() -> None:
    with pytest.raises(SettingsError, match="SECRET_PARAM"):
        _ = Services(Settings.from_env(PROD | {"DRUMBEAT_SECRET": ""})).redis

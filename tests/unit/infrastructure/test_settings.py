"""A function's settings from its environment, and the error for wrong ones."""

import pytest

from drumbeat.core.errors import SettingsError
from drumbeat.infrastructure.settings import Settings


@pytest.mark.parametrize("name", ["DATABASE_PATIENCE", "DRUMBEAT_CLOCK_SHIFT"])
def test_a_number_that_is_none_names_itself(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env({"DATABASE_URL": "postgresql://", name: "soon"})


def test_the_times_of_calls_and_leases_are_settings() -> None:
    short = Settings.from_env({"DATABASE_URL": "postgresql://", "CALL_SECONDS": "3", "LEASE_SECONDS": "14"}).times
    usual = Settings.from_env({"DATABASE_URL": "postgresql://"}).times

    assert (short.call_seconds, short.lease.total_seconds()) == (3, 14)
    assert (usual.call_seconds, usual.lease.total_seconds()) == (10, 45)


@pytest.mark.parametrize("lease", ["34", "nan", "inf"])
def test_a_lease_too_short_for_its_calls_is_refused(lease: str) -> None:
    with pytest.raises(SettingsError, match="CALL_SECONDS and LEASE_SECONDS do not fit"):
        Settings.from_env({"DATABASE_URL": "postgresql://", "LEASE_SECONDS": lease})


def test_what_is_missing_is_named() -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        Settings.from_env({})

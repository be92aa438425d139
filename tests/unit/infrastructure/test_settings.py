"""A function's settings from its environment, and the error for wrong ones."""

import pytest

from drumbeat.core.errors import SettingsError
from drumbeat.infrastructure.settings import Settings


@pytest.mark.parametrize("name", ["DATABASE_PATIENCE", "DRUMBEAT_CLOCK_SHIFT"])
def test_a_number_that_is_none_names_itself(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env({"DATABASE_URL": "postgresql://", name: "soon"})


def test_what_is_missing_is_named() -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        Settings.from_env({})

"""A step that was released never changes: its checksum is compared with that of the one that was applied."""

import hashlib
from importlib import resources

import pytest

RELEASED = {
    "001_ledger.sql": "f8af002a87671651f954f7a732454fd744c61e74da13975366b5bb1fac5df218",
    "002_reason_codes.sql": "e5ac3f129a30c5184f2c456cf1116b8621fc3b01cfccb0784fbcd1d466b333af",
}


@pytest.mark.parametrize("name", RELEASED)
def test_a_released_step_is_the_same_to_the_byte(name: str) -> None:
    folder = resources.files("drumbeat.ledger") / "migrations"

    assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == RELEASED[name]

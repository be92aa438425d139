"""A step that was released never changes: its checksum is compared with that of the one that was applied."""

import hashlib
from importlib import resources

import pytest

RELEASED = {
    "001_ledger.sql": "f8af002a87671651f954f7a732454fd744c61e74da13975366b5bb1fac5df218",
    "002_reason_codes.sql": "e5ac3f129a30c5184f2c456cf1116b8621fc3b01cfccb0784fbcd1d466b333af",
    "003_planning_starts.sql": "04c7552cc9ec78f330a3f0aebbb614fe8f644c579d3acb559ea5f1462c93bb6c",
    "004_event_aliases.sql": "cd03c11e0b83eeec74ee57d804604e6a3efb86aab74b7a3f284c3a51235f270f",
    "005_semantics.sql": "cdd56be5b5f2661e6bef4000197b72e7e740f1a2ef0bc5582e12baab82a78aab",
    "006_account_states.sql": "1f116f15d264722f8cfe22d124a7d398f1fe37da76ab6d05ea0e1905c0c72eee",
    "007_dismissals.sql": "c83a72ec3d2534079dc4a71ff3c36a5952fedaf76c194421857d31caed18ba03",
    "008_history.sql": "3d51ddb741564c777fa67c5d5cfbd16cd09138429672372544bc61d16bef8e6b",
    "009_keys.sql": "08625bc9aa5f3fbb0cdd0b74159947600390450711ccd0b9c7c09df300ed10ff",
}


@pytest.mark.parametrize("name", RELEASED)
def test_a_released_step_is_the_same_to_the_byte(name: str) -> None:
    folder = resources.files("drumbeat.ledger") / "migrations"

    assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == RELEASED[name]

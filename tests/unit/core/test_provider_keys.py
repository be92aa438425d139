"""The keys that effects are known by at their providers."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from drumbeat.core.provider_keys import HIGHEST_GENERATION, effect_of, provider_key


@given(st.uuids(), st.integers(1, HIGHEST_GENERATION))
def test_a_key_that_was_sent_is_read_back(effect: UUID, generation: int) -> None:
    assert effect_of(provider_key(effect, generation)) == (effect, generation)


@given(st.uuids())
def test_a_generation_that_the_ledger_cannot_hold_is_none_of_ours(effect: UUID) -> None:
    assert effect_of(provider_key(effect, HIGHEST_GENERATION + 1)) is None
    assert effect_of(provider_key(effect, 0)) is None

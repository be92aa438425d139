"""The key that a mail or another action is known by at its provider: `<effect>-<generation>`."""

import re
from uuid import UUID

HIGHEST_GENERATION = 2**31 - 1  # that the ledger can hold

_KEY = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-([1-9][0-9]{0,9})", re.ASCII)


def provider_key(effect: UUID, generation: int) -> str:
    """Return the key that a generation of an effect is sent under."""
    return f"{effect}-{generation}"


def effect_of(key: str) -> tuple[UUID, int] | None:
    """Return the effect and the generation that a key names; None: it is no key of ours."""
    found = _KEY.fullmatch(key)
    if found is None or int(found[2]) > HIGHEST_GENERATION:
        return None
    return UUID(found[1]), int(found[2])

"""What a key without the scope `people` is answered: all but persons.

A field that holds what a person sent or is sent is left out; the key of an event, which may be an address, and the
address of a recipient become a keyed hash; of any other text addresses are left out. What is masked stays in its place,
so that an answer has the same form for all.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat.api.response import written
from drumbeat.core.masking import holds_address, without_addresses

MASKED = "masked"

# What a person sent, is sent or has agreed to; a fingerprint lets a reader try guesses of it. `payloadForm` says of a
# payload how it is shown: so.
PERSONAL = frozenset({"payload", "payloadForm", "evidence", "fingerprint", "attributes"})
_KEYS = frozenset({"idempotencyKey", "key", "recipient"})
_REFERENCE = "reference"  # a provider's id, which may be the Message-Id that we gave: our name, an @ and a domain
_OUR_NAME = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9]+")

_HASH_DIGITS = 12


def mask(document: object, secret: bytes, shows: Collection[str] = ()) -> object:
    """Return a document of an answer with persons masked, but for the fields that are in `shows`."""
    return _Mask(secret, frozenset(shows)).of(document)


def masked(answer: Response[Any], secret: bytes, shows: Collection[str] = ()) -> Response[Any]:
    """Return an answer with persons masked, but for the fields that it `shows` as they are."""
    assert isinstance(answer.body, str)
    if answer.is_json():
        answer.body = written(mask(json.loads(answer.body), secret, shows))
    else:
        answer.body = without_addresses(answer.body)
    return answer


def masked_key(key: str, secret: bytes) -> str:
    """Return what stands for the key of an event: the same for the same key, so that lists can be compared.

    Nothing of the key is in it, and who has no secret cannot try keys.
    """
    tag = hmac.digest(secret, key.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"{MASKED}-{tag.hex()[:_HASH_DIGITS]}"


@dataclass(frozen=True, slots=True)
class _Mask:
    """The walk over one answer."""

    secret: bytes
    shows: frozenset[str]

    def of(self, value: object) -> object:
        match value:
            case str():
                return without_addresses(value)
            case list():
                return [self.of(one) for one in value]
            case dict():
                return {without_addresses(name): self._field(name, inner) for name, inner in value.items()}
            case _:
                return value

    def _field(self, name: str, value: object) -> object:
        if value is None or name in self.shows or (name == _REFERENCE and _is_anonymous(str(value))):
            return value
        if name in PERSONAL:
            return MASKED
        if name in _KEYS:
            return masked_key(str(value), self.secret)
        return self.of(value)


def _is_anonymous(reference: str) -> bool:
    return not holds_address(_OUR_NAME.sub("", reference))

"""What a key without the scope `people` is answered: all but persons.

A field that holds what a person sent or is sent is left out; the key of an event, which may be an address, becomes a
keyed hash; of any other text addresses are left out. What is masked stays in its place, so that an answer has the same
form for all.
"""

import hashlib
import hmac
import json
import re
from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat.api.response import written
from drumbeat.core.masking import holds_address, without_addresses

MASKED = "masked"

# What a person sent, is sent or has agreed to. `payloadForm` says of a payload how it is shown: so.
_PERSONAL = frozenset({"payload", "payloadForm", "evidence"})
_KEYS = frozenset({"idempotencyKey", "key"})
_REFERENCE = "reference"  # a provider's id, which may be the Message-Id that we gave: our name, an @ and a domain
_OUR_NAME = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9]+")

_HASH_DIGITS = 12


def masked(answer: Response[Any], secret: bytes) -> Response[Any]:
    """Return an answer with persons masked."""
    assert isinstance(answer.body, str)
    if answer.is_json():
        answer.body = written(_masked(json.loads(answer.body), secret))
    else:
        answer.body = without_addresses(answer.body)
    return answer


def masked_key(key: str, secret: bytes) -> str:
    """Return what stands for the key of an event: the same for the same key, so that lists can be compared.

    Nothing of the key is in it, and who has no secret cannot try keys.
    """
    tag = hmac.digest(secret, key.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"{MASKED}-{tag.hex()[:_HASH_DIGITS]}"


def _masked(value: object, secret: bytes) -> object:
    match value:
        case str():
            return without_addresses(value)
        case list():
            return [_masked(one, secret) for one in value]
        case dict():
            return {without_addresses(name): _field(name, inner, secret) for name, inner in value.items()}
        case _:
            return value


def _field(name: str, value: object, secret: bytes) -> object:
    if value is None or (name == _REFERENCE and not holds_address(_OUR_NAME.sub("", str(value)))):
        return value
    if name in _PERSONAL:
        return MASKED
    if name in _KEYS:
        return masked_key(str(value), secret)
    return _masked(value, secret)

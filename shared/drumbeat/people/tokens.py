"""Tokens of links in mails: each names its mail, holds no address, and is judged without the ledger.

Base64url without padding of: kind (1 byte), id of the key (4), id of the mail's effect (16), and the first 16 bytes of
HMAC-SHA-256 over what comes before and the stage. A token of another stage, or of another kind, is none. Links never
expire, so what a retired key signed is good for ever; new ones are signed by the first key.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from uuid import UUID

from drumbeat.services import Services

KEY_ID_BYTES = 4
MAC_BYTES = 16
LENGTH = 50  # characters: 37 bytes


class Kind(StrEnum):
    """What a link is for."""

    UNSUBSCRIBE = "u"
    CONFIRM = "c"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The keys of one stage: the present one first, then those that were retired."""

    stage: str
    keys: Sequence[bytes]

    @classmethod
    def of(cls, services: Services) -> Self:
        """Return those of this deployment. Raises as `Services.link_keys` does."""
        return cls(services.settings.stage, services.link_keys)

    def issue(self, kind: Kind, mail: UUID) -> str:
        """Return the token of one mail; the same one each time."""
        head = kind.encode() + _id_of(self.keys[0]) + mail.bytes
        return urlsafe_b64encode(head + self._mac(self.keys[0], head)).rstrip(b"=").decode()

    def read(self, kind: Kind, token: str) -> UUID | None:
        """Return the mail that it names; None: it is altered, cut off, of another kind or stage, or not ours."""
        raw = _decoded(token)
        if raw is None or raw[:1] != kind.encode():
            return None
        head, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
        key_id = head[1 : 1 + KEY_ID_BYTES]
        keys = [key for key in self.keys if _id_of(key) == key_id]
        if not any(hmac.compare_digest(self._mac(key, head), mac) for key in keys):
            return None
        return UUID(bytes=head[1 + KEY_ID_BYTES :])

    def _mac(self, key: bytes, head: bytes) -> bytes:
        return hmac.digest(key, self.stage.encode() + b"\0" + head, hashlib.sha256)[:MAC_BYTES]


def _id_of(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()[:KEY_ID_BYTES]


def _decoded(token: str) -> bytes | None:
    """Return the bytes of a token in its one spelling; None where it has another, or another length."""
    if len(token) != LENGTH or not token.isascii():
        return None
    try:
        raw = urlsafe_b64decode(f"{token}==")
    except (Error, ValueError):
        return None
    return raw if urlsafe_b64encode(raw).rstrip(b"=").decode() == token else None

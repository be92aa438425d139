"""API keys that verify themselves: a name, scopes and an HMAC, so that ingest can check them without the database.

A token proves that its maker knew the secret. That the key was made here, and is not revoked, is a row in `api_keys`: a
statement that writes for a caller checks it. The scopes `people` and `propose` stand in the row: only the console asks
for them, which reads the row anyway, and a release that does not know them verifies the token all the same, as less.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass

from drumbeat.core.errors import Forbidden, Unauthorized

PEOPLE = "people"  # addresses, payloads and keys of events are shown; without it they are masked
PROPOSE = "propose"  # runs may be planned and asked for; only who may `operate` lets them be sent
SIGNED = ("ingest", "read", "operate")  # what a token says by itself
IN_ROW = (PEOPLE, PROPOSE)
SCOPES = ("ingest", "read", PEOPLE, PROPOSE, "operate")

_PREFIX = "drumbeat"
_ID = re.compile("[a-z0-9-]{1,40}")
_BEARER = re.compile("[Bb][Ee][Aa][Rr][Ee][Rr] +([!-~]+)")
_HOW_TO = "Send `Authorization: Bearer <API key>`; `drumbeat keys create` makes one. Nothing was stored."


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A verified caller."""

    id: str
    scopes: frozenset[str]

    def need(self, scope: str) -> None:
        """Check that the key has a scope; raises Forbidden."""
        if scope not in self.scopes:
            raise Forbidden(f"This API key lacks the scope `{scope}`. Use one that has it. Nothing was changed.")


def new_id() -> str:
    """Return an id that no other key has."""
    return secrets.token_hex(6)


def mint(secret: bytes, id: str, scopes: Collection[str]) -> str:
    """Return the token of a key; the same secret, id and scopes give the same token, with `people` and without.

    It names `propose` only where it would name nothing else: such a token is none to a release that does not know it.

    Raises:
        ValueError: the id or a scope is not allowed, or `people` is the only one.
    """
    signed = [scope for scope in SIGNED if scope in scopes] or [scope for scope in (PROPOSE,) if scope in scopes]
    if not _ID.fullmatch(id) or not signed or not set(scopes) <= set(SCOPES):
        raise ValueError(f"a key needs an id of a-z, 0-9 and -, and scopes among {', '.join(SCOPES)}")
    claims = f"{_PREFIX}.{id}.{'+'.join(signed)}"
    return f"{claims}.{_seal(secret, claims)}"


def verify(secret: bytes, token: str) -> ApiKey:
    """Return the key of a token that `mint` would write just so; a revoked one passes here. Raises Unauthorized."""
    try:
        _, id, claimed, _ = token.split(".")
        scopes = claimed.split("+")
        genuine = token.isascii() and hmac.compare_digest(mint(secret, id, scopes), token)
    except ValueError:  # not of that form
        genuine = False
    if not genuine:
        raise Unauthorized(f"The API key is not valid here. {_HOW_TO}")
    return ApiKey(id, frozenset(scopes))


def bearer(authorization: str | None) -> str:
    """Return the token of an Authorization header; raises Unauthorized."""
    credentials = _BEARER.fullmatch((authorization or "").strip(" \t"))  # as a server may strip any header
    if credentials is None:
        raise Unauthorized(f"The request carries no API key. {_HOW_TO}")
    return credentials[1]


def refused() -> Unauthorized:
    """Return the error for a caller whose key verifies, and was revoked or never made here."""
    return Unauthorized(
        "This API key was revoked, or never made here. Nothing was stored or changed; use another: `drumbeat keys"
        " create` makes one."
    )


def _seal(secret: bytes, claims: str) -> str:
    tag = hmac.digest(secret, b"api key\x1f" + claims.encode(), hashlib.sha256)
    return urlsafe_b64encode(tag).rstrip(b"=").decode()

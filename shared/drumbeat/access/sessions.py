"""Sessions of the console: a signed cookie, the token that each of its forms carries, and links that sign in once.

A session says which API key signed in, and when; that the key is not revoked is asked of its row at each page. No
session is stored: who knows the deployment's secret could make one, and only the deployment does.
"""

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta

from drumbeat.access.keys import ApiKey

LASTS = timedelta(hours=12)
LINK_LASTS = timedelta(seconds=60)
DEED_LASTS = timedelta(seconds=60)
MOST_DIGITS = 12  # of an instant
_SESSION, _LINK, _FORM = b"console session\x1f", b"console link\x1f", b"console form\x1f"
_DEED = b"console deed\x1f"
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Session:
    """Who signed in and when."""

    key: str
    scopes: frozenset[str]
    since: int  # unix seconds
    nonce: str

    @property
    def caller(self) -> ApiKey:
        """The key as it says itself: what its row alone says is missing."""
        return ApiKey(self.key, self.scopes)


def begin(key: ApiKey, now: datetime) -> Session:
    """Return a new session of a key."""
    return Session(key.id, key.scopes, int(now.timestamp()), secrets.token_urlsafe(_NONCE_BYTES))


def written(session: Session, secret: bytes) -> str:
    """Return a session as the value of its cookie."""
    return _signed(_SESSION, session, secret)


def read(text: str, secret: bytes, now: datetime) -> Session | None:
    """Return the session of a cookie; None: it was not made here, or is over."""
    return _read(_SESSION, text, secret, now, LASTS)


def link(key: ApiKey, secret: bytes, now: datetime) -> str:
    """Return what signs in as a key for a minute; that it does so once is up to who takes it."""
    return _signed(_LINK, begin(key, now), secret)


def of_link(text: str, secret: bytes, now: datetime) -> Session | None:
    """Return the session that a link asks for; None: it was not made here, or is too old."""
    return _read(_LINK, text, secret, now, LINK_LASTS)


def form_token(session: Session, secret: bytes) -> str:
    """Return what a form of this session carries, so that no other site's page can send it."""
    return _tag(_FORM, f"{session.key} {session.since} {session.nonce}".encode(), secret)


def is_form_token(text: str, session: Session, secret: bytes) -> bool:
    """Return whether a form was one of this session."""
    return hmac.compare_digest(form_token(session, secret).encode(), text.encode("utf-8", "surrogatepass"))


def deed_mark(session: Session, deed: str, secret: bytes, now: datetime) -> str:
    """Return what shows for a minute that this session did something, so that no address can claim it."""
    at = int(now.timestamp())
    return f"{at}.{_tag(_DEED, f'{session.nonce} {at} {deed}'.encode(), secret)}"


def is_deed_mark(text: str, session: Session, deed: str, secret: bytes, now: datetime) -> bool:
    """Return whether this session did it within the last minute."""
    at, _, tag = text.partition(".")
    if not (at.isascii() and at.isdecimal()) or len(at) > MOST_DIGITS:
        return False
    right = _tag(_DEED, f"{session.nonce} {at} {deed}".encode(), secret)
    is_ours = hmac.compare_digest(right.encode(), tag.encode("utf-8", "surrogatepass"))
    return is_ours and now.timestamp() - int(at) < DEED_LASTS.total_seconds()


def _signed(kind: bytes, session: Session, secret: bytes) -> str:
    said = json.dumps([session.key, sorted(session.scopes), session.since, session.nonce]).encode()
    return f"{urlsafe_b64encode(said).decode().rstrip('=')}.{_tag(kind, said, secret)}"


def _read(kind: bytes, text: str, secret: bytes, now: datetime, lasts: timedelta) -> Session | None:
    body, _, tag = text.partition(".")
    try:
        said = urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except ValueError:
        return None
    if not hmac.compare_digest(_tag(kind, said, secret).encode(), tag.encode("utf-8", "surrogatepass")):
        return None
    key, scopes, since, nonce = json.loads(said)
    age = now.timestamp() - since
    return Session(key, frozenset(scopes), since, nonce) if age < lasts.total_seconds() else None


def _tag(kind: bytes, said: bytes, secret: bytes) -> str:
    return urlsafe_b64encode(hmac.digest(secret, kind + said, hashlib.sha256)).decode().rstrip("=")

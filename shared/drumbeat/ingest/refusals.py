"""The last delivery that each webhook refused, for who connects a sender and sees nothing arrive.

It says when and by which check, and nothing of what was sent: anyone can cause it. It lies in Redis alone, for losing
it costs nothing; that a process writes it seldom is the door's work.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from redis.exceptions import RedisError

from drumbeat.services import Services
from drumbeat.sources.signature import NoMatch, Untimely, Unverified

KEPT_SECONDS = 30 * 86_400
_KEY = "{sources}:refused:"


class Refusal(StrEnum):
    """Why a delivery was refused, and not stored."""

    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_WRONG = "signature_wrong"
    TOO_OLD = "too_old"
    NOT_VERIFIED = "not_verified"
    TOO_LARGE = "too_large"
    SECRET_MISSING = "secret_missing"  # noqa: S105 - no secret
    SECRET_EMPTY = "secret_empty"  # noqa: S105 - no secret
    NOT_VISITED = "not_visited"


SENTENCES: Mapping[Refusal, str] = {
    Refusal.SIGNATURE_MISSING: "It carried no signature: the sender does not sign, or something removes the header on"
    " its way.",
    Refusal.SIGNATURE_WRONG: "Its signature is not that of its body under a secret of this source: the secret is"
    " another, or something changes the body on its way.",
    Refusal.TOO_OLD: "Its signed time is outside the tolerance: a clock is wrong, or it was sent again from a copy.",
    Refusal.NOT_VERIFIED: "It was not proven to come from this sender: a part of what its signatures need is missing or"
    " wrong.",
    Refusal.TOO_LARGE: "It was larger than the source takes: `max_bytes` allows more.",
    Refusal.SECRET_MISSING: "A secret of this source cannot be read: `drumbeat doctor` names it. Most senders send"
    " again.",
    Refusal.SECRET_EMPTY: "The secret of this source is empty: `drumbeat secrets set` writes another.",
    Refusal.NOT_VISITED: "The address that its sender asked to be visited did not answer: let it subscribe anew.",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """The last refusal of one source, to the minute. `code` is none of ours where a later release wrote it."""

    code: str
    at: datetime

    @property
    def sentence(self) -> str:
        """Why it was refused, and what to look at."""
        return SENTENCES[Refusal(self.code)] if self.code in list(Refusal) else self.code


def why(error: Unverified) -> Refusal:
    """Return the code for a delivery that was not verified."""
    match error:
        case NoMatch():
            return Refusal.SIGNATURE_WRONG
        case Untimely():
            return Refusal.TOO_OLD
    return Refusal.NOT_VERIFIED


def keep(source: str, code: Refusal, services: Services) -> None:
    """Write the last refusal of a source, and wait for no answer. Raises nothing."""
    said = json.dumps({"code": code, "at": services.clock.now().timestamp()})
    with suppress(RedisError):
        services.redis.set(_KEY + source, said, ex=KEPT_SECONDS)


def last(sources: Sequence[str], services: Services) -> dict[str, Refused]:
    """Return the last refusal of each of these sources that has one. Raises RedisError: it is not known."""
    found = services.redis.run_all([("GET", _KEY + source) for source in sources]) if sources else []
    read = {source: _read(text) for source, text in zip(sources, found, strict=True)}
    return {source: refused for source, refused in read.items() if refused is not None}


def _read(text: object) -> Refused | None:
    try:
        said = json.loads(text) if isinstance(text, bytes | str) else {}
        return Refused(str(said["code"]), datetime.fromtimestamp(float(said["at"]), UTC))
    except (ValueError, TypeError, LookupError, OverflowError):  # what is not ours under our key may be anything
        return None

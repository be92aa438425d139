"""The certificates of senders that sign by one which they publish, fetched when a delivery first names them.

Anyone can send a delivery that names another certificate at its sender's address. So few are fetched in a minute, what
is not there is not asked for again at once, and those that have verified a delivery make room for no other.
"""

import logging
from dataclasses import dataclass

from drumbeat.core.errors import Unavailable
from drumbeat.core.request import Reply, Request
from drumbeat.services import Services
from drumbeat.sources.signature import Unverified

MOST_PROVEN = 32
MOST_SEEN = 8
MOST_TURNED_AWAY = 1024
FETCHES_A_MINUTE = 6
FETCHES_FOR_REPEATS = 2  # of these: a sender names its certificate with each delivery, a stranger any number once
MINUTE_SECONDS = 60.0
RETRY_SECONDS = 10.0  # after a fetch that brought none
FETCH_SECONDS = 4.0
FOREVER = float("inf")  # what is published under one of these addresses never changes

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What an address answered."""

    until: float
    certificate: bytes | None = None
    absent: bool = False  # there is none, as far as its sender says


class Certificates:
    """One process's certificates by their address."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._proven: dict[str, bytes] = {}
        self._seen: dict[str, _Seen] = {}
        self._turned_away: dict[str, None] = {}
        self._fetched_at: list[float] = []

    def get(self, url: str) -> bytes:
        """Return the certificate that is published there.

        Raises:
            Unverified: there is none. Unavailable: it cannot be fetched now.
        """
        if (proven := self._proven.get(url)) is not None:
            return proven
        now = self._services.clock.elapsed()
        seen = self._seen.get(url)
        if seen is None or now >= seen.until:
            seen = self._fetched(url, now)
        if seen.absent:
            raise Unverified("there is no certificate where it says")
        if seen.certificate is None:
            raise _later()
        return seen.certificate

    def prove(self, url: str, certificate: bytes) -> None:
        """Keep a certificate that has verified a delivery: only its sender can add to these."""
        self._seen.pop(url, None)
        if url not in self._proven and len(self._proven) >= MOST_PROVEN:
            del self._proven[next(iter(self._proven))]
        self._proven[url] = certificate

    def _fetched(self, url: str, now: float) -> _Seen:
        self._admit(url, now)
        seen = self._asked(url, now)
        self._seen.pop(url, None)
        if len(self._seen) >= MOST_SEEN:
            useless = [each for each, one in self._seen.items() if one.certificate is None]
            del self._seen[next(iter(useless or self._seen))]
        self._seen[url] = seen
        return seen

    def _admit(self, url: str, now: float) -> None:
        """Count a fetch, if the minute has one left for this address; raises Unavailable."""
        self._fetched_at = [at for at in self._fetched_at if now - at < MINUTE_SECONDS]
        left = FETCHES_A_MINUTE - len(self._fetched_at)
        if left <= (0 if url in self._turned_away else FETCHES_FOR_REPEATS):
            if url not in self._turned_away and len(self._turned_away) >= MOST_TURNED_AWAY:
                del self._turned_away[next(iter(self._turned_away))]
            self._turned_away[url] = None
            raise _later()
        self._turned_away.pop(url, None)
        self._fetched_at.append(now)

    def _asked(self, url: str, now: float) -> _Seen:
        reply = self._services.http.call(Request("GET", url), start_by=now + FETCH_SECONDS, budget=FETCH_SECONDS)
        if isinstance(reply, Reply):
            if reply.status == 200 and not reply.cut and _is_certificate(reply.body):
                return _Seen(FOREVER, reply.body)
            if reply.status == 404:
                return _Seen(now + MINUTE_SECONDS, absent=True)
        status = str(reply.status) if isinstance(reply, Reply) else "none"
        _LOG.warning("certificate_not_fetched", extra={"url": url, "status": status})
        return _Seen(now + RETRY_SECONDS)


def _is_certificate(body: bytes) -> bool:
    # Only sources whose senders publish certificates pay for these imports.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import load_pem_x509_certificate

    try:
        load_pem_x509_certificate(body).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def _later() -> Unavailable:
    return Unavailable(
        "The certificate of this delivery's sender cannot be fetched now. Nothing was stored; send the same request"
        " again later."
    )

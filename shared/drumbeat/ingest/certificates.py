"""The certificates of senders that sign by one which they publish, fetched when a delivery first names them.

Anyone can send a delivery that names another certificate at its sender's address, so few are fetched in a minute, and
what is not there is not asked for again at once.
"""

import logging
from dataclasses import dataclass

from drumbeat.core.errors import Unavailable
from drumbeat.core.request import Reply, Request
from drumbeat.services import Services
from drumbeat.sources.signature import Unverified

MOST_KEPT = 8
FETCHES_A_MINUTE = 6
MINUTE_SECONDS = 60.0
FETCH_SECONDS = 4.0

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Kept:
    certificate: bytes | None  # None: there is none at this address
    at: float


class Certificates:
    """One process's certificates by their address. What is published under one of these never changes."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._kept: dict[str, _Kept] = {}
        self._fetched_at: list[float] = []

    def get(self, url: str) -> bytes:
        """Return the certificate that is published there.

        Raises:
            Unverified: there is none. Unavailable: it cannot be fetched now.
        """
        now = self._services.clock.elapsed()
        kept = self._kept.get(url)
        if kept is None or (kept.certificate is None and now - kept.at >= MINUTE_SECONDS):
            kept = self._fetched(url, now)
        if kept.certificate is None:
            raise Unverified("there is no certificate where it says")
        return kept.certificate

    def _fetched(self, url: str, now: float) -> _Kept:
        self._fetched_at = [at for at in self._fetched_at if now - at < MINUTE_SECONDS]
        if len(self._fetched_at) >= FETCHES_A_MINUTE:
            raise _later()
        self._fetched_at.append(now)
        reply = self._services.http.call(Request("GET", url), start_by=now + FETCH_SECONDS, budget=FETCH_SECONDS)
        if not isinstance(reply, Reply) or reply.cut or reply.status == 429 or reply.status >= 500:
            _LOG.warning("certificate_not_fetched", extra={"url": url})
            raise _later()
        kept = _Kept(reply.body if reply.status == 200 else None, now)
        if len(self._kept) >= MOST_KEPT:
            absent = [each for each, one in self._kept.items() if one.certificate is None]
            del self._kept[next(iter(absent or self._kept))]
        self._kept[url] = kept
        return kept


def _later() -> Unavailable:
    return Unavailable(
        "The certificate of this delivery's sender cannot be fetched now. Nothing was stored; send the same request"
        " again later."
    )

"""Makes one HTTP call and returns its reply, or what is certain without one."""

from contextlib import closing
from typing import override

import httpx

from drumbeat.core.clock import Clock
from drumbeat.core.outcomes import NotSent
from drumbeat.core.request import Reply, Request
from drumbeat.infrastructure.addresses import Resolver, resolve
from drumbeat.infrastructure.deadline import Deadline
from drumbeat.infrastructure.http.failures import MALFORMED, Failure, NoReply
from drumbeat.infrastructure.http.message import message
from drumbeat.infrastructure.http.transport import Transport, outgoing

MAX_REPLY_BYTES = 64 * 1024  # of body


class Caller:
    """Makes calls over kept-alive connections. Threads may share it; each call has a connection to itself."""

    def __init__(
        self,
        clock: Clock,
        *,
        allow_private: bool = False,
        reply_limit: int = MAX_REPLY_BYTES,
        resolver: Resolver = resolve,
    ) -> None:
        self._clock = clock
        self._reply_limit = reply_limit
        self._transport = Transport(clock, resolver, allow_private=allow_private)
        self._client = _Client(transport=self._transport, trust_env=False, follow_redirects=False)

    def call(self, request: Request, *, start_by: float, budget: float) -> Reply | Failure:
        """Send the request once and return its reply, or what is certain about it if there is none.

        A reply whose body is longer than the limit, or does not come to its end, says so in `cut`.

        `start_by` is an instant of `clock.elapsed()`: at or after it no first byte is written. `budget` is in seconds
        and covers everything from here on, whatever the peer does. NotSent means that not one byte of the request
        left; Unknown, that some did. Redirects are replies like any other. Unless private addresses are allowed, only
        addresses of the open internet are connected to, and the address that was checked is the one that is used.
        """
        deadline = Deadline(self._clock, start_by, self._clock.elapsed() + budget)
        try:
            sendable = outgoing(message(request), deadline)
        except (ValueError, httpx.InvalidURL):
            return NotSent(MALFORMED)
        try:
            with closing(self._client.send(sendable, stream=True)) as response:
                return self._read(response)
        except NoReply as failure:
            return failure.outcome

    def close(self) -> None:
        """Close the idle connections. The caller stays usable."""
        self._transport.close()

    def _read(self, response: httpx.Response) -> Reply:
        """Read the body as it came: no encoding is honoured, for a few kilobytes can unpack into many megabytes."""
        body, cut = bytearray(), ""
        try:
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > self._reply_limit:
                    cut = f"reply over {self._reply_limit // 1024} KiB"
                    break
        except NoReply as failure:
            cut = failure.outcome.reason
        return Reply(response.status_code, _joined(response.headers.raw), bytes(body[: self._reply_limit]), cut)


class _NoCookies(httpx.Cookies):
    """Keeps nothing of what a peer sets: one call has nothing to do with the next."""

    @override
    def extract_cookies(self, response: httpx.Response) -> None:
        """Do nothing; to ask a jar that keeps nothing would take a tenth of a call."""


class _Client(httpx.Client):
    """httpx's client, without cookies."""

    _none = _NoCookies()

    @property
    def cookies(self) -> httpx.Cookies:
        """Return none."""
        return self._none

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        """Keep none."""


def _joined(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers by lower-case name; several of one name become one list, as HTTP has it."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined

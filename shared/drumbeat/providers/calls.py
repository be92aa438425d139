"""The calls of one batch, at the same time, each exactly one HTTP request."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import repeat

from drumbeat.core.call_times import CALL_SECONDS
from drumbeat.core.clock import Clock
from drumbeat.core.outcomes import LookupResult, NotSent, Outcome, Unclear, Unknown
from drumbeat.core.request import Reply, Request
from drumbeat.infrastructure.http import Caller
from drumbeat.providers.ends import fit_look, fit_outcome, without
from drumbeat.providers.login import Login

CALLS_AT_ONCE = 16  # threads of one process


@dataclass(frozen=True, slots=True)
class Send:
    """One request to carry out, under the key it is known by outside."""

    login: Login
    secrets: Mapping[str, str]
    request: Request
    key: str


@dataclass(frozen=True, slots=True)
class Search:
    """One search for what was sent under a key, no earlier than `since`."""

    login: Login
    secrets: Mapping[str, str]
    key: str
    since: datetime


type Job = Send | Search


class Calls:
    """Carries out sends and searches in a few threads, which live as long as the process."""

    def __init__(self, caller: Caller, clock: Clock, call_seconds: float = CALL_SECONDS) -> None:
        self._caller = caller
        self._clock = clock
        self._call_seconds = call_seconds
        self._threads: ThreadPoolExecutor | None = None

    def run(self, jobs: Sequence[Job], deadline: float) -> list[Outcome | LookupResult]:
        """Carry out each job once; no first byte leaves after the deadline (seconds on the clock's `elapsed`)."""
        if len(jobs) <= 1:
            return [self._one(job, deadline) for job in jobs]
        if self._threads is None:
            self._threads = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="call")
        return list(self._threads.map(self._one, jobs, repeat(deadline)))

    def _one(self, job: Job, deadline: float) -> Outcome | LookupResult:
        return self._send(job, deadline) if isinstance(job, Send) else self._search(job, deadline)

    def _send(self, send: Send, deadline: float) -> Outcome:
        provider = send.login.provider
        try:
            signed = send.login.sign(send.request, send.secrets, key=send.key, now=self._clock.now())
        except Exception as error:  # noqa: BLE001 - whatever the secrets hold, the neighbours' answers are not lost
            return NotSent(f"the request could not be signed: {type(error).__name__}")
        reply: Reply | NotSent | Unknown | None = None
        try:
            reply = self._caller.call(signed, start_by=deadline, budget=self._call_seconds)
            if not isinstance(reply, Reply):
                return reply
            if reply.cut and not getattr(provider, "status_decides", False):
                return Unknown(reply.cut)
            end = provider.read(replace(reply, request=send.request))
            return fit_outcome(without(end, send.secrets.values()), key=send.key)
        except Exception as error:  # noqa: BLE001 - whatever happens, the attempt has an end
            what = (
                f"the reply (HTTP {reply.status}) could not be read" if isinstance(reply, Reply) else "the call failed"
            )
            return Unknown(f"{what}: {type(error).__name__}")

    def _search(self, search: Search, deadline: float) -> LookupResult:
        provider = search.login.provider
        try:
            request = provider.build_lookup(search.login.target, key=search.key, since=search.since)
            if request is None:
                return Unclear("this provider has no search")
            signed = search.login.sign(request, search.secrets, key=search.key, now=self._clock.now())
            reply = self._caller.call(signed, start_by=deadline, budget=self._call_seconds)
            if not isinstance(reply, Reply):
                return Unclear(reply.reason)
            if reply.cut:
                return Unclear(reply.cut)
            return fit_look(
                without(provider.read_lookup(reply, key=search.key), search.secrets.values()), key=search.key
            )
        except Exception as error:  # noqa: BLE001 - a search that came to nothing is no evidence
            return Unclear(f"the search failed: {type(error).__name__}")

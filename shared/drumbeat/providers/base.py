"""What a provider adapter is: a pure pair of "build the request" and "read the reply", with a declared repeat class."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from drumbeat.core.actions import Action
from drumbeat.core.outcomes import LookupResult, Outcome
from drumbeat.core.request import Reply, Request


@dataclass(frozen=True, slots=True)
class NativeKey:
    """K: a native idempotency key. The same bytes may be repeated under it while it lives."""

    lifetime: timedelta
    margin: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SameId:
    """D: we choose the record's identity, so a repeat is the same record. May always be repeated."""


@dataclass(frozen=True, slots=True)
class Query:
    """Q: a search by something we set. Absence counts only at the last look and before retention ends."""

    looks: tuple[timedelta, ...]
    retention: timedelta


@dataclass(frozen=True, slots=True)
class Feedback:
    """F: events come back by webhook; silence past the horizon is undetermined."""

    horizon: timedelta


@dataclass(frozen=True, slots=True)
class Blind:
    """X: nothing can be known; a person decides."""


type Repeat = NativeKey | SameId | Query | Feedback | Blind


@dataclass(frozen=True, slots=True)
class Target:
    """An account as an adapter sees it: no limits, no policy, no secrets."""

    name: str
    base_url: str  # no trailing slash
    settings: Mapping[str, str]


class Provider(Protocol):
    """One outside API. Every method is pure.

    Few have these: `status_decides = True`: the status alone is the answer, so that `read` is also asked about a reply
    whose body is not all there; `other_hosts`: of the same vendor, for other regions; `own_headers`: headers of a call
    that it sets itself, whatever step and account say; an account may have headers of its own beside these; `traced =
    True`: its requests say of which trace they are; `build_quota` and `read_quota` (`quotas.HasQuota`): it can be asked
    what the login may send.
    """

    name: str
    base_url: str | None  # the vendor's own, `{region}` for a setting; None when the account must give one
    actions: frozenset[str]  # their names in `drumbeat.planning.actions`
    settings: Mapping[str, bool]  # name -> required
    secrets: Mapping[str, bool]  # name -> required

    def problems(self, settings: Mapping[str, str]) -> list[str]:
        """List what is wrong with an account's settings beyond missing or unknown names, as sentences."""
        ...

    def repeat(self, target: Target, request: Request | None = None) -> Repeat:
        """Return what may be done after an unknown outcome of this request (None: of this account in general)."""
        ...

    def identity(self, target: Target) -> str:
        """Name the login's scope: provider, base URL and domain or team. Lookups and repeats stay inside it."""
        ...

    def build(self, target: Target, action: Action, *, key: str) -> Request:
        """Build the request whose bytes are frozen. `key` is the provider key: effect id and generation."""
        ...

    def sign(self, request: Request, secrets: Mapping[str, str], *, key: str, now: datetime) -> Request:
        """Add what is made afresh for each attempt: authentication, timestamps, signatures."""
        ...

    def read(self, reply: Reply) -> Outcome:
        """Read a complete reply to the request. Anything not documented as success or refusal is unknown."""
        ...

    def build_lookup(self, target: Target, *, key: str, since: datetime) -> Request | None:
        """Build the search for what was sent under this key, no earlier than `since`; None: this API has none."""
        ...

    def read_lookup(self, reply: Reply, *, key: str) -> LookupResult:
        """Read a complete reply to the search."""
        ...

"""One claimed effect on its way out, with what each step adds: its login, its call, the end of the call."""

from dataclasses import dataclass

from drumbeat.core.configuration import LookPolicy
from drumbeat.core.outcomes import Found, LookupResult, Outcome
from drumbeat.core.provider_keys import provider_key
from drumbeat.core.request import Request
from drumbeat.delivery.effects import Claimed
from drumbeat.delivery.verdicts import looks_of
from drumbeat.providers.base import Repeat
from drumbeat.providers.calls import Job
from drumbeat.providers.login import Login


@dataclass(frozen=True, slots=True)
class Work:
    """A claimed effect that takes a call: to be sent, or to be looked for at its provider."""

    effect: Claimed
    login: Login
    repeat: Repeat
    request: Request | None = None  # as an earlier attempt of this generation froze it

    @property
    def key(self) -> str:
        """The provider key: the same for every attempt of a generation."""
        return provider_key(self.effect.id, self.effect.generation)

    @property
    def policy(self) -> LookPolicy | None:
        """When to look into its unknown outcome; None where looking is not the way."""
        return looks_of(self.login.account, self.repeat)


@dataclass(frozen=True, slots=True)
class Call[J: Job]:
    """The one call of a work."""

    work: Work
    job: J


@dataclass(frozen=True, slots=True)
class Ended:
    """A call that has come to its end."""

    work: Work
    end: Outcome | LookupResult
    control: Found | None  # what a search found that is surely there

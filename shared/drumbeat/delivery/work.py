"""One claimed effect on its way out, and how a verdict on it is written down."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from drumbeat.core.configuration import LookPolicy
from drumbeat.delivery.effects import Claimed, Closing, Opening
from drumbeat.delivery.verdicts import Verdict, looks_of
from drumbeat.providers.base import Repeat
from drumbeat.providers.calls import Job
from drumbeat.providers.login import Login


@dataclass(slots=True)
class Work:
    """One claimed effect and what this process knows of its way out."""

    effect: Claimed
    login: Login | None  # None: its account is not configured any more
    repeat: Repeat | None
    probe: bool = False  # its call tests a half-open breaker
    job: Job | None = None

    @property
    def key(self) -> str:
        """The provider key: the same for every attempt of a generation."""
        return provider_key(self.effect.id, self.effect.generation)

    @property
    def policy(self) -> LookPolicy | None:
        """When to look into its unknown outcome; None where looking is not the way."""
        return looks_of(self.login.account, self.repeat) if self.login and self.repeat else None


def provider_key(effect: UUID, generation: int) -> str:
    """Return the key that an effect is known by at its provider."""
    return f"{effect}-{generation}"


def opening_of(effect: Claimed, verdict: Verdict) -> Opening:
    """Write down a verdict that needs no call on an effect that is claimed."""
    return Opening(effect.id, effect.fence, verdict.to, wait=verdict.wait, reason=verdict.reason)


def closing_of(effect: Claimed, verdict: Verdict, *, origin: Literal["answer", "look"]) -> Closing:
    """Write down a verdict on an effect with an attempt: the present one, or the last when it was looked into."""
    return Closing(
        id=effect.id,
        fence=effect.fence,
        n=effect.fence if origin == "answer" else effect.last_n or effect.fence,
        generation=effect.generation,
        identity=effect.identity or "",
        origin=origin,
        kind=None,
        to=verdict.to,
        wait=verdict.wait,
        reason=verdict.reason,
        tries=verdict.tries,
        looks=verdict.looks,
    )

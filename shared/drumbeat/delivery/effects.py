"""What is known of an effect under way, and where it goes next: plain values, no I/O.

A claim yields `Claimed`, or leaves an effect in some `EffectState`. Before a call it takes an `Opening`, after it a
`Closing`; what the ledger made of either is `Moved`.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from drumbeat.core.campaigns import Cap
from drumbeat.core.events import Event
from drumbeat.core.leads import Lead
from drumbeat.core.reasons import Reason
from drumbeat.core.status import Status


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom an effect of a run is for: their lead as it is known now, None: erased; and the zone they are mailed by."""

    lead: Lead | None
    zone: str | None  # None: the campaign's own, or its fallback


@dataclass(frozen=True, slots=True)
class Claimed:
    """An effect that is ours until its lease ends, with all that deciding about it takes."""

    id: UUID
    event: Event
    version: int
    semantics: int  # the rules by which it was planned, and is rendered
    flow: str
    step: str
    account: str
    action: str
    contact: bytes | None
    status: Status  # claimed: to be sent; unknown: to be looked into
    fence: int
    generation: int
    tries: int
    crashes: int
    looks: int
    slot: float | None
    base_due_at: datetime
    expires_at: datetime  # if it was surely not sent until then
    dependents: tuple[UUID, ...]
    now: datetime  # the database's, when it was claimed
    newest_version: int
    frozen: bytes | None  # this generation's request, once made
    request_hash: bytes | None
    attempts: int  # of this generation
    unresolved: int  # attempts of this generation whose end is not known
    first_opened_at: datetime | None
    last_opened_at: datetime | None
    last_n: int | None
    identity: str | None  # of this generation's attempts
    proof: str | None  # an outcome that settles it: accepted, found or refused
    proof_reference: str | None
    suppressed: str | None  # why its person must not be mailed
    predecessor: Status | None  # of the effect it comes after
    denied_at: datetime | None  # when its credentials were last refused, in this generation
    unrepeatable: str | None  # why not even the same bytes may be sent again
    account_failing: bool  # its account did not answer lately: what its call shows has to be reported
    list: str | None = None  # that its person must have agreed to, or is asked to confirm
    confirms: bool = False
    probe: bool = False  # its account is paused: this call shows whether it answers again
    recipient: Recipient | None = None  # of a run

    @property
    def is_marketing(self) -> bool:
        """It goes only to a person who agreed to its list."""
        return self.list is not None and not self.confirms


@dataclass(frozen=True, slots=True)
class EffectState:
    """Where an effect stands that could not be claimed."""

    id: UUID
    free: bool  # waiting or unknown, and under no lease
    abandoned: bool  # its lease ended without a result
    crashes: int
    due_in: float  # seconds; infinite: nothing is due
    account: str
    paused_for: float | None  # seconds until its account's pause ends, negative when that is over; None: no pause

    @property
    def is_at_rest(self) -> bool:
        """It is at its end, or held, or comes after another effect, or waits for its account: then the pause is due."""
        return math.isinf(self.due_in) or (self.free and (self.paused_for or 0.0) > 0)

    @property
    def is_early(self) -> bool:
        """It may be claimed once it is due."""
        return self.free and self.due_in > 0 and not self.is_at_rest

    @property
    def may_probe(self) -> bool:
        """Its account's pause is over, and one effect may show whether the account answers again."""
        return self.free and self.due_in <= 0 and self.paused_for is not None and self.paused_for <= 0

    @property
    def is_claimable(self) -> bool:
        """It is due and free now: it did not fit beside others, or was being changed."""
        return self.free and self.due_in <= 0 and self.paused_for is None and self.crashes == 0

    @property
    def is_suspect(self) -> bool:
        """Its previous claim expired without a result, so it may crash the worker: process it alone, last."""
        return self.free and self.due_in <= 0 and self.paused_for is None and self.crashes > 0


@dataclass(frozen=True, slots=True)
class Opening:
    """What is to become of one claimed effect before any call.

    `sending` opens an attempt; `waiting` puts it back; `cancelled`, `refused`, `held`, and `accepted` where proof had
    arrived, end it.
    """

    id: UUID
    fence: int
    to: Status
    wait: float = 0.0  # seconds until due again, for `waiting`
    reason: Reason | None = None
    slot: float | None = None  # reserved in the rate limit
    identity: str | None = None
    request_hash: bytes | None = None
    frozen: bytes | None = None  # None: frozen by an earlier attempt of this generation
    counted: bool = False  # in the contact's row, whose lock must be the stronger one
    of_run: bool = False  # which may be paused or cancelled; its marketing is counted, too
    cap: Cap | None = None  # on that


@dataclass(frozen=True, slots=True)
class Closing:
    """What was learned of one attempt, and what follows from it.

    `fence` is the claim's; `n` is the attempt it is about (the same, unless an earlier attempt was looked for).
    """

    id: UUID
    fence: int
    n: int
    generation: int
    identity: str
    origin: Literal["answer", "look", "feedback", "person"]
    kind: str | None  # as in the table `outcomes`; None: nothing was learned
    to: Status
    wait: float = 0.0  # seconds until due again, for `waiting` and `unknown`
    reference: str | None = None
    learned: Reason | None = None  # of the outcome
    reason: Reason | None = None  # of where the effect goes
    tries: int = 0  # to add
    looks: int = 0  # to set
    slot: float | None = None  # reserved in the rate limit


@dataclass(frozen=True, slots=True)
class Moved:
    """Where an effect stands now that it was moved; `dependents` wait for its end."""

    id: UUID
    status: Status
    dependents: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Control:
    """An effect of the same login that the provider surely took."""

    effect_id: UUID
    generation: int
    opened_at: datetime

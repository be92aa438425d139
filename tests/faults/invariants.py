"""Observes every commit about consent and attempts, and checks at once that it was allowed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from drumbeat.ledger.database import Database
from tests.faults.clock import SimulatedClock

FENCES_AND_LEASES = "SELECT id, fence, lease_until FROM effects WHERE id = ANY (%s)"


class Invariants:
    """What was committed, in order, and which commits broke an invariant."""

    def __init__(self, owner: Database, clock: SimulatedClock) -> None:
        self.observed: list[tuple[str, object]] = []
        self.violations: list[str] = []
        self._owner = owner
        self._clock = clock
        self._leases: dict[tuple[object, int], datetime] = {}  # of open attempts: from when on no call may be under way

    def observe(self, observed: Sequence[tuple[str, Any]]) -> None:
        """Check one commit."""
        moved = [facts[0] for what, facts in observed if what == "moved"]
        held = {row["id"]: row for row in self._owner.run(FENCES_AND_LEASES, (moved,))} if moved else {}
        for what, facts in observed:
            if what == "moved":
                self._move(*facts, **held[facts[0]])
            else:
                self.observed.append((what, facts))

    def _move(self, effect: UUID, status: str, under: int, *, id: UUID, fence: int, lease_until: datetime) -> None:
        """Check that only the last fence or proof of acceptance moves an effect, and that one lease at a time calls."""
        if fence != under and status != "accepted":
            self.violations.append(f"{effect} was moved to {status} under fence {under}, it is {fence}")
        if status == "sending":
            self.observed.append(("opened", effect))
            self.violations += [
                f"{effect} was opened again under a lease that had not ended"
                for (other, _), until in self._leases.items()
                if other == effect and self._clock.now() < until
            ]
            self._leases[effect, under] = lease_until
        else:
            self._leases.pop((effect, under), None)

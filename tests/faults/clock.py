"""Simulated time: one clock for ledger, processes and providers, which only the simulation moves."""

from datetime import UTC, datetime, timedelta

from drumbeat.ledger.database import Database

EPOCH = datetime(2030, 1, 1, tzinfo=UTC)

# The ledger's own clock, with which the owner replaces the machine's: it stands still between two moves.
STILL = f"""
    CREATE OR REPLACE FUNCTION drumbeat_now() RETURNS timestamptz
        LANGUAGE sql STABLE PARALLEL SAFE
        RETURN timestamptz '{EPOCH.isoformat()}' + (SELECT shift FROM clock)
"""


class SimulatedClock:
    """The clock that every process shares."""

    def __init__(self, owner: Database) -> None:
        self._owner = owner
        self.gone = 0.0  # seconds since EPOCH

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.gone)

    def timestamp(self) -> float:
        return self.now().timestamp()

    def elapsed(self) -> float:
        return self.gone

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass for every process."""
        self.gone = round(self.gone + seconds, 6)
        self.set_ledger()

    def set_ledger(self) -> None:
        """Set the ledger's own clock."""
        self._owner.run("UPDATE clock SET shift = make_interval(secs => %s)", (self.gone,))


class LateClock(SimulatedClock):
    """The same, whose ledger's clock is set only before a statement: in most minutes there is none."""

    def __init__(self, owner: Database) -> None:
        super().__init__(owner)
        self._set_at = 0.0

    def advance(self, seconds: float) -> None:
        self.gone = round(self.gone + seconds, 6)

    def set_ledger(self) -> None:
        if self._set_at != self.gone:
            super().set_ledger()
            self._set_at = self.gone


class SkewedClock:
    """One machine's clock, some seconds off the others."""

    def __init__(self, clock: SimulatedClock, skew: float) -> None:
        self._clock = clock
        self.skew = skew

    def now(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self.skew)

    def elapsed(self) -> float:
        return self._clock.elapsed()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)

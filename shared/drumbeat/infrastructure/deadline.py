"""The time limit of one call."""

from dataclasses import dataclass

from drumbeat.core.clock import Clock


class CallError(OSError):
    """A failure of a call that we noticed ourselves; its text is fit to print."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a call may begin and when it is over, as instants of `clock.elapsed()`, which counts the machine's sleep."""

    clock: Clock
    start_by: float
    end: float

    def remaining(self) -> float:
        """Return the seconds left for the whole call. Raises TimeoutError when no time is left."""
        seconds = self.end - self.clock.elapsed()
        if seconds <= 0:
            raise TimeoutError
        return seconds

    def remaining_to_start(self) -> float:
        """Return the seconds in which the first byte may still be written.

        Raises CallError when `start_by` has passed, TimeoutError when only `end` has.
        """
        now = self.clock.elapsed()
        if now >= self.start_by:
            raise CallError("lease ran out")
        if now >= self.end:
            raise TimeoutError
        return min(self.start_by, self.end) - now


def reason(error: Exception) -> str:
    """Say what happened in a text of our own: the library quotes the peer, and the peer may quote a message's body."""
    match error:
        case CallError():
            return str(error)
        case TimeoutError():
            return "no complete answer in time"
        case OSError(strerror=str(why)):
            return why
        case _:
            return "the connection was closed, or the answer was cut off or is not HTTP"

"""Waiting until every effect is at its end."""

import time
from collections.abc import Callable
from contextlib import suppress

from tests.chaos.environment import Environment
from tests.chaos.workload import CLASSES

POLL_SECONDS = 1.0
OPEN = ("claimed", "sending", "unknown")


def wait_for_completion(
    environment: Environment, events: int, within_seconds: float, progress: Callable[[str], None]
) -> float | None:
    """Wait until every event is planned and every effect at its end, held, or waiting for one that is held.

    Returns the seconds it took, or None after `within_seconds`.
    """
    began = time.monotonic()
    resumed: set[str] = set()
    while time.monotonic() < began + within_seconds:
        # As an operator would who knows that the providers work again.
        resumed |= {account for account in CLASSES.keys() - resumed if _resume(environment, account)}
        with suppress(ConnectionError):
            if (left := _left(environment, events)) is None:
                return time.monotonic() - began
            progress(left)
        time.sleep(POLL_SECONDS)
    return None


def _resume(environment: Environment, account: str) -> bool:
    with suppress(OSError, ValueError):
        return not environment.call("POST", f"/v1/accounts/{account}/resume")["left"]
    return False


def _left(environment: Environment, events: int) -> str | None:
    """Return what is still in progress, or None."""
    status = environment.read("/v1/status")
    if status is None:
        return "the API does not answer"
    totals = status["totals"]
    recorded, effects = sum(totals["events"].values()), totals["effects"]
    in_progress = {name: effects[name] for name in OPEN if effects.get(name)}
    if recorded < events or totals["unplanned"] or in_progress:
        return f"{recorded} of {events} events recorded, {totals['unplanned']} unplanned, effects {effects}"
    due = sum(effect["dueAt"] is not None for effect in environment.listed("/v1/effects?status=waiting"))
    return f"effects {effects}, of which {due} are due" if due else None

"""Waiting until nothing is under way any more."""

import time
from collections.abc import Callable
from contextlib import suppress

from tests.chaos.arena import Arena
from tests.chaos.work import CLASSES

LOOK = 1.0  # second between looks
OPEN = ("claimed", "sending", "unknown")


def wait(arena: Arena, events: int, within: float, told: Callable[[str], None]) -> float | None:
    """Wait until every event is planned and every effect at its end, held, or waiting for one that is held.

    Returns the seconds it took; None when it did not come true in time.
    """
    began = time.monotonic()
    resumed: set[str] = set()
    while time.monotonic() < began + within:
        # As an operator would, who knows that the providers are well again.
        resumed |= {account for account in CLASSES.keys() - resumed if _resume(arena, account)}
        with suppress(ConnectionError):
            if (left := _left(arena, events)) is None:
                return time.monotonic() - began
            told(left)
        time.sleep(LOOK)
    return None


def _resume(arena: Arena, account: str) -> bool:
    with suppress(OSError, ValueError):
        return not arena.call("POST", f"/v1/accounts/{account}/resume")["left"]
    return False


def _left(arena: Arena, events: int) -> str | None:
    """Say what is still under way; None: nothing."""
    status = arena.read("/v1/status")
    if status is None:
        return "the API does not answer"
    totals = status["totals"]
    recorded, effects = sum(totals["events"].values()), totals["effects"]
    under_way = {name: effects[name] for name in OPEN if effects.get(name)}
    if recorded < events or totals["unplanned"] or under_way:
        return f"{recorded} of {events} events recorded, {totals['unplanned']} unplanned, effects {effects}"
    due = sum(effect["dueAt"] is not None for effect in arena.listed("/v1/effects?status=waiting"))
    return f"effects {effects}, of which {due} are due" if due else None

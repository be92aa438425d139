"""Waiting for what follows from an event."""

import time
from collections.abc import Mapping
from typing import Any

from drumbeat.cli.client import Client, Refusal
from drumbeat.core.status import FINAL, Status

POLL_SECONDS = 0.5


def wait(client: Client, event_id: str, within: float) -> dict[str, Any] | None:
    """Return the event when all that is due within the time is at rest, or its state at the end of the time.

    None: it is still in the buffer.
    """
    until = time.monotonic() + within
    story: dict[str, Any] | None = None
    while True:
        try:
            story = client.get(f"/v1/events/{event_id}")
        except Refusal as error:
            if error.status != 404:
                raise
        if story is not None and story["plan"] is not None and not _moving(story):
            return story
        if time.monotonic() > until:
            return story
        time.sleep(POLL_SECONDS)


def _moving(story: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the effects that are not at rest; what is planned for later rests until then."""
    at_rest = {*FINAL, Status.HELD}
    return [
        each for each in story["effects"] if each["status"] not in at_rest and each["plannedFor"] <= story["recordedAt"]
    ]

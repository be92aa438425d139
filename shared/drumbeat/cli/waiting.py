"""Waiting for what follows from an event."""

import time
from collections.abc import Mapping
from typing import Any

import click

from drumbeat.cli.client import Client, Refusal, may_pass, unread
from drumbeat.core.status import FINAL, Status

POLL_SECONDS = 0.5


def wait(client: Client, event_id: str, within: float) -> dict[str, Any] | None:
    """Return the event when all that is due within the time is at rest, or its state at the end of the time.

    None: it is still in the buffer. Raises click.ClickException: it cannot be looked at, and goes on.
    """
    until = time.monotonic() + within
    story: dict[str, Any] | None = None
    while True:
        try:
            story = client.get(f"/v1/events/{event_id}")
        except click.ClickException as error:
            buffered = isinstance(error, Refusal) and error.status == 404
            if not buffered and (not may_pass(error) or time.monotonic() > until):
                raise _unseen(event_id, error) from None
        if story is not None and story["plan"] is not None and not _moving(story):
            return story
        if time.monotonic() > until:
            return story
        time.sleep(POLL_SECONDS)


def _unseen(event_id: str, error: click.ClickException) -> click.ClickException:
    return click.ClickException(
        f"event {event_id} is recorded, and what follows from it goes on, mails included: drumbeat event {event_id}."
        f" What became of it was not seen: {unread(error)}"
    )


def _moving(story: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the effects that are not at rest; what is planned for later rests until then."""
    at_rest = {*FINAL, Status.HELD}
    return [
        each for each in story["effects"] if each["status"] not in at_rest and each["plannedFor"] <= story["recordedAt"]
    ]

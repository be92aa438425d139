"""What an open page follows: it asks Redis, and for ten minutes."""

import json
import re
from collections.abc import Collection
from datetime import timedelta
from hashlib import blake2b

from drumbeat.console.access import Page
from drumbeat.observability.snapshot import Snapshot
from drumbeat.services import services

FOLLOWED = timedelta(minutes=10)  # after a page was opened; then it asks for nothing any more
STOP_POLLING = 286  # the status by which htmx 2 ends a poll (htmx's docs, "Polling")

_DIGEST = re.compile("[0-9a-f]{16}", re.ASCII)


def opened(page: Page) -> int:
    """Return when the page was opened, in unix seconds: as it says itself, but never later than now; 0: it is over."""
    said = page.query.get("since", "")
    now = int(services().clock.now().timestamp())
    return min(int(said[:12]), now) if said.isdecimal() and said.isascii() else 0


def is_followed(since: int) -> bool:
    """Return whether a page that was opened then is followed still."""
    return services().clock.now().timestamp() - since < FOLLOWED.total_seconds()


def seen(page: Page) -> str:
    """Return what the page has seen; "" where it says none."""
    said = page.query.get("seen", "")
    return said if _DIGEST.fullmatch(said) else ""


def digest(known: Snapshot | None, accounts: Collection[str]) -> str:
    """Return what changes whenever an effect of these accounts comes to an end, or a run to another state; "" where
    that is not known.
    """
    if known is None:
        return ""
    moving = [known.runs, *((one.account, one.state, one.effects) for one in known.accounts if one.account in accounts)]
    return blake2b(json.dumps(moving, sort_keys=True).encode(), digest_size=8).hexdigest()

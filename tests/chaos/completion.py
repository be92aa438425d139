"""Waiting until every effect is at its end."""

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import psycopg

from tests.chaos.environment import Environment
from tests.chaos.workload import CLASSES

POLL_SECONDS = 1.0
OPEN = ("claimed", "sending", "unknown")

EVENTS = "SELECT count(*) FROM events WHERE id = ANY (%s)"
LEFT_BY = """
    SELECT count(DISTINCT convert_from(p.body, 'UTF8')::jsonb ->> 'mail')
      FROM events e JOIN payloads p ON p.event_id = e.id
     WHERE e.door = 'unsubscribe' AND convert_from(p.body, 'UTF8')::jsonb ->> 'mail' = ANY (%s)
"""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What has to be in the ledger: events, and withdrawals by the links of these mails."""

    events: Collection[UUID]
    mails: Collection[UUID] = frozenset()

    def missing(self, url: str) -> int:
        """Return how many of them the ledger does not have yet."""
        with psycopg.connect(url, autocommit=True) as owner:
            ((events,),) = owner.execute(EVENTS, [list(self.events)]).fetchall()
            withdrawals = 0
            if self.mails:  # the release before knows no such events
                ((withdrawals,),) = owner.execute(LEFT_BY, [[str(mail) for mail in self.mails]]).fetchall()
        return len(self.events) + len(self.mails) - int(events) - int(withdrawals)


def wait_for_completion(
    environment: Environment,
    said: Acknowledged,
    began: float,
    within_seconds: float,
    progress: Callable[[str], None],
    *,
    silence: bool = False,
) -> float | None:
    """Wait until all that was acknowledged is recorded and planned, and every effect at its end, held, or waiting for
    one that is held. With `silence`, of class F also what waits for reports of which there is none.

    Returns the seconds it took since it `began` (by the monotonic clock), or None after `within_seconds`.
    """
    resumed: set[str] = set()
    while time.monotonic() < began + within_seconds:
        # As an operator would who knows that the providers work again.
        resumed |= {account for account in CLASSES.keys() - resumed if _resume(environment, account)}
        with suppress(OSError, psycopg.OperationalError):
            if (left := _left(environment, said, silence=silence)) is None:
                return time.monotonic() - began
            progress(left)
        time.sleep(POLL_SECONDS)
    return None


def _resume(environment: Environment, account: str) -> bool:
    with suppress(OSError, ValueError):
        return not environment.call("POST", f"/v1/accounts/{account}/resume")["left"]
    return False


def _left(environment: Environment, said: Acknowledged, *, silence: bool) -> str | None:
    """Return what is still in progress, or None."""
    status = environment.read("/v1/status")
    if status is None:
        return "the API does not answer"
    missing, totals = said.missing(environment.ledger_urls[0]), status["totals"]
    effects = totals["effects"]
    in_progress = {name: effects[name] for name in OPEN if effects.get(name)}
    if environment.webhooks() and environment.call("GET", "/_sandbox/feedback?state=waiting&limit=1")["items"]:
        return f"a provider still has to report; effects {effects}"
    if silence and in_progress.keys() == {"unknown"}:
        unknown = environment.listed("/v1/effects?status=unknown")
        in_progress = {"unknown": 1} if any(CLASSES[one["account"]] != "F" for one in unknown) else {}
    if missing or totals["unplanned"] or in_progress:
        return f"{missing} not recorded yet, {totals['unplanned']} unplanned, effects {effects}"
    due = sum(effect["dueAt"] is not None for effect in environment.listed("/v1/effects?status=waiting"))
    return f"effects {effects}, of which {due} are due" if due else None

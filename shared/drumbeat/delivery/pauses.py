"""Pauses of accounts, announced: what probes at the end of one, and what an account that answers again owes."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from drumbeat.ledger import account_states
from drumbeat.runs.turns import wake
from drumbeat.services import Services
from drumbeat.wakeups.due_index import account_entry

EFFECTS_WOKEN = 320  # when an account answers again; the relay wakes the rest
RELAY_SECONDS = 60.0  # between two rounds of the relay: it looks one round ahead of a pause's end
MARGIN_SECONDS = 1.0  # after the end of a pause, so that a message does not come before it


def announce_pauses(paused: Mapping[str, float], failed: Mapping[str, Sequence[UUID]], services: Services) -> None:
    """Set the one due entry of each pause (seconds from now), and wake one effect at its end.

    The probe is another effect than those that `failed`, where there is one: one effect may be the cause.
    """
    now = services.clock.now().timestamp()
    services.due_index.set(
        {account_entry(name): now + max(seconds - RELAY_SECONDS, 0.0) for name, seconds in paused.items()}
    )
    for name, seconds in paused.items():
        others = account_states.owed(services.db, [name], limit=1)
        probe = (others or failed[name])[0]
        services.notifier.notify([(probe, seconds + MARGIN_SECONDS)])


def expect_probes(accounts: Collection[str], services: Services) -> None:
    """Before probes are taken, which prolongs their pauses: let the relay look soon, should a probe come to nothing."""
    now = services.clock.now().timestamp()
    services.due_index.set({account_entry(name): now for name in accounts})


def release(resumed: Collection[str], services: Services) -> None:
    """Wake effects of accounts that answer again."""
    if not resumed:
        return
    now = services.clock.now().timestamp()
    services.due_index.set({account_entry(name): now for name in resumed})
    owed = account_states.owed(services.db, resumed, limit=EFFECTS_WOKEN)
    services.notifier.notify([(effect, 0.0) for effect in owed])
    wake(resumed, services)

"""Probes: one effect of an account whose pause is over is carried out, and shows whether the account answers again."""

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from drumbeat.delivery import claims_sql, pauses
from drumbeat.delivery.batch import carry_out
from drumbeat.ledger import account_states
from drumbeat.services import Services


def probe(oldest: Mapping[str, UUID], services: Services) -> Counter[str]:
    """Carry out one effect of each of these accounts; what it shows decides about the others."""
    if not oldest:
        return Counter()
    started = services.clock.elapsed()
    pauses.expect_probes(oldest, services)
    taken = account_states.take_probes(services.db, oldest, lease=services.settings.times.lease)
    if not taken:
        return Counter()
    probes = [oldest[account] for account in taken]
    claimed = claims_sql.claim(
        services.db, probes, lease=services.settings.times.lease, limit=len(probes), alone=True, probe=True
    )
    return carry_out(claimed, started, services)

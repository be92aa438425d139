"""After a restore: record what providers accepted in the time that the ledger lost, so that it is not sent again."""

from collections.abc import Mapping

from drumbeat.core.errors import Invalid
from drumbeat.core.provider_keys import effect_of
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.operations import reconcile_sql
from drumbeat.operations.reconcile_sql import Acceptance
from drumbeat.services import Services

KEYS_PER_REQUEST = 500


def reconcile(
    accepted: Mapping[str, str | None], *, account: str, reason: str, actor: str, services: Services
) -> dict[str, list[str]]:
    """Record that an account's provider accepted these, given as provider key and the provider's own id.

    The worker accepts what was `recorded` without a call. Harmless to repeat: then they are `known`, as are those that
    are final or held. `unknown` are those whose events are lost.

    Raises:
        Invalid: a key is not one of ours; nothing was changed.
    """
    found = {key: _acceptance(key, reference) for key, reference in accepted.items()}
    why = Reason(ReasonCode.RECONCILED, f"{reason} ({actor})")
    outcomes = reconcile_sql.record(services.db, list(found.values()), account=account, why=why)
    services.notifier.notify([(effect, 0.0) for effect, outcome in outcomes.items() if outcome == "recorded"])
    return {
        wanted: [key for key, each in found.items() if outcomes[each.effect_id] == wanted]
        for wanted in ("recorded", "known", "unknown")
    }


def _acceptance(key: str, reference: str | None) -> Acceptance:
    """Read a provider key: effect id and generation."""
    named = effect_of(key)
    if named is None:
        raise Invalid(
            f"{key[:64]!r} is not a provider key such as 6f0c3b9e-8a55-4d0c-9f4c-2d1f2f7f4a10-1; nothing was changed"
        )
    return Acceptance(*named, reference)

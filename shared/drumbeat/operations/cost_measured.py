"""What a deployment's own month costs: its ledger's use of the last days, scaled to a month, and priced."""

from datetime import timedelta

from drumbeat.operations import cost
from drumbeat.operations.cost import Load

MONTH = timedelta(hours=cost.HOURS)
MIN_AGE = timedelta(days=1)  # a younger ledger shows little about a month


def load_of(age: timedelta, *, events: int, effects: int, awake_seconds: float, ledger_bytes: int) -> Load:
    """Return what a ledger was used for within the time that it is old, or its last 30 days, scaled to a month."""
    scale = MONTH / min(max(age, MIN_AGE), MONTH)
    return Load(
        events=events * scale,
        effects_per_event=effects / events if events else 0.0,
        reports_per_event=0.0,  # they are among the events
        awake_hours=awake_seconds / 3600 * scale,
        ledger_bytes=ledger_bytes,
    )


def totals(load: Load) -> dict[str, float]:
    """Return the dollars of a month by choice of database."""
    return {choice: cost.total(cost.bill(load, choice)) for choice in cost.CHOICES}

"""Traces in a sweep: the last thing that it does, within a time limit of its own; nothing is woken for it."""

import logging

from drumbeat.core.errors import place
from drumbeat.services import Services

EXPORT_SECONDS = 5.0
SWEPT_EVERY_SECONDS = 60.0

_LOG = logging.getLogger(__name__)


def may_be_asked_for(services: Services) -> bool:
    """Return whether the ledger may be asked although nothing is due.

    It may where the database never sleeps, and where it was used since the sweep before: so it sleeps two minutes
    later after each use, and is woken for no trace.
    """
    return services.settings.traces.wanted and services.ledger_rest.was_used(within=SWEPT_EVERY_SECONDS)


def export(services: Services, remaining: float) -> int:
    """Export what is new, as far as there is time; return how many spans were taken. Raises nothing."""
    if not services.settings.traces.wanted:
        return 0
    from drumbeat.observability.traces.export import export as export_new

    try:
        done = export_new(services, min(EXPORT_SECONDS, remaining))
    except Exception as error:  # noqa: BLE001 - the sweep is done, and whatever is wrong here must not fail it
        _LOG.error("traces_failed", extra={"error": type(error).__name__, "place": place(error)})
        return 0
    if done.rejected or done.refused:
        _LOG.warning("spans_refused", extra={"rejected": done.rejected, "refused": done.refused})
    return done.spans

"""What providers report later of what was sent: evidence, which closes what is unknown.

What follows for a person's consent and suppression was committed with the report (`ingest/feedback_sql.py`).
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from uuid import UUID

from drumbeat.core.events import Reported
from drumbeat.core.feedback import PROVES_ACCEPTANCE, PROVES_REFUSAL
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, feedback_sql
from drumbeat.delivery.effects import Closing, Moved
from drumbeat.delivery.feedback_sql import ReportedAttempt
from drumbeat.ingest import feedback_sql as ingest_sql
from drumbeat.ledger.batches import write_apart
from drumbeat.services import Services

NO_CLAIM = 0  # a fence that no claim has: they begin at 1

_LOG = logging.getLogger(__name__)


def settle(told: Mapping[UUID, Reported | None], services: Services) -> set[UUID]:
    """Close the attempts that these recorded events report on, and return the effects that moved. Harmless to repeat.

    It comes before their plans: an event without one is settled again. What was not applied when an event was recorded,
    as its process did not know that the source reports, is applied now.

    Whatever shows that the provider had taken a mail settles every effect that is not final, of whatever generation,
    except one that is being sent now: its worker finds the proof if no answer comes. A mail that bounced was accepted
    first. A refusal is used when the effect is next claimed.

    Raises:
        psycopg.Error: whether the reports were used is not known; repeat the call.
    """
    if not told:
        return set()
    kept = feedback_sql.kept(services.db, list(told))
    if missed := {event: one for event, one in told.items() if one and event not in kept}:
        ingest_sql.apply(services.db, missed)
    reported = feedback_sql.reported_attempts(
        services.db, list(told), accepted=sorted(PROVES_ACCEPTANCE), refused=sorted(PROVES_REFUSAL)
    )
    if not reported:
        return set()
    released = [waiting for one in reported if one.kind == Status.ACCEPTED for waiting in one.dependents]
    services.notifier.schedule(dict.fromkeys(released, 0.0))  # before the commit that makes them due
    moved: dict[UUID, Moved] = {}
    for lot in _lots(reported):
        write_apart(
            lambda some: moved.update(attempts_sql.close_attempts(services.db, some, actor="feedback")), lot, _refused
        )
    services.notifier.notify([(waiting, 0.0) for one in moved.values() for waiting in one.dependents])
    services.notifier.clear(effects=moved)
    return set(moved)


def _lots(reported: Sequence[ReportedAttempt]) -> Iterator[list[Closing]]:
    """Yield what is closed by one statement: no effect twice. Acceptance comes before refusal, which it overrules."""
    by_effect: dict[UUID, list[Closing]] = {}
    for one in sorted(reported, key=lambda one: (one.kind, one.generation)):
        by_effect.setdefault(one.id, []).append(_closing(one))
    for lot in zip_longest(*by_effect.values()):
        yield [closing for closing in lot if closing]


def _refused(closing: Closing, error: Exception) -> None:
    _LOG.error("feedback_not_used", extra={"effect_id": str(closing.id), "error": type(error).__name__})


def _closing(one: ReportedAttempt) -> Closing:
    said = Reason(ReasonCode.FEEDBACK, one.word)
    return Closing(
        id=one.id,
        fence=NO_CLAIM,
        n=one.n,
        generation=one.generation,
        identity=one.identity,
        origin="feedback",
        kind=one.kind,
        to=Status(one.kind),
        reference=one.reference or None,
        learned=said,
        reason=said,
    )

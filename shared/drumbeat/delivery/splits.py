"""Deliveries of many facts: each fact becomes an event of its own, once, and workers are notified of it."""

from collections.abc import Callable, Iterator, Sequence

from drumbeat.delivery import splits_sql
from drumbeat.delivery.splits_sql import Split
from drumbeat.ingest.door import Door
from drumbeat.ingest.recording import announced
from drumbeat.ledger.batches import REFUSED_OR_LOCKED, write_apart
from drumbeat.planning.facts import MOST_FACTS
from drumbeat.services import Services


def record_splits(splits: Sequence[Split], services: Services, refused: Callable[[Split, Exception], None]) -> None:
    """Record what becomes of these deliveries, as many in a statement as it can hold.

    The due entries of the facts are set before their commit, so that the relay finds them whatever happens after it.

    Raises:
        psycopg.Error: the ledger is away; a delivery without a plan is planned again, and makes the same events.
    """
    for some in _lots(splits):
        write_apart(lambda part: _write(part, services), some, refused, concerns_one=REFUSED_OR_LOCKED)


def _write(splits: Sequence[Split], services: Services) -> None:
    facts = [fact.id for split in splits for fact in split.facts]
    announced(list(dict.fromkeys(facts)), Door(services), lambda: splits_sql.record(services.db, splits))


def _lots(splits: Sequence[Split]) -> Iterator[list[Split]]:
    lot: list[Split] = []
    facts = 0
    for split in splits:
        if lot and facts + len(split.facts) > MOST_FACTS:
            yield lot
            lot, facts = [], 0
        lot.append(split)
        facts += len(split.facts)
    if lot:
        yield lot

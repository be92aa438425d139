"""One delivery of a webhook."""

from datetime import datetime

from drumbeat.core import fingerprint, ids
from drumbeat.core.configuration import Source
from drumbeat.core.errors import SecretMissing, Unauthorized, Unavailable
from drumbeat.core.events import Arrival
from drumbeat.ingest import buffer, recording
from drumbeat.ingest.door import REPEATED, UNVERIFIED, Door
from drumbeat.ingest.receipt import CONFLICT, RECORDED, Receipt
from drumbeat.ingest.screening import screen
from drumbeat.ingest.single import UNREACHABLE
from drumbeat.sources import registry
from drumbeat.sources.signature import Allowed, Delivery, Unverified


def ingest(name: str, delivery: Delivery, door: Door, *, judged_at: datetime | None = None) -> Receipt:
    """Record one delivery under its source, whatever its body means, or buffer it while the ledger is unreachable.

    A repeat gives the same id, one that the release before recorded included. A body that comes under the name of
    another delivery is kept beside the first. What is verified is never refused.
    `judged_at` replaces the present in judging the signature's age.

    Raises:
        NotFound: no such webhook. Unauthorized: the signature is missing, wrong or too old. TooLarge.
        Unavailable: neither ledger nor buffer took it, its secrets cannot be read, or a later release configured it.
    """
    source = screen(name, delivery.headers, len(delivery.body), door)
    now = door.services.clock.now()
    key, former_key = _verified(source, delivery, door, judged_at or now)
    return _store(_arrival(source, key, former_key, delivery.body, now), door)


def _verified(source: Source, delivery: Delivery, door: Door, now: datetime) -> tuple[str, str | None]:
    """Return the delivery's key, and the one that the release before gives it if that is another."""
    try:
        secrets = [door.services.secrets.get(reference) for reference in source.secrets]
    except SecretMissing as error:
        door.warn("secret_missing", source=source.name, reference=error.reference)
        raise Unavailable(  # the caller is not verified yet: the reference is for the log only
            "A secret of this webhook cannot be read. Nothing was stored; send it again once the secret exists: "
            "`drumbeat doctor` names it."
        ) from None
    allowed = Allowed(secrets, now.timestamp(), source.tolerance, source.options)
    scheme = registry.get(source.scheme)
    try:
        key = scheme.verify(delivery, allowed)
    except Unverified as error:
        door.count(UNVERIFIED)
        raise Unauthorized(
            f"The delivery's signature was not accepted: {error}. Nothing was stored; check the secret, the clock and "
            "that nothing changes the body on its way."
        ) from None
    former_key = scheme.former_key(delivery, allowed)
    return key, former_key if former_key != key else None


def _store(arrival: Arrival, door: Door) -> Receipt:
    try:
        recorded = recording.record(arrival, door)
        if recorded.fingerprint != arrival.fingerprint:
            recording.keep_conflicts([arrival], door)
            return Receipt(arrival.id, CONFLICT)
    except UNREACHABLE:
        return buffer.put([arrival], door)[0]
    door.catalog.refresh()
    if not recorded.inserted:
        door.count(REPEATED)
    return Receipt(recorded.event, RECORDED, replayed=not recorded.inserted)


def _arrival(source: Source, key: str, former_key: str | None, body: bytes, now: datetime) -> Arrival:
    return Arrival(
        id=ids.event_id(source.name, key),
        source=source.name,
        key=key,
        type=source.type,
        door="webhook",
        fingerprint=fingerprint.of_raw(body),
        scheduled_at=None,
        received_at=now,
        body=body,
        former_key=former_key,
    )

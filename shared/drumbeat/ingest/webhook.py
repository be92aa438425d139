"""One delivery of a webhook, and what its sender asks before it sends any."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from drumbeat.core import fingerprint, ids, tracing
from drumbeat.core.configuration import Source
from drumbeat.core.errors import Forbidden, NotFound, SecretMissing, Unauthorized, Unavailable
from drumbeat.core.events import Arrival
from drumbeat.core.request import Reply as Answered
from drumbeat.core.request import Request
from drumbeat.ingest import buffer, feedback, recording, refusals
from drumbeat.ingest.door import REPEATED, UNVERIFIED, Door
from drumbeat.ingest.receipt import CONFLICT, RECORDED, Receipt
from drumbeat.ingest.refusals import Refusal
from drumbeat.ingest.screening import find, screen
from drumbeat.ingest.single import UNREACHABLE
from drumbeat.planning.reports import reported, speaks
from drumbeat.sources import registry
from drumbeat.sources.secret_forms import cleaned
from drumbeat.sources.signature import FACT, Allowed, Delivery, NoMatch, Reply, Scheme, Unverified, content_key

VISIT_SECONDS = 5.0


def ingest(name: str, delivery: Delivery, door: Door, *, judged_at: datetime | None = None) -> Receipt | Reply:
    """Record one delivery under its source, whatever its body means, or buffer it while the ledger is unreachable.

    A repeat gives the same id, one that the release before recorded included. A body that comes under the name of
    another delivery is kept beside the first. What is verified is never refused. One that asks something and reports
    nothing is no event: its answer is returned.
    `judged_at` replaces the present in judging the signature's age.

    Raises:
        NotFound: no such webhook. Unauthorized: the signature is missing, wrong or too old. TooLarge.
        Unavailable: neither ledger nor buffer took it, its secrets cannot be read, or a later release configured it.
    """
    source = screen(name, delivery.headers, len(delivery.body), door)
    scheme = registry.get(source.scheme)
    now = door.services.clock.now()
    allowed = _allowed(source, scheme, door, judged_at or now)
    key, former_key = _verified(source, delivery, allowed, door)
    if (reply := scheme.answer(delivery)) is not None:
        if reply.notice:
            door.warn(reply.notice, source=source.name)
        return reply
    arrival = _arrival(source, key, former_key, delivery, now)
    if not speaks(source, arrival):
        return replace(_store(arrival, door), reply=scheme.reply)
    arrivals = reported(arrival, source)
    return replace(feedback.wait(arrivals, door) or _store_all(arrivals, door), reply=scheme.reply)


def confirm(name: str, request: Delivery, door: Door) -> Reply:
    """Answer a sender that asks by GET whether this is its receiver. Stores nothing.

    Raises:
        NotFound: no such webhook, or its sender asks nothing so. Forbidden: it did not show the source's token.
        Unavailable: the token cannot be read, or a later release configured the source.
    """
    source = find(name, door)
    scheme = registry.get(source.scheme)
    if not scheme.verify_token:
        raise NotFound("This webhook takes deliveries by POST and answers nothing else. Nothing was stored.")
    reference = source.options.get(scheme.verify_token)
    token = None if reference is None else cleaned(_secrets(source, [reference], door)[0])
    try:
        return scheme.confirm(request, token)
    except Unverified as error:
        raise Forbidden(f"The address was not confirmed: {error}. Nothing was stored.") from None


def _allowed(source: Source, scheme: Scheme, door: Door, now: datetime) -> Allowed:
    """Return what its deliveries are judged by, its certificate aside."""
    secrets = _secrets(source, source.secrets, door)
    services = door.services
    allowed = Allowed(
        secrets,
        now.timestamp(),
        source.tolerance,
        source.options,
        sandbox_url=services.settings.sandbox_url if services.imitates_vendors else None,
    )
    if scheme.has_secrets and not allowed.secrets:
        door.warn("secret_empty", source=source.name)
        door.refuse(source.name, Refusal.SECRET_EMPTY)
        raise _unreadable()
    return allowed


def _verified(source: Source, delivery: Delivery, allowed: Allowed, door: Door) -> tuple[str, str | None]:
    """Return the delivery's key, and the one that the release before gives it if that is another.

    What a verified delivery asks to be visited is visited before it is answered.
    """
    scheme = registry.get(source.scheme)
    try:
        if (published := scheme.certificate_url(delivery, allowed)) is not None:
            allowed = replace(allowed, certificate=door.certificates.get(published))
        key = scheme.verify(delivery, allowed)
        if published is not None and allowed.certificate is not None:
            door.certificates.prove(published, allowed.certificate)
        asked = scheme.visit(delivery, allowed)
    except Unverified as error:
        door.count(UNVERIFIED)
        door.refuse(source.name, refusals.why(error))
        raise _not_accepted(error, delivery) from None
    if asked is not None:
        _visit(source, asked, door)
    former_key = scheme.former_key(delivery, allowed)
    if key.startswith(FACT):
        key, former_key = content_key(key.encode()), key
    return key, former_key if former_key != key else None


def _visit(source: Source, url: str, door: Door) -> None:
    """Call an address that a verified delivery asks for. Raises Unavailable: its sender has to ask again."""
    start_by = door.services.clock.elapsed() + VISIT_SECONDS
    reply = door.services.http.call(Request("GET", url), start_by=start_by, budget=VISIT_SECONDS)
    if not isinstance(reply, Answered) or reply.status != 200:
        door.refuse(source.name, Refusal.NOT_VISITED)
        door.warn("not_confirmed", status=str(reply.status) if isinstance(reply, Answered) else "none")
        raise Unavailable(
            "The sender's address could not be visited, so nothing was confirmed. Nothing was stored; send the same"
            " request again, or subscribe anew."
        )


def _not_accepted(error: Unverified, delivery: Delivery) -> Unauthorized:
    if delivery.altered and isinstance(error, NoMatch):
        return Unauthorized(
            f"The delivery's signature was not accepted: {error}. The body is not UTF-8, and its bytes were lost "
            "before they arrived here: API Gateway hands text on as text. Nothing was stored; let it write UTF-8."
        )
    return Unauthorized(
        f"The delivery's signature was not accepted: {error}. Nothing was stored; check the secret, the clock and that "
        "nothing changes the body on its way."
    )


def _secrets(source: Source, references: Sequence[str], door: Door) -> list[str]:
    try:
        return [door.services.secrets.get(reference) for reference in references]
    except SecretMissing as error:
        door.warn("secret_missing", source=source.name, reference=error.reference)
        door.refuse(source.name, Refusal.SECRET_MISSING)
        raise _unreadable() from None


def _unreadable() -> Unavailable:
    return Unavailable(  # the caller is not verified yet: the reference is for the log only
        "A secret of this webhook cannot be read. Nothing was stored; send it again once the secret exists: "
        "`drumbeat doctor` names it."
    )


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


def _store_all(arrivals: Sequence[Arrival], door: Door) -> Receipt:
    """Store the events of one delivery; its receipt is that of the first.

    Raises what the ledger raises about one that it refuses, after it took the others: the sender has to send all again.
    """
    if len(arrivals) == 1:
        return _store(arrivals[0], door)
    try:
        recorded = recording.record_all(arrivals, door)
    except UNREACHABLE:
        return buffer.put(arrivals, door)[0]
    for arrival, one in zip(arrivals, recorded, strict=True):
        if one is None:
            _store(arrival, door)
    door.catalog.refresh()
    return Receipt(arrivals[0].id, RECORDED, replayed=not any(one and one.inserted for one in recorded))


def _arrival(source: Source, key: str, former_key: str | None, delivery: Delivery, now: datetime) -> Arrival:
    return Arrival(
        id=ids.event_id(source.name, key),
        source=source.name,
        key=key,
        type=source.type,
        door="webhook",
        fingerprint=fingerprint.of_raw(delivery.body),
        scheduled_at=None,
        received_at=now,
        body=delivery.body,
        former_key=former_key,
        trace=tracing.stored(delivery.headers.get("traceparent")),
    )

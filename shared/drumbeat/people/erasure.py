"""Erasing a person: first the bar, which holds from its commit on, then the bytes, a chunk at a time.

What remains is what says nothing of the person but that they were: ids, keyed hashes, times, statuses, statistics, how
consent stood, and a suppression that is never lifted. An erasure that was cut is simply asked for again.
"""

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import batched
from uuid import UUID

from psycopg.errors import DeadlockDetected, LockNotAvailable

from drumbeat.core.address import Keys, contact_key, keys_of, normalise
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.errors import Invalid, InvalidAddress, Unavailable
from drumbeat.core.masking import addresses
from drumbeat.people import erasure_sql
from drumbeat.people.erasure_sql import Copy, Held
from drumbeat.services import Services

EVENTS_AT_ONCE = 500  # of one commit
SECONDS_AT_ONCE = 10.0  # of one request, after which it says how to go on
PATIENCE_SECONDS = 20.0  # for one statement
TRIES = 5  # of a statement that meets another's lock, which is held for milliseconds

_AROUND = re.compile(r"[=&?/|;#!{}\[\]\\]")

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased by one request. `next`: how to go on; None: that was all."""

    events: int
    copies: int  # bodies that were parked, or came too late for their keys
    next: UUID | None


def preview(address: str, services: Services) -> Held:
    """Count what an erasure would delete. Raises as `erase` does."""
    read, keys = _read(address, services)
    _check_configurations(read, keys, services)
    with services.db.patient(PATIENCE_SECONDS):
        return erasure_sql.held(services.db, keys)


def erase(address: str, *, actor: str, services: Services, after: UUID | None = None) -> Erased:
    """Erase a person, or go on `after` an event; harmless to repeat. Nothing is mailed to them from the first call on.

    Raises:
        Invalid: it is not exactly one address, or it stands in a configuration. Nothing was changed.
        Unavailable: others hold what is to be deleted. What was erased stays so, and the rest is asked for again.
        psycopg.OperationalError: the ledger is unreachable; the same again.
    """
    read, keys = _read(address, services)
    copies = 0
    with services.db.patient(PATIENCE_SECONDS):
        if after is None:
            _check_configurations(read, keys, services)
            person = _unhindered(erasure_sql.bar, services.db, keys, actor=actor)
            # After a restore of the database this says who has to be erased again: by the id, which is in the backup.
            _LOG.warning("person_erased", extra={"person": str(person)})
            copies = _erase_copies(keys, services)
        events, following = _erase_events(keys, after, services)
    return Erased(events, copies, following)


def _read(address: str, services: Services) -> tuple[str, Keys]:
    try:
        read = normalise(address, SEMANTICS)
    except InvalidAddress as error:
        raise Invalid(f"that is not an e-mail address: {error}; nothing was changed") from None
    return read, keys_of(services.contact_secret, read)


def _check_configurations(address: str, keys: Keys, services: Services) -> None:
    """Refuse an address of the configuration: each version is kept for ever, as what planned its events."""
    holding = [
        version
        for version, text in erasure_sql.configured(services.db, address)
        if _names(keys, list(addresses(text)), services)
    ]
    if holding:
        raise Invalid(
            f"this address stands in the configuration ({_versions(holding)}), as of a sender or a fixed recipient. "
            "Versions are kept for ever, so it cannot be erased. Nothing was changed; to stop mail to it, write "
            "another address in its place and apply that, then `drumbeat suppress add`"
        )


def _versions(versions: list[int]) -> str:
    shown = ", ".join(map(str, versions[:5]))
    return f"version{'s' if versions[1:] else ''} {shown}{' and more' if versions[5:] else ''}"


def _erase_copies(keys: Keys, services: Services) -> int:
    db, erased = services.db, 0
    for some in batched(_naming(keys, erasure_sql.apart(db), services), EVENTS_AT_ONCE, strict=False):
        erased += _unhindered(erasure_sql.erase_copies, db, keys, some)
    return erased


def _naming(keys: Keys, copies: Iterable[Copy], services: Services) -> Iterator[Copy]:
    return (copy for copy in copies if _names(keys, _found(copy.body), services))


def _erase_events(keys: Keys, after: UUID | None, services: Services) -> tuple[int, UUID | None]:
    """Erase what names the person, span by span: what no index leads to is first looked for in the span's bodies."""
    started, events, following = services.clock.elapsed(), 0, after or erasure_sql.START
    while True:
        span = erasure_sql.unread(services.db, after=following)
        if found := list(_naming(keys, span.unread, services)):
            _unhindered(erasure_sql.name, services.db, keys, found)
        whole = False
        while not whole:
            chunk = _unhindered(
                erasure_sql.erase, services.db, keys, after=following, last=span.last, most=EVENTS_AT_ONCE
            )
            events, whole = events + chunk.events, chunk.next is None
            reached = chunk.next or span.last
            if reached is None or services.clock.elapsed() - started > SECONDS_AT_ONCE:
                return events, reached
            following = reached


def _names(keys: Keys, texts: list[str], services: Services) -> bool:
    """Return whether one of these texts is the person's address."""
    for text in texts:
        try:
            if contact_key(services.contact_secret, normalise(text, SEMANTICS)) == keys.today:
                return True
        except InvalidAddress:
            continue
    return False


def _found(body: bytes) -> list[str]:
    """Return what looks like an address in a body: in any text of its JSON, or in all of what is no JSON."""
    text = body.decode(errors="replace")
    try:
        texts = list(_texts(json.loads(text)))
    except (ValueError, RecursionError):
        texts = [text]
    return [reading for each in texts for found in addresses(each) for reading in (found, _inner(found))]


def _inner(found: str) -> str:
    """Return an address without what an address may hold, and the field of a form or of a link has around one."""
    local, _, domain = found.rpartition("@")
    return f"{_AROUND.split(local)[-1]}@{_AROUND.split(domain)[0].rstrip('.')}"


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from _texts(each)
        case dict():
            for name, each in value.items():
                yield str(name)
                yield from _texts(each)


def _unhindered[**P, T](run: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a statement, again where another transaction holds what it needs. Raises Unavailable when that lasts."""
    for _ in range(TRIES):
        try:
            return run(*args, **kwargs)
        except (LockNotAvailable, DeadlockDetected):
            continue
    raise Unavailable(
        "Others hold what is to be erased. What was erased so far stays so; ask for the same again in a minute."
    )

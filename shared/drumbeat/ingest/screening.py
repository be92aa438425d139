"""What a delivery is refused for before its body is decoded, let alone parsed: the cheapest check comes first."""

from collections.abc import Mapping

from drumbeat.core.configuration import Source
from drumbeat.core.errors import NotFound, TooLarge, Unauthorized, Unavailable
from drumbeat.ingest.door import UNVERIFIED, Door
from drumbeat.ingest.refusals import Refusal
from drumbeat.sources import registry
from drumbeat.sources.signature import MAX_DELIVERY_BYTES


def screen(name: str, headers: Mapping[str, str], size: int, door: Door) -> Source:
    """Return the source of a delivery that is worth reading. `headers` have names in lower case.

    Costs no query, and no Redis but for the catalogue's, and what `Door.refuse` writes once a minute.

    Raises:
        NotFound: no such webhook. Unauthorized: it carries no signature. TooLarge: more than the source takes.
        Unavailable: a later release configured it, or the sources are not known.
    """
    source = find(name, door)
    scheme = registry.get(source.scheme)
    signed_in = scheme.signature_headers(source.options)
    if signed_in and not any(headers.get(header.lower()) for header in signed_in):
        door.count(UNVERIFIED)
        door.refuse(name, Refusal.SIGNATURE_MISSING)
        raise Unauthorized(
            f"The delivery's signature was not accepted: the header {' or '.join(signed_in)} is missing. Nothing was "
            "stored; check that nothing removes it on its way."
        )
    most = min(source.max_bytes or scheme.max_bytes, MAX_DELIVERY_BYTES)
    if size > most:
        door.refuse(name, Refusal.TOO_LARGE)
        raise TooLarge(
            f"A delivery to {name} may have {most:,} bytes, this one has {size:,}. Nothing was stored; the source's "
            "max_bytes allows more."
        )
    return source


def find(name: str, door: Door) -> Source:
    """Return the webhook of this name.

    Raises:
        NotFound: there is none. Unavailable: a later release configured it, or the sources are not known.
    """
    source = door.catalog.find(name)
    if source is None or source.door != "webhook":
        raise NotFound(
            "There is no webhook of this name. Nothing was stored; `drumbeat apply` configures one, which is known "
            "within a minute."
        )
    if source.scheme not in registry.names():
        raise Unavailable(
            f"This release of Drumbeat does not know the signatures of {source.scheme}. Nothing was stored; send it "
            "again once a later release is deployed."
        )
    return source

"""A posted form: what it is refused for, cheapest first, and the event that it becomes."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from drumbeat.core import ids
from drumbeat.core.configuration import Form, MailingList, Source
from drumbeat.core.errors import InvalidAddress, NotFound, Unavailable
from drumbeat.core.events import Arrival, EventType
from drumbeat.ingest import buffer, recording, returns
from drumbeat.ingest.door import Door
from drumbeat.ingest.receipt import RECORDED, Receipt
from drumbeat.ingest.single import UNREACHABLE
from drumbeat.public import fields, often, stamps
from drumbeat.public.addresses import typed
from drumbeat.public.fields import Fields, Flaw, Value, flawed
from drumbeat.public.locales import Words, words_of
from drumbeat.public.stamps import Stamp
from drumbeat.public.visit import Visit

EMAIL = "email"
BUCKET_SECONDS = 600  # the same fields without a page of ours are one post within so long

type Payload = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class FormPage:
    """One configured form, as its page shows it."""

    source: Source
    form: Form
    list: MailingList | None
    url: str  # of the page that we show
    version: int  # of the configuration
    words: Words

    @property
    def title(self) -> str:
        """What the page is called."""
        return self.form.title or (self.list.title if self.list else self.words.form_title)

    @property
    def text(self) -> str:
        """What a person agrees to by sending it; without a list what the configuration says, if anything."""
        if self.form.text or self.list is None:
            return self.form.text or ""
        about = self.list.description.strip().rstrip(".") or self.words.form_about
        return self.words.form_agree.format(title=self.list.title, about=about)

    @property
    def asks_to_confirm(self) -> bool:
        """Whether what is posted has to be confirmed by a mail."""
        return self.list is not None and self.list.confirm is not None

    @property
    def use(self) -> str:
        """What a stamp of its page is for."""
        return f"form {self.source.name}"


def find(name: str, host: str, door: Door) -> FormPage:
    """Return the form of this name. `host`: by which we were asked.

    Raises:
        NotFound: there is none. Unavailable: the sources are not known, or a later release configured them.
    """
    source = door.catalog.find(name)
    if source is None or source.form is None:
        raise NotFound(
            "There is no form of this name. Nothing was stored; `drumbeat apply` configures one, which is known within "
            "a minute."
        )
    mailing_list = door.catalog.lists().get(source.list) if source.list else None
    if source.list and mailing_list is None:
        raise Unavailable("The list of this form is not known yet. Nothing was stored; send it again in a minute.")
    base = door.services.settings.public_url or door.catalog.public_url or f"https://{host}"
    return FormPage(
        source, source.form, mailing_list, f"{base}/f/{name}", door.catalog.version, words_of(source.locale)
    )


def post(page: FormPage, visit: Visit, door: Door) -> Receipt:
    """Record what a person or program posted, or buffer it while the ledger is unreachable. A repeat gives the same id,
    unless its person has left the list since.

    In this order, so that a stranger costs as little as possible: size, fields, address, what programs fill and people
    do not, and only then Redis; the ledger last.

    Raises:
        TooLarge, Encoded, Invalid: the body cannot be read. Flawed: names each field that is wrong.
        TooMany: the address was posted often enough. Unavailable: neither ledger nor buffer took it.
    """
    posted = fields.read(visit.headers.get("content-type", ""), visit.body())
    payload, stamp = _checked(page, posted, door)
    now = door.services.clock.now()
    arrival = _arrival(page, payload, stamp, visit, now, door)

    def admit(key: str) -> None:
        often.admit(page.source.name, str(payload[EMAIL]), key, door.services)

    admit(arrival.key)
    receipt = store(arrival, admit, door)
    if receipt.status == RECORDED:
        door.catalog.refresh()
    return receipt


def store(arrival: Arrival, admit: Callable[[str], object], door: Door) -> Receipt:
    """Record a post, or buffer it. One whose person came back is an event of its own, where `admit` takes its key.

    What is buffered is judged when the buffer is drained, which is after all wishes.

    Raises:
        Unavailable: neither ledger nor buffer took it. What `admit` raises.
    """
    try:
        recorded = recording.record(arrival, door)
        if not recorded.inserted and returns.sign_up(arrival):
            if door.services.wishes_flag.is_set():  # a withdrawal may wait that was made before this post
                return buffer.put([arrival], door)[0]
            if back := returns.came_back(arrival, door.services):
                admit(back.key)
                arrival, recorded = back, recording.record(back, door)
    except UNREACHABLE:
        return buffer.put([arrival], door)[0]
    return Receipt(recorded.event, RECORDED, replayed=not recorded.inserted)


def _checked(page: FormPage, posted: Fields, door: Door) -> tuple[Payload, Stamp | None]:
    """Return what was posted, every declared field of it, and the stamp of our page. Raises Flawed."""
    if flaws := list(_flaws(page.form, posted)):
        raise flawed(flaws, posted)
    payload = {name: posted.get(name, ("",))[0] for name in page.form.fields}
    try:
        payload[EMAIL] = typed(str(payload[EMAIL]), local=door.services.settings.local)
    except InvalidAddress:
        raise flawed([Flaw(EMAIL, fields.ADDRESS)], posted) from None
    if page.form.honeypot and not _is_blank(posted.get(page.form.honeypot, ("",))[0]):
        raise flawed([Flaw(page.form.honeypot, fields.TRAP)], posted)
    if stamps.FIELD not in posted:
        return payload, None
    stamp = stamps.read(page.use, str(posted[stamps.FIELD][0]), door.services)
    if stamp is None or stamps.is_old(stamp, door.services):
        raise flawed([Flaw(stamps.FIELD, fields.OLD_PAGE)], posted)
    if stamps.is_too_fast(stamp, door.services):
        raise flawed([Flaw(stamps.FIELD, fields.TOO_FAST)], posted)
    return payload, stamp


def _flaws(form: Form, posted: Fields) -> Iterator[Flaw]:
    known = {*form.fields, stamps.FIELD, form.honeypot}
    for name, values in posted.items():
        if name not in known:
            yield Flaw(name, fields.UNKNOWN)
        elif len(values) > 1:
            yield Flaw(name, fields.REPEATED)
    for name, need in form.fields.items():
        if need == "required" and _is_blank(posted.get(name, ("",))[0]):
            yield Flaw(name, fields.MISSING)


def _is_blank(value: Value) -> bool:
    return isinstance(value, str) and not value.strip()


def _arrival(page: FormPage, payload: Payload, stamp: Stamp | None, visit: Visit, now: datetime, door: Door) -> Arrival:
    key = _key(payload, stamp, now, door.services.contact_secret)
    kind = "pending" if page.asks_to_confirm else "given"
    body = {
        "payload": payload,
        "consent": [{"list": page.list.name, "kind": kind}] if page.list else [],
        "evidence": _evidence(page, stamp, visit),
    }
    return Arrival(
        id=ids.event_id(page.source.name, key),
        source=page.source.name,
        key=key,
        type=EventType.CONSENT if page.asks_to_confirm else page.source.type,
        door=returns.FORM,
        fingerprint=_digest(payload, b"fingerprint", door.services.contact_secret),
        scheduled_at=None,
        received_at=now,
        body=json.dumps(body, ensure_ascii=False).encode(),
    )


def _key(payload: Payload, stamp: Stamp | None, now: datetime, secret: bytes) -> str:
    """Return what makes two posts one: the same fields of the same page, or else within the same ten minutes.

    The fields belong to it, so that what a person corrects after going back in their browser is a post of its own. It
    stays when the payload is erased, so nothing of the fields can be guessed from it.
    """
    once = stamp.nonce if stamp else str(int(now.timestamp()) // BUCKET_SECONDS).encode()
    return f"form:{_digest(payload, once, secret).hex()}"


def _digest(payload: Payload, once: bytes, secret: bytes) -> bytes:
    canonical = json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
    return hmac.digest(secret, once + b"\0" + canonical, hashlib.sha256)


def _evidence(page: FormPage, stamp: Stamp | None, visit: Visit) -> dict[str, object]:
    """Return where it was posted, and what a person who signed up for a list had agreed to."""
    shown_at = page.url if stamp else visit.page or page.source.name
    where: dict[str, object] = {"form": shown_at, "locale": page.source.locale}
    if page.list is None:
        return where
    return where | {
        "origin": visit.origin,
        "text": page.text,
        "text_sha256": hashlib.sha256(page.text.encode()).hexdigest(),
        "version": page.version,
        "ip": visit.network,
    }

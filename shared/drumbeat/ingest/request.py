"""The body of an API event, and the arrival it becomes."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from drumbeat.access.keys import ApiKey
from drumbeat.core import fingerprint, ids
from drumbeat.core.address import normalise
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.errors import Forbidden, Invalid, InvalidAddress, TooLarge
from drumbeat.core.events import Arrival, EventType
from drumbeat.core.suggestions import instead
from drumbeat.ingest.catalog import Configured
from drumbeat.web import strict
from drumbeat.web.problems import mistakes

MAX_EVENT_BYTES = 256 * 1024
MAX_CONSENTS = 50  # of one event
MAX_CONSENT_CHARACTERS = 5000
OWN_SOURCES = "drumbeat:"  # how the names of our own sources begin
# The scope that a key needs for each type. What a person agrees to is said at other doors, or beside a LEAD_CAPTURE.
NEEDED_SCOPES: Mapping[str, str] = {
    EventType.LEAD_CAPTURE: "ingest",
    EventType.CONTENT_PUBLISH: "ingest",
    EventType.CAMPAIGN_TRIGGER: "operate",
    EventType.FEEDBACK: "operate",
}

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_OWN_KEY = re.compile(f"{ids.CONFIRMS}[0-9a-f-]{{36}}")  # of an event by which a person confirms
_FIRST_YEAR, _LAST_YEAR = 1970, 9998  # what every time zone and the ledger can hold


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("has to be printable")
    return text


def _instant(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise ValueError("has to be an RFC 3339 time with its offset, such as 2026-01-31T09:00:00Z")
    try:
        year = datetime.fromisoformat(text.upper()).year
    except ValueError:
        raise ValueError("names a day, a time or an offset that does not exist") from None
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise ValueError(f"has to lie in the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return text


type Name = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_printable)]


class Consent(BaseModel):
    """What a person agreed to, as a program passes it on."""

    model_config = ConfigDict(extra="forbid", strict=True)

    list: Name
    text: Annotated[str, Field(min_length=1, max_length=MAX_CONSENT_CHARACTERS)] | None = None  # that they agreed to
    at: Annotated[str, AfterValidator(_instant)] | None = None  # when they did


class EventRequest(BaseModel):
    """One event as an API caller writes it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["LEAD_CAPTURE", "CONTENT_PUBLISH", "CAMPAIGN_TRIGGER", "FEEDBACK"]
    source: Name
    payload: dict[str, object]
    idempotencyKey: Name | None = None
    scheduledAt: Annotated[str, AfterValidator(_instant)] | None = None
    consent: Annotated[list[Consent], Field(min_length=1, max_length=MAX_CONSENTS)] | None = None


def read(raw: bytes, *, key: str | None, caller: ApiKey, configured: Configured, now: datetime) -> Arrival:
    """Read one event from a request's body. `key` is the request's Idempotency-Key header.

    Raises:
        Invalid: names the wrong field and why. TooLarge: over 256 KiB.
        Forbidden: a configured source, or a type that the caller may not send.
    """
    if len(raw) > MAX_EVENT_BYTES:
        raise TooLarge(f"An event may have {MAX_EVENT_BYTES} bytes, this one has {len(raw)}. Nothing was stored.")
    document = strict.read(raw)
    if document.suspect:
        strict.check(document.value)
    return _arrival(document.value, raw, key, caller, configured, now)


def read_element(element: object, *, suspect: bool, caller: ApiKey, configured: Configured, now: datetime) -> Arrival:
    """Read one event of a batch; raises as `read` does."""
    if suspect:
        strict.check(element)
    raw = json.dumps(element, ensure_ascii=False, separators=(",", ":")).encode()
    if len(raw) > MAX_EVENT_BYTES:
        raise TooLarge(f"An event may have {MAX_EVENT_BYTES} bytes, this one has {len(raw)}. It was not stored.")
    return _arrival(element, raw, None, caller, configured, now)


def one_key(header: str | None, field: str | None) -> str:
    """Return the idempotency key that a request names as header, field or both; raises Invalid when it is not one."""
    if header is not None and field not in (None, header):
        raise Invalid("The header Idempotency-Key and the field idempotencyKey differ. Send one. Nothing was stored.")
    key = field if header is None else header
    if key is None:
        raise Invalid(
            "idempotencyKey is missing. Send a name that a repeat of this request would have too, such as an order's "
            "number, as the field or as the header Idempotency-Key. Nothing was stored."
        )
    if _OWN_KEY.fullmatch(key):
        raise Invalid(f"Keys of the form `{ids.CONFIRMS}<id>` are Drumbeat's own. Choose another. Nothing was stored.")
    if not (1 <= len(key) <= 255 and key.isprintable()):
        raise Invalid("An idempotency key has 1 to 255 printable characters. Nothing was stored.")
    return key


def _arrival(
    value: object, raw: bytes, key: str | None, caller: ApiKey, configured: Configured, now: datetime
) -> Arrival:
    _permit(value.get("type") if isinstance(value, dict) else None, caller)
    try:
        request = EventRequest.model_validate(value)
    except ValidationError as error:
        raise Invalid(_explained(error)) from None
    key = one_key(key, request.idempotencyKey)
    if request.consent is not None and request.type != EventType.LEAD_CAPTURE:
        raise Invalid("consent belongs to a LEAD_CAPTURE. Nothing was stored; correct it and send it again.")
    if request.source.startswith(OWN_SOURCES):
        raise Forbidden(
            f"Sources that begin with {OWN_SOURCES} are Drumbeat's own. Choose another. Nothing was stored."
        )
    if request.consent is not None:
        _check_consent(request, configured.lists)
    if request.source in configured.sources:
        raise Forbidden(
            "This source is configured as a webhook, form or schedule; events of its name come through that door only. "
            "Choose another name for the API's events. Nothing was stored."
        )
    return Arrival(
        id=ids.event_id(request.source, key),
        source=request.source,
        key=key,
        type=request.type,
        door="api",
        fingerprint=_fingerprint(request, cast(dict[str, object], value)),
        scheduled_at=_moment(request.scheduledAt),
        received_at=now,
        body=raw,
    )


def _check_consent(request: EventRequest, lists: Collection[str]) -> None:
    """Refuse consent to what is no list, or of no one: it would be kept, and nothing would ever come of it."""
    for name in (consent.list for consent in request.consent or ()):
        if name not in lists:
            raise Invalid(
                f"consent: there is no list {name}; {instead(name, lists)}. Nothing was stored; a list that was just "
                "applied is known within a minute."
            )
    try:
        normalise(str(request.payload.get("email") or ""), SEMANTICS)
    except InvalidAddress as error:
        raise Invalid(f"consent is a person's, and payload.email names none: {error}. Nothing was stored.") from None


def _fingerprint(request: EventRequest, value: Mapping[str, object]) -> bytes:
    """Return that of the caller's own objects: the model would be a copy of them."""
    payload, consent = cast(Mapping[str, object], value["payload"]), cast(Sequence[object] | None, value.get("consent"))
    return fingerprint.of_api(request.type, payload, request.scheduledAt, consent)


def _permit(type: object, caller: ApiKey) -> None:
    """Refuse a type that the caller may not send. What is no type of this door is none for whatever key."""
    needed = NEEDED_SCOPES.get(type) if isinstance(type, str) else None
    if needed is not None and needed not in caller.scopes:
        what = f"a {type}" if needed == "operate" else "events"
        raise Forbidden(
            f"Sending {what} needs an API key with the scope `{needed}`. Nothing was stored; use such a key."
        )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text.upper()).astimezone(UTC)


def _explained(error: ValidationError) -> str:
    return (
        f"{mistakes(error, 'the event', EventRequest.model_fields)}. Nothing was stored; correct it and send it again."
    )

"""The routes of the ingest function that programs call, as they would be declared: it reads them by hand, for speed.

Forms and the pages of links are for strangers, and stand in no document.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from drumbeat.api.access import Needed
from drumbeat.api.response import Answer
from drumbeat.api.routing import Declared
from drumbeat.core.errors import Forbidden, KeyReused, TooLarge, TooMany, Unauthorized
from drumbeat.ingest.batch import MAX_BATCH_EVENTS
from drumbeat.ingest.request import EventRequest

TITLE = "Where events come in."


@dataclass(frozen=True, slots=True)
class EventReceipt:
    """A promise: the event is in the ledger, or buffered and will be."""

    event_id: UUID
    status: str  # recorded | buffered


@dataclass(frozen=True, slots=True)
class EventTaken:
    """One event of a batch that is kept: 202, or 200 for a repeat."""

    status: Literal[200, 202]
    event_id: UUID


@dataclass(frozen=True, slots=True)
class EventRefused:
    """One event of a batch that was refused; the others are not affected."""

    status: int
    problem: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class BatchReceipt:
    """What became of each event, in order."""

    results: list[EventTaken | EventRefused]


class Batch(BaseModel):
    """Some events, each with a key of its own."""

    model_config = ConfigDict(extra="forbid")
    events: Annotated[list[EventRequest], Field(max_length=MAX_BATCH_EVENTS)]


def post_event(request: EventRequest) -> Answer[EventReceipt, Literal[200, 202]]:
    """Record one event: 202, or 200 when its key was used before for the same. The types `CAMPAIGN_TRIGGER` and
    `FEEDBACK` need a key with the scope `operate`.
    """
    raise NotImplementedError


def post_batch(request: Batch) -> Answer[BatchReceipt, Literal[207]]:
    """Record up to 500 events, of 4 MiB together. Each has a result of its own, in order; a refused one does not affect
    the others.
    """
    raise NotImplementedError


def post_webhook(source: str, body: bytes) -> Annotated[Response[str], "*/*", "2XX"]:
    """Record one delivery of a configured webhook; its signature is what its sender signs. It is answered as its sender
    needs, most of them with the event's id.
    """
    raise NotImplementedError


def get_webhook(source: str) -> Annotated[Response[str], "*/*", "2XX"]:
    """Answer a sender that asks whether this is its receiver, as some do before they deliver."""
    raise NotImplementedError


SENDS = Needed((), ("ingest", "operate"))

DOORS = (
    Declared("POST", "/v1/events", post_event, SENDS, (KeyReused, TooLarge)),
    Declared("POST", "/v1/events/batch", post_batch, SENDS, (TooLarge,)),
    Declared("POST", "/v1/webhooks/<source>", post_webhook, None, (Unauthorized, Forbidden, TooLarge, TooMany)),
    Declared("GET", "/v1/webhooks/<source>", get_webhook, None, (Unauthorized, Forbidden, TooMany)),
)

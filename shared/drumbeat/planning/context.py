"""What texts and conditions can see of an event."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from drumbeat.core.configuration import Config, MailingList
from drumbeat.core.events import Event
from drumbeat.core.leads import Lead

OF_RUNS = ("lead", "campaign", "run")  # only in the steps of a campaign, which see no payload
VARIABLES = (
    "event",
    "payload",
    "effect_id",
    "list",
    "unsubscribe_url",
    "confirm_url",
    "postal_address",
    *OF_RUNS,
)
OF_LISTS = ("list", "unsubscribe_url", "confirm_url", "postal_address")  # null in a mail that has none
EVENT_FIELDS = ("id", "type", "source", "key", "received_at", "scheduled_at")
CAMPAIGN_FIELDS = ("name",)
RUN_FIELDS = ("id", "scheduled_at", "local")
LATER = ("variant",)  # names of later features: `apply` refuses them
_NULL_BEFORE = (*OF_RUNS, *LATER, "unsubscribe_url")  # by semantics 1 and 2, in which they are there


@dataclass(frozen=True, slots=True)
class Links:
    """Where the person of one mail says what they want. Each names the mail, and holds no address."""

    unsubscribe: str
    confirm: str


@dataclass(frozen=True, slots=True)
class Variables:
    """What the texts of one step see, and the rules by which they are filled."""

    values: Mapping[str, Any]
    semantics: int
    list: MailingList | None = None  # of the mail, by semantics 4


def facts(event: Event, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a condition sees."""
    return {"type": event.type, "source": event.source, "payload": payload}


def variables(event: Event, payload: Mapping[str, Any], semantics: int, *, effect_id: UUID | None = None) -> Variables:
    """Return what a text sees. A function of the event alone: no clock, no chance."""
    values = {**_of_event(event, effect_id), "payload": payload}
    if semantics < 3:
        return Variables(dict.fromkeys(_NULL_BEFORE) | values, semantics)
    return Variables(dict.fromkeys(OF_LISTS) | values if semantics > 3 else values, semantics)


def of_run(
    event: Event,
    payload: Mapping[str, Any],
    campaign: str,
    lead: Lead,
    semantics: int,
    *,
    effect_id: UUID | None = None,
) -> Variables:
    """Return what a text of a campaign's step sees: the lead and the run, which is an event, but no payload."""
    values = {
        "lead": {**lead.attributes, "email": lead.email},
        "campaign": {"name": campaign},
        "run": {"id": str(event.id), "scheduled_at": payload.get("scheduledAt"), "local": payload.get("local")},
    }
    return Variables({**dict.fromkeys(OF_LISTS), **_of_event(event, effect_id), **values}, semantics)


def of_list(seen: Variables, mailing_list: MailingList, config: Config, links: Links) -> Variables:
    """Return what the texts of a mail see that belongs to a list, or asks to confirm it."""
    values = {
        "list": {
            "name": mailing_list.name,
            "title": mailing_list.title,
            "description": mailing_list.description,
        },
        "unsubscribe_url": links.unsubscribe,
        "confirm_url": links.confirm,
        "postal_address": config.postal_address,
    }
    return Variables({**seen.values, **values}, seen.semantics, mailing_list)


def _of_event(event: Event, effect_id: UUID | None) -> dict[str, Any]:
    return {
        "event": {
            "id": str(event.id),
            "type": event.type,
            "source": event.source,
            "key": event.key,
            "received_at": _instant(event.received_at),
            "scheduled_at": event.scheduled_at and _instant(event.scheduled_at),
        },
        "effect_id": effect_id and str(effect_id),
    }


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")

"""What the firing of a campaign is as an event: a pure function of campaign and instant."""

import json
from datetime import UTC, datetime
from uuid import UUID

from drumbeat.calendar import zone
from drumbeat.calendar.walltime import show
from drumbeat.core import fingerprint, ids
from drumbeat.core.campaigns import Campaign
from drumbeat.core.events import Arrival, EventType

TYPE = str(EventType.CAMPAIGN_TRIGGER)
FIELDS = ("campaign", "scheduledAt", "local", "timezone", "triggeredBy")  # of the payload; the last of one by hand only


def key(campaign: Campaign, at: datetime) -> str:
    """Return the idempotency key of a scheduled firing: its instant, or the local time that each person has it at."""
    if not campaign.is_by_recipient:
        return f"{campaign.name}@{_utc(at)}"
    wall = _wall(campaign, at)
    return f"{campaign.name}@{wall.isoformat(timespec='seconds' if wall.second else 'minutes')}"


def event_id(campaign: Campaign, at: datetime) -> UUID:
    """Return the id that a scheduled firing has as an event."""
    return ids.event_id(campaign.name, key(campaign, at))


def scheduled(campaign: Campaign, at: datetime, *, now: datetime) -> Arrival:
    """Return the firing of a campaign at one instant of its calendar."""
    wall = _wall(campaign, at).isoformat(timespec="seconds")
    local = wall if campaign.is_by_recipient else _local(campaign, at)  # the former has no one offset from UTC
    return Arrival(
        id=event_id(campaign, at),
        source=campaign.name,
        key=key(campaign, at),
        type=TYPE,
        door="schedule",
        fingerprint=_fingerprint(campaign, key(campaign, at)),
        scheduled_at=at,
        received_at=now,
        body=_body(campaign, key(campaign, at), at, local=local, timezone=campaign.timezone),
    )


def by_hand(campaign: Campaign, name: str, *, actor: str, now: datetime) -> Arrival:
    """Return a firing that a person asked for under an idempotency key; the same key is the same event.

    The prefix keeps such keys apart from those of scheduled firings: no campaign's name has a colon.
    """
    key = f"trigger:{name}"
    return Arrival(
        id=ids.event_id(campaign.name, key),
        source=campaign.name,
        key=key,
        type=TYPE,
        door="api",
        fingerprint=_fingerprint(campaign, key),
        scheduled_at=None,
        received_at=now,
        body=_body(campaign, key, now, local=_local(campaign, now), timezone=campaign.home_zone, triggeredBy=actor),
    )


def run_by_hand(
    campaign: Campaign, name: str, *, actor: str, now: datetime, plan: bool = False, proposed: bool = False
) -> Arrival:
    """Return a run that a person asked for under an idempotency key: a `plan` does not start by itself.

    `proposed`: by one who may not send. The same key with another wish is another body under the key of an event.
    """
    key = f"run:{name}"
    said: dict[str, str | bool] = {"plan": True} if plan else {}
    said |= {"proposed": True} if proposed else {}
    return Arrival(
        id=ids.event_id(campaign.name, key),
        source=campaign.name,
        key=key,
        type=TYPE,
        door="api",
        fingerprint=fingerprint.of_api(TYPE, {"campaign": campaign.name, "key": key, **said}, None),
        scheduled_at=None,
        received_at=now,
        body=_body(
            campaign, key, now, local=_local(campaign, now), timezone=campaign.home_zone, triggeredBy=actor, **said
        ),
    )


def _body(campaign: Campaign, key: str, at: datetime, **more: str | bool) -> bytes:
    payload = {"campaign": campaign.name, "scheduledAt": _utc(at), **more}
    event = {"type": TYPE, "source": campaign.name, "payload": payload, "idempotencyKey": key}
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _fingerprint(campaign: Campaign, key: str) -> bytes:
    """The key holds all that makes two firings the same; what noticed it, and when, does not count."""
    return fingerprint.of_api(TYPE, {"campaign": campaign.name, "key": key}, None)


def _wall(campaign: Campaign, at: datetime) -> datetime:
    """Return the local time, without a zone, that an instant of a campaign's calendar stands for."""
    return show(at, zone(campaign.firing_zone)).replace(tzinfo=None)


def _local(campaign: Campaign, at: datetime) -> str:
    return show(at, zone(campaign.home_zone)).isoformat(timespec="seconds")


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

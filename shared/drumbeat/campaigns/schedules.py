"""EventBridge schedules, brought in line with the campaigns in force.

They only wake us: `fire` reads from our own calendar what a firing means, and the relay corrects what Scheduler skips,
loses or fires an hour later at a change of clocks. So a schedule that cannot be set costs minutes, not a firing.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from drumbeat.calendar import Occurrence
from drumbeat.campaigns.in_force import calendar_of
from drumbeat.core.campaigns import Campaign
from drumbeat.infrastructure.settings import Settings
from drumbeat.services import Services

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

PREFIX = "campaign-"  # nothing else of the group is touched
MAX_NAME_CHARACTERS = 64  # EventBridge Scheduler's limit
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"  # Scheduler puts the time here, such as 2026-03-22T09:00:00Z
RETRIES = {"MaximumRetryAttempts": 10, "MaximumEventAgeInSeconds": 3600}

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Aligned:
    """What was done, as names of campaigns or schedules. `failed` says what could not be done, and why."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def align(campaigns: Iterable[Campaign], services: Services) -> Aligned:
    """Create, change and remove schedules until there is one for each campaign with a future; idempotent.

    Does nothing where the settings name no group, role and function. Raises nothing: failures are in the result.
    """
    settings, done = services.settings, Aligned()
    if not (settings.schedule_group and settings.schedule_role_arn and settings.campaign_function_arn):
        return done
    from botocore.exceptions import BotoCoreError, ClientError

    client, now = services.scheduler, services.clock.now()
    wanted = {name_of(each): _request(each, following, settings) for each, following in _with_a_future(campaigns, now)}
    try:
        existing = set(_names(client, settings.schedule_group))
    except (BotoCoreError, ClientError) as error:
        return Aligned(failed=[_failure("its schedules could not be listed", error)])
    for name in sorted(wanted.keys() | existing):
        try:
            _align_one(client, name, wanted.get(name), settings.schedule_group, name in existing, done)
        except (BotoCoreError, ClientError) as error:
            done.failed.append(_failure(name, error))
    return done


def missing(campaigns: Iterable[Campaign], services: Services) -> list[str]:
    """Name the campaigns with a future that have no schedule. Raises what boto3 raises."""
    group, now = services.settings.schedule_group, services.clock.now()
    assert group is not None
    existing = set(_names(services.scheduler, group))
    return [each.name for each, _ in _with_a_future(campaigns, now) if name_of(each) not in existing]


def name_of(campaign: Campaign) -> str:
    """Return the name of a campaign's schedule; one that would be too long is cut and made unique by a hash."""
    name = PREFIX + campaign.name
    if len(name) <= MAX_NAME_CHARACTERS:
        return name
    return f"{name[: MAX_NAME_CHARACTERS - 9]}-{hashlib.sha256(campaign.name.encode()).hexdigest()[:8]}"


def _with_a_future(campaigns: Iterable[Campaign], now: datetime) -> Iterator[tuple[Campaign, Occurrence]]:
    """Yield the campaigns whose schedule names a time to come, each with the next."""
    for each in campaigns:
        calendar = calendar_of(each)
        if calendar is not None and (following := calendar.after(now)) is not None:
            yield each, following


def _align_one(
    client: "EventBridgeSchedulerClient",
    name: str,
    wanted: dict[str, Any] | None,
    group: str,
    exists: bool,
    done: Aligned,
) -> None:
    if wanted is None:
        client.delete_schedule(GroupName=group, Name=name)
        done.removed.append(name)
    elif not exists:
        client.create_schedule(GroupName=group, Name=name, **wanted)
        done.created.append(name)
    elif not _agrees(client.get_schedule(GroupName=group, Name=name), wanted):
        client.update_schedule(GroupName=group, Name=name, **wanted)
        done.changed.append(name)


def _names(client: "EventBridgeSchedulerClient", group: str) -> Iterator[str]:
    for page in client.get_paginator("list_schedules").paginate(GroupName=group, NamePrefix=PREFIX):
        yield from (each["Name"] for each in page["Schedules"])


def _request(campaign: Campaign, following: Occurrence, settings: Settings) -> dict[str, Any]:
    """Return what a campaign's schedule has to be. `following` is its next time."""
    assert campaign.schedule is not None
    target: dict[str, Any] = {
        "Arn": settings.campaign_function_arn,
        "RoleArn": settings.schedule_role_arn,
        "Input": json.dumps({"campaign": campaign.name, "scheduled": SCHEDULED_TIME}, ensure_ascii=False),
        "RetryPolicy": RETRIES,
    }
    if settings.schedule_dlq_arn:
        target["DeadLetterConfig"] = {"Arn": settings.schedule_dlq_arn}
    request: dict[str, Any] = {
        "ScheduleExpression": campaign.schedule,
        "ScheduleExpressionTimezone": campaign.firing_zone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": "ENABLED",
        "Description": "A campaign of Drumbeat; `drumbeat apply` writes over changes made here.",
        "Target": target,
    }
    if campaign.schedule.startswith("rate("):
        request["StartDate"] = following.at  # what a rate counts from
    return request


def _agrees(existing: Any, wanted: dict[str, Any]) -> bool:  # noqa: ANN401 - an answer of boto3
    """Return whether a schedule is as it has to be. A rate keeps the start that it was given first."""
    return all(
        _agrees(existing.get(key, {}), value) if isinstance(value, dict) else existing.get(key) == value
        for key, value in wanted.items()
        if key != "StartDate"
    )


def _failure(what: str, error: Exception) -> str:
    _LOG.warning("alarm_not_set", extra={"schedule": what, "reason": str(error)})
    return f"{what}: {error}"

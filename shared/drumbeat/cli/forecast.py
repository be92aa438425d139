"""What a configuration would make of an event, computed here by the planner itself: nothing is sent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from drumbeat.configuration.document import compile_document
from drumbeat.core import ids
from drumbeat.core.configuration import Config
from drumbeat.core.events import Event
from drumbeat.planning.plan import PlannedEffect, plan


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would follow from an event. `failed` maps flows that cannot be planned to the reason."""

    effects: tuple[PlannedEffect, ...]
    failed: Mapping[str, str]
    providers: Mapping[str, str]  # account -> provider


def forecast(stored: Mapping[str, Any], event: Mapping[str, Any]) -> Forecast:
    """Plan an event of the API (as it would be sent) by a configuration (as the API shows it).

    Raises:
        DrumbeatError: this version of Drumbeat does not read that configuration.
    """
    version = int(stored["version"])
    config = Config.load(version, compile_document(stored["document"], stored["templates"]))
    planned = plan(_recorded(event), config)
    return Forecast(planned.effects, planned.failed, {each.name: each.provider for each in config.accounts.values()})


def _recorded(event: Mapping[str, Any]) -> Event:
    return Event(
        id=ids.event_id(event["source"], event["idempotencyKey"]),
        source=event["source"],
        key=event["idempotencyKey"],
        type=event["type"],
        door="api",
        scheduled_at=None,
        received_at=datetime.now(UTC),
        body=json.dumps(event).encode(),
    )

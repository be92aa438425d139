"""From the event of a campaign to its run."""

import json
from collections.abc import Mapping

from drumbeat.core.campaigns import Campaign
from drumbeat.core.configuration import Config
from drumbeat.core.events import Event, EventType
from drumbeat.core.runs import RunReason
from drumbeat.planning.run_content import content_hash
from drumbeat.runs import sql
from drumbeat.services import Services


def run_of(event: Event, config: Config) -> Campaign | None:
    """Return the campaign whose run this event is, None: it is no run's.

    A campaign has its events by its schedule and by hand; what a caller named after it has another door or key.
    """
    campaign = config.campaigns.get(event.source)
    if event.type != EventType.CAMPAIGN_TRIGGER or campaign is None or campaign.audience is None:
        return None
    by_hand = event.door == "api" and event.key.startswith("run:")
    return campaign if by_hand or event.door == "schedule" else None


def begin(event: Event, config: Config, services: Services) -> bool:
    """Record the run of an event by a version of the configuration; False: it was recorded before."""
    campaign = config.campaigns[event.source]
    said = _said(event)
    scheduled = event.door == "schedule"
    approval = RunReason.CONFIGURED if campaign.approve else RunReason.PROPOSED if said.get("proposed") else None
    return sql.begin(
        services.db,
        sql.NewRun(
            id=event.id,
            campaign=campaign.name,
            version=config.version,
            semantics=config.semantics,
            steps=[step.id for step in campaign.steps],
            content=content_hash(config, campaign.name),
            starts=not said.get("plan"),
            needs_approval=approval,
            starts_at=event.scheduled_at if scheduled else None,
            created_by="schedule" if scheduled else str(said.get("triggeredBy", "person")),
        ),
    )


def _said(event: Event) -> Mapping[str, object]:
    body = json.loads(event.body or b"{}")
    payload = body.get("payload") if isinstance(body, dict) else None
    return payload if isinstance(payload, dict) else {}

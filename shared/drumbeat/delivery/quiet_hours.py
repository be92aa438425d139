"""Whether the person of a run's mail may be mailed at this hour: a mail may come later than it was planned."""

from drumbeat.calendar.open_hours import next_allowed
from drumbeat.calendar.run_times import UNKNOWN, zone_of
from drumbeat.core.campaigns import campaign_of
from drumbeat.core.status import Status
from drumbeat.delivery.effects import Claimed
from drumbeat.services import Services


def quiet_seconds(effect: Claimed, services: Services) -> float:
    """Return in how many seconds the person of a mail that is to be sent may be mailed; 0: now."""
    name = campaign_of(effect.flow)
    if effect.recipient is None or effect.status is not Status.CLAIMED or name is None:
        return 0.0
    campaign = services.configuration(effect.version).campaigns[name]
    if not (campaign.quiet_hours or campaign.business_days):
        return 0.0
    allowed = next_allowed(campaign, zone_of(campaign, effect.recipient.zone or UNKNOWN), effect.now)
    return (allowed - effect.now).total_seconds()

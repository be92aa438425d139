"""A campaign without an audience fired by hand, on top of its schedule."""

from drumbeat.campaigns import firing
from drumbeat.core.errors import Invalid, NotFound
from drumbeat.ingest import recording
from drumbeat.ingest.door import Door
from drumbeat.ingest.receipt import RECORDED, Receipt
from drumbeat.ledger import configs
from drumbeat.services import Services


def trigger(name: str, key: str, *, actor: str, services: Services) -> Receipt:
    """Record a CAMPAIGN_TRIGGER now. The same key again is the same event.

    Raises:
        NotFound: no such campaign is in force.
        Invalid: it has an audience, so it is run and not triggered.
        psycopg.OperationalError: the ledger is unreachable; whether it was recorded is then unknown, so repeat it.
    """
    config = configs.newest(services.db)
    if config is None or name not in config.campaigns:
        raise NotFound(f"no campaign is called {name[:64]}. Nothing was recorded; `drumbeat apply` configures one.")
    campaign = config.campaigns[name]
    if campaign.audience is not None:
        raise Invalid(
            f"campaign {name} is a mailing to the audience {campaign.audience}. Nothing was recorded; start it with"
            f" `drumbeat campaign run {name}`."
        )
    arrival = firing.by_hand(campaign, key, actor=actor, now=services.clock.now())
    recorded = recording.record(arrival, Door(services))
    return Receipt(arrival.id, RECORDED, replayed=not recorded.inserted)

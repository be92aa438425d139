"""All routes of the console function in one resolver."""

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from drumbeat.api import (
    accounts,
    audiences,
    campaigns,
    configuration,
    dead_letters,
    doctor,
    effects,
    erasure,
    events,
    health,
    journal,
    keys,
    lead_imports,
    leads,
    parked,
    rebuilding,
    receipts,
    reconciliation,
    runs,
    suppressions,
    verification,
)
from drumbeat.api.problems import Problems

NOUNS = (
    events,
    effects,
    journal,
    campaigns,
    runs,
    configuration,
    keys,
    lead_imports,
    parked,
    dead_letters,
    leads,
    audiences,
    receipts,
    erasure,
    suppressions,
    accounts,
    health,
    doctor,
    verification,
    rebuilding,
    reconciliation,
)


def resolver(logger: Logger) -> APIGatewayHttpResolver:
    """Build the resolver; it connects to nothing."""
    app = APIGatewayHttpResolver()
    for noun in NOUNS:
        app.include_router(noun.router)
    Problems(app, logger)
    return app

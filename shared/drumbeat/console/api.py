"""All routes of the console function in one resolver."""

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from drumbeat.console import (
    accounts,
    apikeys,
    campaigns,
    configuration,
    deadletters,
    effects,
    events,
    health,
    people,
    reconciliation,
    verification,
)
from drumbeat.console.problems import Problems

NOUNS = (
    events,
    effects,
    campaigns,
    configuration,
    apikeys,
    deadletters,
    people,
    accounts,
    health,
    verification,
    reconciliation,
)


def resolver(logger: Logger) -> APIGatewayHttpResolver:
    """Build the resolver; it connects to nothing."""
    app = APIGatewayHttpResolver()
    for noun in NOUNS:
        app.include_router(noun.router)
    Problems(app, logger)
    return app

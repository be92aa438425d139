"""All routes of the console function in one resolver."""

from collections.abc import Iterable
from types import ModuleType

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from drumbeat.api import (
    accounts,
    audiences,
    campaigns,
    configuration,
    console_links,
    counts,
    dead_letters,
    description,
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
from drumbeat.api.problems import AsPage, Problems

NOUNS = (
    events,
    effects,
    journal,
    campaigns,
    runs,
    configuration,
    keys,
    console_links,
    lead_imports,
    parked,
    dead_letters,
    leads,
    audiences,
    receipts,
    erasure,
    suppressions,
    accounts,
    counts,
    health,
    doctor,
    verification,
    rebuilding,
    reconciliation,
)


def resolver(logger: Logger, pages: Iterable[ModuleType] = (), as_page: AsPage | None = None) -> APIGatewayHttpResolver:
    """Build the resolver; it connects to nothing. `pages` are modules with routes for people."""
    app = APIGatewayHttpResolver()
    for noun in (*NOUNS, description, *pages):
        app.include_router(noun.router)
    Problems(app, logger, as_page)
    return app

"""`/v1/config`: the configuration in force, and how it is replaced. It holds no person, only its owner's words."""

from typing import Any
from uuid import UUID

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict

from drumbeat.api.access import needs
from drumbeat.api.query import body, query
from drumbeat.api.response import reply
from drumbeat.api.routing import Routes
from drumbeat.configuration.apply import apply
from drumbeat.core.errors import NotFound
from drumbeat.ledger import configs
from drumbeat.services import services

router = Routes()


class Document(BaseModel):
    """A configuration with its templates; `cursor` continues with the events that wait, as an earlier answer said."""

    model_config = ConfigDict(extra="forbid")
    document: str
    templates: dict[str, str] = {}
    cursor: UUID | None = None


@router.put("/v1/config", middlewares=needs("operate", shows=["warnings"]))
def put_config() -> Response[Any]:
    """Check a configuration and put it in force; 400 with every mistake, and then nothing was stored."""
    request = body(router, Document)
    applied = apply(request.document, request.templates, actor=router.actor, services=services(), after=request.cursor)
    return reply(
        {
            "version": applied.version,
            "changed": applied.changed,
            "accounts": applied.accounts,
            "lists": applied.lists,
            "audiences": applied.audiences,
            "sources": applied.sources,
            "flows": applied.flows,
            "campaigns": applied.campaigns,
            "templates": applied.templates,
            "warnings": applied.warnings,
            "alarms": applied.schedules,
            "rung": applied.notified,
            "next": applied.next,
        }
    )


@router.get("/v1/config", middlewares=needs("read", shows=["document", "templates"]))
def get_config() -> Response[Any]:
    """Show the configuration in force, as it was written."""
    query(router)
    stored = configs.newest_stored(services().db)
    if stored is None:
        raise NotFound("no configuration was applied yet; events are recorded and wait for `drumbeat apply`")
    return reply(
        {
            "version": stored.version,
            "hash": stored.hash,
            "document": stored.document,
            "templates": stored.templates,
            "appliedBy": stored.applied_by,
            "appliedAt": stored.applied_at,
        }
    )

"""`/v1/config`: the configuration in force, and how it is replaced. It holds no person, only its owner's words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from drumbeat.api.access import needs
from drumbeat.api.problems import Refused
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes, refuses
from drumbeat.campaigns.schedules import Aligned
from drumbeat.configuration.apply import apply
from drumbeat.core.errors import Mistake, NotFound, Stale
from drumbeat.ledger import configs
from drumbeat.services import services

router = ApiRoutes()


class Document(BaseModel):
    """A configuration with its templates; `cursor` continues with the events that wait, as an earlier answer said."""

    model_config = ConfigDict(extra="forbid")
    document: str
    templates: dict[str, str] = {}
    cursor: UUID | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What was made of a document: the names that it has of each kind."""

    version: int
    changed: bool
    accounts: list[str]
    lists: list[str]
    audiences: list[str]
    sources: list[str]
    flows: list[str]
    campaigns: list[str]
    templates: list[str]
    warnings: list[Mistake]  # what was taken, and should be written otherwise
    alarms: Aligned  # what was done to the schedules that wake the campaigns
    rung: int  # events that are planned again now
    next: UUID | None  # the `cursor` to go on with


@dataclass(frozen=True, slots=True)
class InForce:
    """A configuration, as it was written."""

    version: int
    hash: bytes
    document: str
    templates: Mapping[str, str]
    applied_by: str
    applied_at: datetime


@router.put("/v1/config", middlewares=needs("operate", shows=["warnings"]))
@refuses(Refused, Stale)
def put_config(request: Document) -> Answer[Taken]:
    """Check a configuration and put it in force; 400 with every mistake, and then nothing was stored."""
    applied = apply(request.document, request.templates, actor=router.actor, services=services(), after=request.cursor)
    return reply(
        Taken(
            applied.version,
            applied.changed,
            applied.accounts,
            applied.lists,
            applied.audiences,
            applied.sources,
            applied.flows,
            applied.campaigns,
            applied.templates,
            applied.warnings,
            applied.schedules,
            applied.notified,
            applied.next,
        )
    )


@router.get("/v1/config", middlewares=needs("read", shows=["document", "templates"]))
@refuses(NotFound)
def get_config() -> Answer[InForce]:
    """Show the configuration in force, as it was written."""
    stored = configs.newest_stored(services().db)
    if stored is None:
        raise NotFound("no configuration was applied yet; events are recorded and wait for `drumbeat apply`")
    return reply(
        InForce(stored.version, stored.hash, stored.document, stored.templates, stored.applied_by, stored.applied_at)
    )

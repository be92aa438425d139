"""`/v1/reconcile`: after a restore, what may have been sent already, and what the providers' logs show."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from drumbeat.api.access import OPERATE, READ
from drumbeat.api.body import Reason
from drumbeat.api.query import PagedById
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes
from drumbeat.operations import reconcile_sql
from drumbeat.operations.reconcile import KEYS_PER_REQUEST, reconcile
from drumbeat.operations.reconcile_sql import AtRisk
from drumbeat.services import services
from drumbeat.views import Page

router = ApiRoutes()


class Reconciliation(BaseModel):
    """What a provider accepted, by provider key, with the provider's id."""

    model_config = ConfigDict(extra="forbid")
    account: str
    reason: Reason
    accepted: Annotated[dict[str, str | None], Field(min_length=1, max_length=KEYS_PER_REQUEST)]


class RiskQuery(PagedById):
    """Which effects are listed."""

    account: Annotated[str, Field(description="effects of this account")] | None = None


@router.get("/v1/reconcile", middlewares=READ)
def list_at_risk(query: RiskQuery) -> Answer[Page[AtRisk]]:
    """List open effects whose time has come, in id order."""
    most = query.limit
    items = reconcile_sql.at_risk(services().db, account=query.account, after=query.cursor, limit=most + 1)
    return reply(Page(items[:most], items[most - 1].effect_id.hex if len(items) > most else None))


@router.post("/v1/reconcile", middlewares=OPERATE)
def record_accepted(request: Reconciliation) -> Answer[Mapping[str, list[str]]]:
    """Record what a provider accepted."""
    return reply(
        reconcile(
            request.accepted, account=request.account, reason=request.reason, actor=router.actor, services=services()
        )
    )

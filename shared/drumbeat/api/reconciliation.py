"""`/v1/reconcile`: after a restore, what may have been sent already, and what providers say was."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from drumbeat.api.access import OPERATE, READ
from drumbeat.api.query import body, identifier, limit, query
from drumbeat.api.response import page, reply
from drumbeat.api.routing import Routes
from drumbeat.operations import reconcile_sql
from drumbeat.operations.reconcile import CHUNK, reconcile
from drumbeat.services import services
from drumbeat.views import Page
from drumbeat.views.pages import PAGE

router = Routes()


class Reconciliation(BaseModel):
    """What a provider took, by provider key, with its own id."""

    model_config = ConfigDict(extra="forbid")
    account: str
    reason: str = Field(min_length=1, max_length=500)
    accepted: Annotated[dict[str, str | None], Field(min_length=1, max_length=CHUNK)]


@router.get("/v1/reconcile", middlewares=READ)
def list_at_risk() -> Response[Any]:
    """List open effects whose time has come, in id order."""
    asked = query(router, "account", "cursor", "limit")
    most, after = limit(asked, PAGE), identifier(asked["cursor"]) if "cursor" in asked else None
    items = reconcile_sql.at_risk(services().db, account=asked.get("account"), after=after, limit=most + 1)
    return page(Page(items[:most], items[most - 1].effect_id.hex if len(items) > most else None))


@router.post("/v1/reconcile", middlewares=OPERATE)
def write_down() -> Response[Any]:
    """Write down what a provider took."""
    asked = body(router, Reconciliation)
    return reply(
        reconcile(asked.accepted, account=asked.account, reason=asked.reason, actor=router.actor, services=services())
    )

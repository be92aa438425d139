"""`/v1/reconcile`: after a restore, what may have been sent already, and what the providers' logs show."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from drumbeat.api.access import OPERATE, READ
from drumbeat.api.query import Reason, body, identifier, limit, listing
from drumbeat.api.response import page, reply
from drumbeat.api.routing import Routes
from drumbeat.operations import reconcile_sql
from drumbeat.operations.reconcile import KEYS_PER_REQUEST, reconcile
from drumbeat.services import services
from drumbeat.views import Page
from drumbeat.views.pages import PAGE_SIZE

router = Routes()


class Reconciliation(BaseModel):
    """What a provider accepted, by provider key, with the provider's id."""

    model_config = ConfigDict(extra="forbid")
    account: str
    reason: Reason
    accepted: Annotated[dict[str, str | None], Field(min_length=1, max_length=KEYS_PER_REQUEST)]


@router.get("/v1/reconcile", middlewares=READ)
def list_at_risk() -> Response[Any]:
    """List open effects whose time has come, in id order."""
    parameters = listing(router, "account", "cursor", "limit")
    most, after = limit(parameters, PAGE_SIZE), identifier(parameters["cursor"]) if "cursor" in parameters else None
    items = reconcile_sql.at_risk(services().db, account=parameters.get("account"), after=after, limit=most + 1)
    return page(Page(items[:most], items[most - 1].effect_id.hex if len(items) > most else None))


@router.post("/v1/reconcile", middlewares=OPERATE)
def record_accepted() -> Response[Any]:
    """Record what a provider accepted."""
    request = body(router, Reconciliation)
    return reply(
        reconcile(
            request.accepted, account=request.account, reason=request.reason, actor=router.actor, services=services()
        )
    )

"""`/v1/accounts`: which logins are running, which are paused and why."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat import views
from drumbeat.api.access import OPERATE, READ
from drumbeat.api.query import listing
from drumbeat.api.response import reply
from drumbeat.api.routing import Routes
from drumbeat.core.errors import NotFound
from drumbeat.ledger import account_states, configs
from drumbeat.operations.resume import resume
from drumbeat.services import services

router = Routes()


@router.get("/v1/accounts", middlewares=READ)
def list_accounts() -> Response[Any]:
    """List all accounts with their state and what waits for them."""
    listing(router)
    return reply({"items": all_accounts(), "next": None})


@router.post("/v1/accounts/<name>/resume", middlewares=OPERATE)
def resume_account(name: str) -> Response[Any]:
    """End an account's pause; call again while `left` is true."""
    if name not in {account.account for account in all_accounts()}:
        raise NotFound(f"no account is called {name}; nothing was changed")
    return reply(resume(name, services()))


def all_accounts() -> list[views.AccountItem]:
    """Join configuration, ledger and throttle."""
    db = services().db
    return views.accounts(
        configs.newest(db),
        views.by_account(db),
        account_states.states(db),
        views.recent_reports(db),
        services().throttle,
    )

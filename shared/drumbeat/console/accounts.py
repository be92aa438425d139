"""Accounts: which are running, what holds the others back; pause and resume, and the switch that stops everything."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat import views
from drumbeat.api.accounts import all_accounts
from drumbeat.api.query import instant
from drumbeat.api.routing import Routes
from drumbeat.console.access import Page, changes, reads, see
from drumbeat.console.texts import path
from drumbeat.core.invariants import Invariant
from drumbeat.core.status import Status
from drumbeat.ledger import configs, stops
from drumbeat.operations.stops import Resumed, resume, resume_everything, retry, stop
from drumbeat.services import services

router = Routes()

MOST_CHUNKS = 20


def page() -> Page:
    """Return the page that was asked for."""
    asked: Page = router.context["page"]
    return asked


@router.get("/accounts", middlewares=reads("read"))
def show() -> Response[Any]:
    """Show all accounts."""
    db = services().db
    config = configs.newest(db)
    return page().show(
        "accounts.html",
        "Accounts",
        accounts=all_accounts(),
        stops=stops.in_force(db),
        limits={name: account.limits for name, account in config.accounts.items()} if config else {},
        refused=views.groups(db, Status.REFUSED).groups[:50],
        did=page().query.get("did", ""),
        about=page().query.get("account", ""),
    )


@router.post("/accounts/<name>/pause", middlewares=changes("operate"))
def pause_account(name: str) -> Response[Any]:
    """Stop one account."""
    stop(name, reason=page().reason, actor=page().actor, services=services())
    return see(f"/accounts?did=paused&account={path(name)}#{path(name)}")


@router.post("/accounts/<name>/resume", middlewares=changes("operate"))
def resume_account(name: str) -> Response[Any]:
    """Let one account go on."""
    seen = _seen()
    _all(lambda: resume(name, reason=page().reason, actor=page().actor, services=services(), seen=seen))
    return see(f"/accounts?did=resumed&account={path(name)}#{path(name)}")


@router.post("/accounts/<name>/retry", middlewares=changes("operate"))
def retry_account(name: str) -> Response[Any]:
    """End the pause of an account that did not answer; what a person has stopped stays so."""
    retry(name, reason=page().reason, actor=page().actor, services=services())
    return see(f"/accounts?did=resumed&account={path(name)}#{path(name)}")


@router.post("/stop", middlewares=changes("operate"))
def stop_everything() -> Response[Any]:
    """Stop everything."""
    stop(None, reason=page().reason, actor=page().actor, services=services())
    return see("/?did=stopped")


@router.post("/go-on", middlewares=changes("operate"))
def go_on() -> Response[Any]:
    """Let everything go on, or what an invariant has stopped."""
    named = page().form.get("invariant", "")
    invariant = Invariant(named) if named in list(Invariant) else None
    seen = _seen()
    _all(
        lambda: resume_everything(
            reason=page().reason, actor=page().actor, services=services(), invariant=invariant, seen=seen
        )
    )
    return see("/?did=resumed")


def _seen() -> datetime | None:
    """Return of when the stop is that the person saw: one that came since stays."""
    text = page().form.get("seen", "")
    return instant(text) if text else None


def _all(once: Callable[[], Resumed]) -> None:
    """Free all that waits, as far as this request lasts; the relay frees the rest."""
    for _ in range(MOST_CHUNKS):
        if not once().left:
            return

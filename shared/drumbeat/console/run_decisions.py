"""What a person decides about a run: approve or start its plan, pause, resume, cancel, send to who did not get it."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat.api import named
from drumbeat.api.query import Whole
from drumbeat.api.routing import Routes
from drumbeat.api.runs import span_of
from drumbeat.campaigns import asking, run_story
from drumbeat.console.access import Page, changes, reads, see
from drumbeat.console.campaigns import OPERATE, need_to_ask
from drumbeat.console.run_bars import words
from drumbeat.console.runs import path_of
from drumbeat.core.errors import Invalid
from drumbeat.runs import control, missing
from drumbeat.services import services

router = Routes()

MOST = 2**31 - 1


def page() -> Page:
    """Return the page that was asked for."""
    asked: Page = router.context["page"]
    return asked


@router.post("/runs/<run>/approve", middlewares=changes("operate"))
def approve(run: str) -> Response[Any]:
    """Approve the plan that was looked at: its hash came with it."""
    id = named.run_id(run)
    try:
        hash = bytes.fromhex(page().form.get("hash", ""))
    except ValueError:
        raise Invalid("The form names no plan. Nothing was changed; open the run again and read its plan.") from None
    control.approve(id, hash, actor=page().actor, services=services(), reason=page().reason_given)
    return see(f"{path_of(id)}?did=approved")


@router.post("/runs/<run>/start", middlewares=changes())
def start(run: str) -> Response[Any]:
    """Start what was only planned; by a key that may only propose it waits for a person's approval."""
    need_to_ask(page())
    id = named.run_id(run)
    campaign = control.find(id, services()).campaign
    asking.start(campaign, id, actor=page().actor, approves=page().may(OPERATE), services=services())
    return see(f"{path_of(id)}?did=started")


@router.post("/runs/<run>/pause", middlewares=changes("operate"))
def pause(run: str) -> Response[Any]:
    """Pause a run, perhaps for a while only."""
    id, lasts = named.run_id(run), page().form.get("for", "").strip()
    until = services().clock.now() + span_of(lasts) if lasts else None
    control.pause(id, actor=page().actor, reason=page().reason, services=services(), until=until, seq=_version())
    return see(f"{path_of(id)}?did=paused")


@router.post("/runs/<run>/resume", middlewares=changes("operate"))
def resume(run: str) -> Response[Any]:
    """Let a paused run go on."""
    id = named.run_id(run)
    control.resume(id, actor=page().actor, reason=page().reason, services=services(), seq=_version())
    return see(f"{path_of(id)}?did=resumed")


@router.post("/runs/<run>/cancel", middlewares=changes("operate"))
def cancel(run: str) -> Response[Any]:
    """End a run."""
    id = named.run_id(run)
    control.cancel(id, actor=page().actor, reason=page().reason, services=services(), seq=_version())
    return see(f"{path_of(id)}?did=cancelled")


@router.get("/runs/<run>/missing", middlewares=reads("read", "operate"))
def count_missing(run: str) -> Response[Any]:
    """Say how many did not get it and why, and ask."""
    id = named.run_id(run)
    found = missing.missing(id, services())
    return page().show(
        "run_missing.html",
        "Who did not get it",
        here="campaigns",
        run=run_story.brief(id, services()),
        found=found,
        why={each.reason: words(each.reason) for each in found.counts},
    )


@router.post("/runs/<run>/missing", middlewares=changes("operate"))
def send_missing(run: str) -> Response[Any]:
    """Send to them, if they are as many as the page said."""
    id = named.run_id(run)
    expected = Whole("expect", 0, MOST).read(page().form.get("expect", ""))
    missing.send(id, expected=expected, reason=page().reason, actor=page().actor, services=services())
    return see(f"{path_of(id)}?did=sent")


def _version() -> int | None:
    """Return the version of the run that the person has looked at."""
    given = page().form.get("version", "")
    return Whole("version", 0, MOST).read(given) if given else None

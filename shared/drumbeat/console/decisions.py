"""What a person decides about effects, one or many: shown first with how many of what it takes, then carried out."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from aws_lambda_powertools.event_handler import Response

from drumbeat.api.named import effect_id, event_id
from drumbeat.api.query import Whole, instant
from drumbeat.api.routing import Routes
from drumbeat.console.access import Page, changes, reads, see
from drumbeat.console.effects import about
from drumbeat.console.lists import filters
from drumbeat.core.errors import Invalid
from drumbeat.core.status import Status
from drumbeat.ledger import legacy
from drumbeat.operations.decisions import Decision, decide, decide_all
from drumbeat.operations.decisions_sql import Selection
from drumbeat.services import services
from drumbeat.views.effect_pages import NEWEST_ORDER, EffectFilter
from drumbeat.views.effects_newest import newest_effects
from drumbeat.views.selections import selected

router = Routes()

NAMED = 10  # effects that a page lists with whom they are for, before a decision about all
MOST_CHUNKS = 20  # of one press: two thousand effects
RESOLUTIONS = (Decision.RESEND, Decision.ACCEPTED, Decision.DROP)
# What a page offers about many of a status; one by one a held effect may be cancelled as well, which is to drop it.
OFFERED = {
    Status.HELD: RESOLUTIONS,
    Status.REFUSED: (Decision.REDRIVE,),
    Status.CANCELLED: (Decision.REDRIVE,),
    Status.WAITING: (Decision.CANCEL,),
}
_SELECTS = ("status", "account", "event", "cause", "since")
_HIGHEST_VERSION = 2**31 - 1


def page() -> Page:
    """Return the page that was asked for."""
    asked: Page = router.context["page"]
    return asked


@router.post("/effects/<effect>/resolve", middlewares=changes("operate"))
def resolve_one(effect: str) -> Response[Any]:
    """Decide about a held effect."""
    return _decide(effect, _chosen(RESOLUTIONS))


@router.post("/effects/<effect>/redrive", middlewares=changes("operate"))
def redrive_one(effect: str) -> Response[Any]:
    """Send an ended effect again."""
    return _decide(effect, Decision.REDRIVE)


@router.post("/effects/<effect>/cancel", middlewares=changes("operate"))
def cancel_one(effect: str) -> Response[Any]:
    """Cancel an effect that waits."""
    return _decide(effect, Decision.CANCEL)


@router.get("/effects/decide", middlewares=reads("read"))
def show_many() -> Response[Any]:
    """Show what a decision about many would take."""
    asked = page()
    given = filters(asked, *_SELECTS)
    status = _status(given["status"])
    event = event_id(given["event"]) if given["event"] else None
    cause = legacy.cause(given["cause"]) if given["cause"] else None
    since = instant(given["since"]) if given["since"] else None
    wanted = EffectFilter(
        status=status.value,
        account=given["account"] or None,
        event=event,
        cause=given["cause"] or None,
        since=since,
        order=NEWEST_ORDER,
    )
    some = newest_effects(services().db, wanted, limit=NAMED).items
    return asked.show(
        "decide.html",
        "Decide about many",
        here="effects",
        given=given,
        selected=selected(
            services().db,
            status,
            account=given["account"] or None,
            event=event,
            cause=cause,
            since=since,
        ),
        some=some,
        about=about(some),
        decisions=OFFERED[status],
        chosen=asked.query.get("decision", ""),
        did=asked.query.get("did", ""),
        left=asked.query.get("left", ""),
    )


@router.post("/effects/decide", middlewares=changes("operate"))
def decide_many() -> Response[Any]:
    """Decide about what was shown, as far as one request lasts, and show what is left."""
    form = page().form
    given = {name: form[name] for name in _SELECTS if form.get(name)}
    status = _status(given.get("status", ""))
    decision = _chosen(OFFERED[status])
    selection = Selection(
        (status,),
        _seen(form.get("seenAt", "")),
        given.get("account"),
        event_id(given["event"]) if "event" in given else None,
        legacy.cause(given["cause"]) if "cause" in given else None,
        instant(given["since"]) if "since" in given else None,
    )
    decided, left = _all_of(decision, selection)
    after = {"did": str(decided), "decision": decision.value} | ({"left": "1"} if left else {})
    return see(f"/effects/decide?{urlencode(given | after)}")


def _all_of(decision: Decision, selection: Selection) -> tuple[int, bool]:
    """Decide chunk by chunk; return about how many, and whether some of the selection are left."""
    decided, asked = 0, page()
    for _ in range(MOST_CHUNKS):
        progress = decide_all(
            decision,
            selection,
            reason=asked.reason,
            actor=asked.actor,
            services=services(),
            even_if_sent="evenIfSent" in asked.form,
        )
        decided += len(progress.effects)
        if not progress.left:
            return decided, False
    return decided, True


def _decide(effect: str, decision: Decision) -> Response[Any]:
    asked, id = page(), effect_id(effect)
    decided = decide(
        id,
        decision,
        reason=asked.reason,
        version=Whole("version", 0, _HIGHEST_VERSION).read(asked.form.get("version", "")),
        actor=asked.actor,
        services=services(),
        even_if_sent="evenIfSent" in asked.form,
    )
    also = _also(decided.suppressed, decided.cancelled_dependents)
    return see(f"/effects/{id}?{urlencode({'did': decision.value} | also)}")


def _also(suppressed: str | None, dependents: tuple[UUID, ...]) -> dict[str, str]:
    """Say what else a person should know of what was sent again; the page names the steps."""
    said = {"suppressed": "1"} if suppressed else {}
    return said | ({"dependents": str(len(dependents))} if dependents else {})


def _chosen(offered: tuple[Decision, ...]) -> Decision:
    given = page().form.get("decision", "")
    for each in offered:
        if each.value == given:
            return each
    raise Invalid(f"Choose what to do: one of {', '.join(offered)}. Nothing was changed.")


def _status(given: str) -> Status:
    for each in OFFERED:
        if each.value == given:
            return each
    raise Invalid(f"A decision is about effects of one status: {', '.join(OFFERED)}. Nothing was changed.")


def _seen(text: str) -> datetime:
    if (seen := instant(text) if text else None) is None:
        raise Invalid("The form does not say when its effects were seen. Open the page again; nothing was changed.")
    return seen

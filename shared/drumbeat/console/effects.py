"""Effects: what was intended and how far it came; of one why it waits, what was sent, and what a person decides."""

from collections.abc import Sequence
from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat import views
from drumbeat.api.named import effect_id, event_id
from drumbeat.api.routing import Routes
from drumbeat.console.access import Page, reads
from drumbeat.console.lists import address, filters, table
from drumbeat.console.requests import rendered, request_of, sandbox_of
from drumbeat.console.stories import happened
from drumbeat.core.errors import NotFound
from drumbeat.core.reasons import ReasonCode
from drumbeat.core.status import Status
from drumbeat.ledger import configs
from drumbeat.operations.decisions import offered
from drumbeat.services import services
from drumbeat.views import effect_stories, event_pages
from drumbeat.views.effect_chain import chain
from drumbeat.views.effect_pages import NEWEST_ORDER, EffectItem, these
from drumbeat.views.effect_waits import waits
from drumbeat.views.totals import AccountTotals

router = Routes()

GROUPED = (Status.HELD, Status.REFUSED)


def page() -> Page:
    """Return the page that was asked for."""
    asked: Page = router.context["page"]
    return asked


@router.get("/effects", middlewares=reads("read"))
def show_all() -> Response[Any]:
    """List effects, those first that changed their status last."""
    asked, db = page(), services().db
    given = filters(asked, "status", "account", "event", "cause")
    event = event_id(given["event"]) if given["event"] else None
    status, account, cause = given["status"] or None, given["account"] or None, given["cause"] or None
    wanted = views.EffectFilter(status=status, account=account, event=event, cause=cause, order=NEWEST_ORDER)
    found = views.newest_effects(db, wanted, cursor=asked.query.get("cursor"))
    if asked.query.get("format") == "csv":
        return table(asked, found)
    counted = views.by_account(db)
    config, now = configs.newest(db), services().clock.now()
    grouped = Status(status) if status in GROUPED and "cursor" not in asked.query else None
    return asked.show(
        "effects.html",
        "Effects",
        effects=found.items,
        about=about(found.items),
        next=found.next,
        ages={str(each.effect_id): (now - each.changed_at).total_seconds() for each in found.items},
        given=given,
        filtered=any(given.values()),
        address=address("/effects", given),
        decide=address("/effects/decide", given),
        counts=_counts(counted, account) if event is None else {},
        groups=views.groups(db, grouped, account=account, event=event) if grouped else None,
        statuses=list(Status),
        accounts=sorted({each.account for each in counted} | set(config.accounts if config else ())),
        causes=list(ReasonCode),
    )


@router.get("/effects/<effect>", middlewares=reads("read"))
def show_one(effect: str) -> Response[Any]:
    """Show one effect."""
    asked, db, id = page(), services().db, effect_id(effect)
    items = these(db, [id]) if views.event_of_effect(db, id) is not None else []
    story = effect_stories.effect(db, id)
    offer = offered(id, services())
    if not items or story is None or offer is None:
        raise NotFound(f"there is no effect {effect}. What there is: the list of effects")
    return asked.show(
        "effect.html",
        f"{story.flow} · {story.step}",
        here="effects",
        item=items[0],
        event=event_pages.these(db, [items[0].event_id]).get(items[0].event_id),
        effect=story,
        waits=waits(db, id),
        offer=offer,
        near=chain(db, id),
        happened=happened(story),
        request=request_of(db, id) if asked.sees_people else None,
        sandbox=sandbox_of(story),
        did=asked.query.get("did", ""),
    )


@router.get("/effects/<effect>/mail", middlewares=reads("read", "people"))
def show_mail(effect: str) -> Response[Any]:
    """Show the mail of an effect, to be framed by its page: nothing of it can act, or load anything."""
    return rendered(services().db, effect_id(effect))


def about(effects: Sequence[EffectItem]) -> dict[str, dict[str, str | None]]:
    """Return the `recipient` of each effect, by its id: whom it names, or else whom its event is about."""
    nameless = {each.event_id for each in effects if not each.recipient}
    events = event_pages.these(services().db, list(nameless)) if nameless else {}
    of_events = {id: event.recipient for id, event in events.items()}
    return {str(each.effect_id): {"recipient": each.recipient or of_events.get(each.event_id)} for each in effects}


def _counts(counted: list[AccountTotals], account: str | None) -> dict[str, int]:
    """Add up effects by status, of all accounts or of one."""
    found = [each.effects for each in counted if account in (None, each.account)]
    added = {status.value: sum(each.get(status, 0) for each in found) for status in Status}
    return {status: effects for status, effects in added.items() if effects}

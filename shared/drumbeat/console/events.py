"""Events: what arrived; of one its plan as a tree, with what became of each step."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from aws_lambda_powertools.event_handler import Response

from drumbeat import views
from drumbeat.api.events import filter_of, not_recorded
from drumbeat.api.named import event_id, only
from drumbeat.api.response import Room
from drumbeat.api.routing import Routes
from drumbeat.console.access import Page, changes, reads, see
from drumbeat.console.lists import SPANS, address, filters, since, table
from drumbeat.core.errors import NotFound
from drumbeat.core.events import EventType
from drumbeat.ledger import configs
from drumbeat.operations.dismissals import dismiss
from drumbeat.services import services
from drumbeat.views.derived import EVENT_STATUSES
from drumbeat.views.effect_stories import EffectStory
from drumbeat.views.timeline import EventStory

router = Routes()


def page() -> Page:
    """Return the page that was asked for."""
    asked: Page = router.context["page"]
    return asked


@router.get("/events", middlewares=reads("read"))
def show_all() -> Response[Any]:
    """List events, newest first."""
    asked, db = page(), services().db
    given = filters(asked, "status", "type", "source", "since", "q")
    wanted = filter_of(
        asked.caller,
        type=given["type"] or None,
        source=given["source"] or None,
        status=given["status"] or None,
        since=since(given["since"], services().clock.now()),
        q=given["q"] or None,
    )
    found = views.events(db, wanted, cursor=asked.query.get("cursor"))
    if asked.query.get("format") == "csv":
        return table(asked, found)
    config = configs.newest(db)
    return asked.show(
        "events.html",
        "Events",
        events=found.items,
        next=found.next,
        here="events",
        given=given,
        filtered=any(given.values()),
        address=address("/events", given),
        statuses=EVENT_STATUSES,
        types=list(EventType),
        sources=sorted(config.sources) if config else [],
        spans=SPANS,
    )


@router.get("/events/<event>", middlewares=reads("read"))
def show_one(event: str) -> Response[Any]:
    """Show one event and what followed from it."""
    db, id = services().db, only("event", event)
    story = views.event(db, id, fits=Room()) if id is not None else None
    if story is None:
        if (effect := only("effect", event)) is not None and views.event_of_effect(db, effect) is not None:
            return see(f"/effects/{effect}")
        raise NotFound(not_recorded(event, id))
    return page().show(
        "event.html",
        f"{story.type} from {story.source}",
        here="events",
        event=story,
        flows=_flows(story),
        did=page().query.get("did", ""),
    )


@router.post("/events/<event>/dismiss", middlewares=changes("operate"))
def dismiss_one(event: str) -> Response[Any]:
    """Leave what needs attention as it is."""
    id = event_id(event)
    dismiss(id, reason=page().reason, actor=page().actor, services=services())
    return see(f"/events/{id}?did=dismissed")


def _flows(story: EventStory) -> list[dict[str, object]]:
    """Return the plan as trees: of each flow the steps that come first, and under each those that come after it."""
    by_flow: dict[str, list[EffectStory]] = {}
    for effect in story.effects:
        by_flow.setdefault(effect.flow, []).append(effect)
    return [{"flow": flow, "steps": _steps(effects)} for flow, effects in by_flow.items()]


def _steps(effects: Iterable[EffectStory]) -> list[dict[str, object]]:
    known = {each.effect_id for each in effects}
    after: dict[UUID | None, list[EffectStory]] = {}
    for each in effects:
        after.setdefault(each.after if each.after in known else None, []).append(each)

    def under(id: UUID | None) -> list[dict[str, object]]:
        return [_step(each) | {"then": under(each.effect_id)} for each in after.get(id, ())]

    return under(None)


def _step(effect: EffectStory) -> dict[str, object]:
    names = ("step", "account", "action", "status", "reason", "planned_for")
    return {"effectId": effect.effect_id, "attempts": len(effect.attempts)} | {
        name: getattr(effect, name) for name in names
    }

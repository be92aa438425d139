"""Sources: each way in, the address to give its sender, whether its secret is there, and what arrived last."""

from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler import Response
from redis.exceptions import RedisError

from drumbeat.api.routing import Routes
from drumbeat.console.access import Page, reads
from drumbeat.console.lists import older, table
from drumbeat.core.configuration import Config, Source
from drumbeat.ingest import refusals
from drumbeat.ingest.refusals import Refused
from drumbeat.ledger import configs
from drumbeat.operations.checks import Check
from drumbeat.people.links import public_url
from drumbeat.services import services
from drumbeat.sources import registry
from drumbeat.views import Page as Items
from drumbeat.views.last_events import LastEvent, last_events

router = Routes()


@dataclass(frozen=True, slots=True)
class SourceItem:
    """One configured way in. `refused` is None where none is known of the last 30 days."""

    name: str
    door: str
    scheme: str
    type: str
    url: str
    list: str | None
    speaks_for: str | None
    max_bytes: int | None
    needs_secret: bool
    secrets: tuple[Check, ...]
    last: LastEvent | None
    refused: Refused | None
    why: str | None  # it was refused


@router.get("/sources", middlewares=reads("read"))
def show() -> Response[Any]:
    """Show all sources of the configuration in force."""
    page: Page = router.context["page"]
    config = configs.newest(services().db)
    base = _base(page, config)
    known = sorted(config.sources) if config else []
    last, refused = last_events(services().db, known), _refused(known)
    items = [_item(config.sources[name], base, last.get(name), (refused or {}).get(name)) for name in known if config]
    if page.query.get("format") == "csv":
        return table(page, Items(items, None))
    return page.show(
        "sources.html",
        "Sources",
        sources=items,
        api=f"{base}/v1/events",
        knows_refusals=refused is not None,
        version=config.version if config else None,
        csv=older(page, None, format="csv"),
    )


def _item(source: Source, base: str, last: LastEvent | None, refused: Refused | None) -> SourceItem:
    scheme = registry.get(source.scheme) if source.scheme in registry.names() else None
    return SourceItem(
        name=source.name,
        door=source.door,
        scheme=source.scheme,
        type=source.type,
        url=_url(source, base),
        list=source.list,
        speaks_for=source.speaks_for,
        max_bytes=source.max_bytes or (scheme.max_bytes if scheme else None),
        needs_secret=scheme.has_secrets if scheme else False,
        secrets=tuple(_secrets(source)),
        last=last,
        refused=refused,
        why=refused.sentence if refused else None,
    )


def _url(source: Source, base: str) -> str:
    """Return where its sender or its people go; a sender behind a proxy calls what the source says."""
    if source.form is not None:
        return f"{base}/f/{source.name}"
    known = source.options.get("public_url")
    return known if isinstance(known, str) else f"{base}/v1/webhooks/{source.name}"


def _secrets(source: Source) -> list[Check]:
    from drumbeat.operations.doctor import source_secrets  # imports the providers, which only this page needs

    return list(source_secrets(services(), source))


def _refused(names: list[str]) -> dict[str, Refused] | None:
    """Return the last refusals by source; None: Redis is away, and they are not known."""
    try:
        return refusals.last(names, services())
    except RedisError:
        return None


def _base(page: Page, config: Config | None) -> str:
    """Return where this deployment is reached: as it is configured, or as this page was."""
    known = public_url(config.public_url if config else None, services())
    return known.rstrip("/") or f"https://{page.event.headers.get('host', '')}"

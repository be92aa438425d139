"""Versions: what is in force, what each changed, who applied it, and what it says."""

import re
from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat.api.query import Whole
from drumbeat.api.routing import Routes
from drumbeat.configuration.differences import Written, differences
from drumbeat.console.access import Page, reads
from drumbeat.console.lists import older, table
from drumbeat.core.campaigns import campaign_flow, campaign_of
from drumbeat.core.configuration import Config
from drumbeat.core.errors import Invalid, NotFound, NotUnderstood
from drumbeat.ledger import configs
from drumbeat.ledger.configs import StoredConfig, VersionItem
from drumbeat.services import services
from drumbeat.views import Page as Items
from drumbeat.views.pages import INVALID_CURSOR

router = Routes()

SHOWN = 50
DIFFERENCES_SHOWN = 300
SHOWN_CHARACTERS = 60_000  # of each text
MOST = 2**31 - 1
_CURSOR = re.compile("[0-9]{1,9}", re.ASCII)


@router.get("/versions", middlewares=reads("read"))
def show_all() -> Response[Any]:
    """List the versions, newest first."""
    page = _page()
    found = _listed(page.query.get("cursor"))
    if page.query.get("format") == "csv":
        return table(page, found)
    return page.show(
        "versions.html",
        "Versions",
        versions=found.items,
        newest=configs.newest_version(services().db),
        older=older(page, found.next),
        csv=older(page, page.query.get("cursor"), format="csv"),
    )


@router.get("/versions/<version>", middlewares=reads("read"))
def show(version: str) -> Response[Any]:
    """Show one version as it was written, and what it changed."""
    number_of = version_number(version)
    stored = stored_version(number_of)
    before = configs.stored(services().db, number_of - 1) if number_of > 1 else None
    changed = differences(_written(before), _written(stored) or Written("", {}))
    return _page().show(
        "version.html",
        f"Version {number_of}",
        here="versions",
        version=number_of,
        hash=stored.hash,
        applied_by=stored.applied_by,
        applied_at=stored.applied_at,
        newest=configs.newest_version(services().db),
        changes=[each.facts() for each in changed[:DIFFERENCES_SHOWN]],
        more=max(0, len(changed) - DIFFERENCES_SHOWN),
        same=before is not None and not changed,
        document=stored.document[:SHOWN_CHARACTERS],
        cut=len(stored.document) > SHOWN_CHARACTERS,
        templates=[{"file": name, "characters": len(text)} for name, text in sorted(stored.templates.items())],
        mails=_mails(stored),
    )


def version_number(text: str) -> int:
    """Read the number of a version. Raises Invalid."""
    return Whole("a version", 1, MOST).read(text)


def stored_version(version: int) -> StoredConfig:
    """Return a version with its text. Raises NotFound."""
    stored = configs.stored(services().db, version)
    if stored is None:
        raise NotFound(f"there is no version {version} of the configuration; the newest are under Versions")
    return stored


def _page() -> Page:
    asked: Page = router.context["page"]
    return asked


def _listed(cursor: str | None) -> Items[VersionItem]:
    if cursor is not None and not _CURSOR.fullmatch(cursor):
        raise Invalid(INVALID_CURSOR)
    found = configs.listed(services().db, before=int(cursor) if cursor else None, limit=SHOWN + 1)
    return Items(found[:SHOWN], str(found[SHOWN - 1].version) if len(found) > SHOWN else None)


def _written(stored: StoredConfig | None) -> Written | None:
    return None if stored is None else Written(stored.document, stored.templates)


def _mails(stored: StoredConfig) -> list[dict[str, str | None]]:
    """List the steps that send a mail, each of which can be looked at. One that is not understood here has none."""
    try:
        config = Config.load(stored.version, stored.compiled)
    except NotUnderstood:
        return []
    flows = {name: flow.steps for name, flow in config.flows.items()}
    flows |= {campaign_flow(name): campaign.steps for name, campaign in config.campaigns.items()}
    return [
        {
            "flow": flow,
            "campaign": campaign_of(flow),
            "step": step.id,
            "account": step.account,
            "template": str(step.arguments.get("template") or ""),
        }
        for flow, steps in flows.items()
        for step in steps
        if step.action == "send_email"
    ]

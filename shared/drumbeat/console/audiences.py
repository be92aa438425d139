"""Audiences: what they say in words, how many are in one, some of them, and why a person is in or not.

Counting reads all leads, which takes seconds of a million, so it is done when it is asked for.
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat.access.keys import PEOPLE
from drumbeat.api.leads import named
from drumbeat.api.response import Room
from drumbeat.api.routing import Routes
from drumbeat.console import conditions
from drumbeat.console.access import Page, reads
from drumbeat.console.lists import older, table
from drumbeat.core.audiences import InAudience, expanded
from drumbeat.core.configuration import Config
from drumbeat.core.errors import NotFound
from drumbeat.ledger import configs
from drumbeat.services import services
from drumbeat.views import Page as Items

router = Routes()

SAMPLED = 20


@router.get("/audiences", middlewares=reads("read"))
def show() -> Response[Any]:
    """Show all audiences of the configuration in force."""
    from drumbeat.audiences.wording import written

    page: Page = router.context["page"]
    config = configs.newest(services().db)
    known = sorted(config.audiences.items()) if config else []
    if page.query.get("format") == "csv":
        return table(page, Items([{"name": name, "condition": written(tree)} for name, tree in known], None))
    items = [
        {"name": name, "line": conditions.written(written(tree)), "campaigns": _campaigns(config, name)}
        for name, tree in known
    ]
    return page.show(
        "audiences.html",
        "Audiences",
        audiences=items,
        version=config.version if config else None,
        csv=older(page, None, format="csv"),
    )


@router.get("/audiences/<name>", middlewares=reads("read"))
def show_one(name: str) -> Response[Any]:
    """Show one audience: counted with `count=1`, explained for the person of `lead`."""
    from drumbeat.audiences import paging  # builds statements, which only this page needs
    from drumbeat.audiences.named import in_force
    from drumbeat.audiences.wording import written

    page: Page = router.context["page"]
    config = in_force(name, services())
    counted = _counted(page, name)
    sample = counted.sample if counted else []
    if page.sees_people and not counted:
        sample = paging.page(name, services(), limit=SAMPLED, fits=Room()).items
    return page.show(
        "audience.html",
        name,
        here="audiences",
        name=name,
        version=config.version,
        line=conditions.written(written(config.audiences[name])),
        used=sorted(other for other in config.audiences if _refers(config, other, name)),
        campaigns=_campaigns(config, name),
        counted=counted,
        sample=sample,
        asked=page.query.get("lead", ""),
        found=_explained(page, name),
    )


def _counted(page: Page, name: str) -> Any:  # noqa: ANN401 - None, or what the module that counts returns
    if page.query.get("count") != "1":
        return None
    from drumbeat.audiences.showing import show as counted

    return counted(name, services(), sample=SAMPLED if page.sees_people else 0)


def _explained(page: Page, name: str) -> dict[str, object]:
    """Return the explanation for a person, or why there is none; a person without a lead is no mistake here."""
    nothing: dict[str, object] = {"explained": None, "judged": None, "unknown": ""}
    if "lead" not in page.query:
        return nothing
    from drumbeat.audiences.explaining import explain

    page.caller.need(PEOPLE)
    id, keys = named(page.query["lead"].strip())
    try:
        told = explain(name, services(), keys=keys, id=id)
    except NotFound as error:
        return nothing | {"unknown": error.detail}
    head = {"person": told.person, "address": told.address, "verdict": told.verdict, "at": told.at}
    return {"explained": head, "judged": conditions.judged(told.tree), "unknown": ""}


def _campaigns(config: Config | None, name: str) -> list[str]:
    return sorted(each.name for each in config.campaigns.values() if each.audience == name) if config else []


def _refers(config: Config, other: str, name: str) -> bool:
    leaves = expanded(other, config.audiences)
    return any(isinstance(leaf, InAudience) and leaf.audience == name for leaf in leaves)

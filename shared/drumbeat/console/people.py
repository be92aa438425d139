"""People: one found by address, the newest leads, and addresses that must not be mailed.

A key without `people` sees that there are leads and how they stand, and finds no one: neither by an address nor by what
only one person may have.
"""

import shlex
from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat import views
from drumbeat.access.keys import PEOPLE
from drumbeat.api.leads import named
from drumbeat.api.query import MAX_PAGE_SIZE, Whole
from drumbeat.api.response import Room
from drumbeat.api.routing import Routes
from drumbeat.console.access import Page, changes, reads, see
from drumbeat.console.lists import older, table
from drumbeat.core.address import LONGEST_TEXT
from drumbeat.core.errors import Invalid
from drumbeat.ledger import configs
from drumbeat.people import lists
from drumbeat.people.suppressions import lift, suppress
from drumbeat.services import services
from drumbeat.views.lead_pages import STATES, LeadFilter, LeadItem
from drumbeat.views.pages import PAGE_SIZE
from drumbeat.views.person_named import named as person_named

router = Routes()

FINDS = ("q", "field", "value", "audience")  # what finds a person by what only they may have


@router.get("/people", middlewares=reads("read"))
def show() -> Response[Any]:
    """Find a person, or show the newest leads."""
    page: Page = router.context["page"]
    query = page.query
    if any(name in query for name in FINDS):
        page.caller.need(PEOPLE)
    if "q" in query:
        return _found(page, query["q"].strip())
    found = _of_audience(page) if "audience" in query else _leads(page)
    if query.get("format") == "csv":
        return table(page, found)
    return _page(page, found)


@router.post("/people/suppress", middlewares=changes("operate"))
def suppress_address() -> Response[Any]:
    """Stop mailing an address."""
    page: Page = router.context["page"]
    suppress(_address(page), reason=page.reason, actor=page.actor, services=services())
    return _back_to(page, "suppressed")


@router.post("/people/lift", middlewares=changes("operate"))
def lift_suppression() -> Response[Any]:
    """Let an address be mailed again."""
    page: Page = router.context["page"]
    changed = lift(_address(page), reason=page.reason, actor=page.actor, services=services()).changed
    return _back_to(page, "lifted" if changed or not page.sees_people else "not-suppressed")


def _leads(page: Page) -> views.Page[LeadItem]:
    wanted = wanted_of(page)
    if wanted.list is not None:
        lists.check(wanted.list, services().db)
    return views.leads(services().db, wanted, cursor=page.query.get("cursor"), limit=_most(page), fits=Room())


def wanted_of(page: Page) -> LeadFilter:
    """Read which leads a page's address asks for. Raises Invalid."""
    query = page.query
    state = query.get("state", "given")
    if state not in STATES:
        raise Invalid(f"Consent is {', '.join(STATES)}, and not that. Choose one of them.")
    if ("field" in query) != ("value" in query):
        raise Invalid("To find leads by what is known of them, write the attribute and its value, both.")
    return LeadFilter(
        list=query.get("list"),
        state=state if "list" in query else None,
        field=query.get("field"),
        value=query.get("value"),
        suppressed=query.get("suppressed") == "yes",
    )


def _of_audience(page: Page) -> views.Page[LeadItem]:
    from drumbeat.audiences import paging  # builds statements, which only this question needs

    if wanted_of(page) != LeadFilter():
        raise Invalid("An audience and another filter do not go together; put the condition into an audience.")
    return paging.page(
        page.query["audience"], services(), cursor=page.query.get("cursor"), limit=_most(page), fits=Room()
    )


def _most(page: Page) -> int:
    return Whole("limit", 1, MAX_PAGE_SIZE).read(page.query.get("limit", str(PAGE_SIZE)))


def _found(page: Page, text: str) -> Response[Any]:
    """Go to the person of an address or id, or say that nothing is known of them."""
    try:
        id, keys = named(text)
    except Invalid:
        return _page(page, _leads(page), missing=text)
    person = id or person_named(services().db, keys)
    if person is not None:
        return see(f"/people/{person}")
    return _page(page, _leads(page), missing=text)


def _page(page: Page, found: views.Page[LeadItem], missing: str = "") -> Response[Any]:
    config = configs.newest(services().db)
    query = page.query
    return page.show(
        "people.html",
        "People",
        status=404 if missing else 200,
        leads=found.items,
        older=older(page, found.next),
        csv=older(page, query.get("cursor"), format="csv"),
        lists=sorted(config.lists) if config else [],
        audiences=sorted(config.audiences) if config else [],
        states=STATES,
        filtered=[name for name in ("list", "field", "suppressed", "audience") if name in query],
        command=_command(query),
        missing=missing,
        longest=LONGEST_TEXT,
        did=query.get("did", ""),
    )


def _command(query: Any) -> str:  # noqa: ANN401 - a mapping of the request
    """Return the command that lists the same; "": none takes several conditions."""
    conditions = []
    if "list" in query:
        conditions.append(f"list:{query['list']}={query.get('state', 'given')}")
    if "field" in query:
        conditions.append(f"{query['field']}={query.get('value', '')}")
    if query.get("suppressed") == "yes":
        conditions.append("suppressed")
    if "audience" in query:
        return f"drumbeat audience show {shlex.quote(query['audience'])}"
    match conditions:
        case []:
            return "drumbeat leads list"
        case [condition]:
            return f"drumbeat leads list --where {shlex.quote(condition)}"
        case _:
            return ""


def _address(page: Page) -> str:
    address = page.form.get("email", "").strip()
    if not address or len(address) > LONGEST_TEXT:
        raise Invalid("Write the address. Nothing was changed.")
    return address


def _back_to(page: Page, did: str) -> Response[Any]:
    """Show the person whose address it was, to who may see them."""
    _, keys = named(_address(page))
    person = person_named(services().db, keys) if page.sees_people else None
    return see(f"/people/{person}?did={did}" if person else f"/people?did={did}")

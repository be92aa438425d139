"""A mail of a version to look at: a step's words, filled with made-up values or with what is known of one person."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response

from drumbeat.access.keys import PEOPLE
from drumbeat.api import leads
from drumbeat.api.routing import Routes
from drumbeat.console.access import Page, reads
from drumbeat.console.mail_frames import framed
from drumbeat.console.versions import stored_version, version_number
from drumbeat.core.configuration import Config, Step
from drumbeat.core.errors import NotFound
from drumbeat.services import services
from drumbeat.views.person_lead import lead

if TYPE_CHECKING:
    from drumbeat.planning.sample_mails import SampleMail

router = Routes()

TEXT_SHOWN = 24_000  # characters


@router.get("/versions/<version>/preview", middlewares=reads("read"))
def show(version: str) -> Response[Any]:
    """Show a mail of a step, which is not sent."""
    from drumbeat.planning.arguments import Unusable  # fills texts, which no other page does

    page = _page()
    config, step = _step(version)
    asked = {name: page.query[name] for name in ("flow", "step", "lead") if name in page.query}
    mail, flaw = None, ""
    try:
        mail = _filled(config, step)
    except Unusable as error:
        flaw = str(error)
    return page.show(
        "preview.html",
        f"The mail of {page.query.get('flow', '').removeprefix('campaign:')}, {step.id}",
        here="versions",
        version=config.version,
        flow=page.query.get("flow", ""),
        step=step.id,
        account=step.account,
        lead=page.query.get("lead", ""),
        subject=mail and mail.subject,
        preheader=mail and mail.preheader,
        text=mail and (mail.text or "")[:TEXT_SHOWN],
        frame=f"/versions/{config.version}/preview/mail?{urlencode(asked)}" if mail and mail.html else "",
        checks=mail.checks if mail else [],
        flaw=flaw,
    )


@router.get("/versions/<version>/preview/mail", middlewares=reads("read"))
def show_mail(version: str) -> Response[Any]:
    """Return the mail itself, for the frame of that page."""
    from drumbeat.planning.arguments import Unusable  # as above

    config, step = _step(version)
    try:
        html = _filled(config, step).html
    except Unusable as error:
        raise NotFound(f"it cannot be filled with these values: {error}") from None
    if not html:
        raise NotFound("this mail has no HTML part")
    return framed(html)


def _page() -> Page:
    asked: Page = router.context["page"]
    return asked


def _step(version: str) -> tuple[Config, Step]:
    """Return the step that is asked for. Raises NotFound."""
    number = version_number(version)
    stored = stored_version(number)
    config = Config.load(number, stored.compiled)
    wanted = _page().query
    flow = config.flow(wanted.get("flow", ""))
    step = next((each for each in flow.steps if each.id == wanted.get("step")), None) if flow else None
    if step is None or step.action != "send_email":
        raise NotFound(f"version {number} has no such step that sends a mail; its page lists them")
    return config, step


def _filled(config: Config, step: Step) -> "SampleMail":
    """Fill the mail. Raises Unusable, and NotFound for a person who is not known."""
    from drumbeat.planning.actions.send_email import words_of
    from drumbeat.planning.sample_mails import sample_mail

    around: dict[str, Any] = {}
    if config.postal_address:
        around["postal_address"] = config.postal_address
    if (named := config.lists.get(str(step.arguments.get("list")))) is not None:
        around["list"] = {"name": named.name, "title": named.title, "description": named.description}
    asked = _page().query.get("lead")
    return sample_mail(words_of(step.arguments, config.templates), around, _person(asked) if asked else None)


def _person(asked: str) -> dict[str, Any]:
    """Return what is known of a person, as a text sees it. Raises Forbidden, Invalid and NotFound."""
    _page().caller.need(PEOPLE)
    id, keys = leads.named(asked)
    found = lead(services().db, keys=keys, id=id)
    if found is None:
        raise NotFound("this person is not known: no event names them, and no import")
    return {**found.attributes, "email": found.email}

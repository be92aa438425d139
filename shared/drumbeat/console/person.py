"""Person: what is known of them, what they agreed to, and all that happened; the receipt of their consent."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from aws_lambda_powertools.event_handler import Response

from drumbeat import views
from drumbeat.access.keys import PEOPLE
from drumbeat.api.leads import named
from drumbeat.api.response import Room, written
from drumbeat.api.response import wire as as_json
from drumbeat.api.routing import Routes
from drumbeat.api.sent import Sent, sent
from drumbeat.console.access import Page, reads
from drumbeat.console.lists import older
from drumbeat.console.pages import HEADERS
from drumbeat.core.errors import NotFound
from drumbeat.core.left_out import LEFT_OUT
from drumbeat.core.token_links import without_tokens
from drumbeat.services import services
from drumbeat.views import PersonStory, consent_receipt
from drumbeat.views.consent_receipt import Receipt
from drumbeat.views.person_consent import ConsentFact
from drumbeat.views.person_named import is_erased

router = Routes()

UNKNOWN = (
    "Nothing names this person: no event, effect or suppression. What was just sent is here once it is planned; what"
    " was recorded before leads were kept, after `drumbeat views rebuild`."
)
NO_EFFECT = {"left": "no effect: the person had left", "given_before": "no effect: it was given before"}
# How evidence is headed; what is not here is shown under its own name.
EVIDENCE = {
    "form": "Form",
    "origin": "Page",
    "text": "What they were shown",
    "text_sha256": "SHA-256 of it",
    "version": "Configuration",
    "at": "Said at",
    "locale": "Language",
    "ip": "Network",
    "by": "By",
    "user_agent": "Browser",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, with what followed from it."""

    at: datetime
    kind: str  # event | effects (of an event of the page before) | consent | suppression
    it: object
    said: list[object]  # of an event: what it says of consent
    effects: list[object]


@router.get("/people/<person>", middlewares=reads("read", PEOPLE))
def show(person: str) -> Response[Any]:
    """Show one person with a page of what happened, newest first."""
    page: Page = router.context["page"]
    story = story_of(person, cursor=page.query.get("cursor"))
    return page.show(
        "person.html",
        story.address or f"Person {str(story.id)[:8]}",
        here="people",
        person=replace(story, events=[], effects=[], consent_history=[], suppressions=[]),
        erased=is_erased(services().db, story.id),
        entries=sorted(_entries(story), key=lambda entry: entry.at, reverse=True),
        came_about=_came_about(story),
        begun="cursor" in page.query,
        older=older(page, story.next),
        left_out=LEFT_OUT,
        no_effect=NO_EFFECT,
        evidence=EVIDENCE,
        did=page.query.get("did", ""),
    )


@router.get("/people/<person>/receipt", middlewares=reads("read", PEOPLE))
def show_receipt(person: str) -> Response[Any]:
    """Show what proves a person's consent, to read and print; `format=json`: the same as a file."""
    page: Page = router.context["page"]
    id, keys = named(person)
    receipt = consent_receipt.receipt(services().db, keys=keys, id=id, reading=sent, fits=Room())
    if receipt is None:
        raise NotFound(UNKNOWN)
    if page.query.get("format") == "json":
        return _file(receipt)
    return page.show(
        "receipt.html",
        "Consent receipt",
        here="people",
        receipt=replace(receipt, mails=[_readable(mail) for mail in receipt.mails]),
        lists=list(
            dict.fromkeys([each.list for each in receipt.standing] + [each.list for each in receipt.statements])
        ),
        states={each.list: each.state for each in receipt.standing},
        no_effect=NO_EFFECT,
        evidence=EVIDENCE,
    )


def story_of(person: str, *, cursor: str | None = None) -> PersonStory:
    """Return a person by address or id. Raises Invalid and NotFound."""
    id, keys = named(person)
    story = views.person(services().db, keys=keys, id=id, cursor=cursor, reading=_glance, fits=Room())
    if story is None:
        raise NotFound(UNKNOWN)
    return story


def _came_about(story: PersonStory) -> dict[str, ConsentFact]:
    """Return by list the newest statement that left consent as it stands, of those that are on this page."""
    kinds = {each.list: "pending" if each.state == "expired" else each.state for each in story.consent}
    made: dict[str, ConsentFact] = {}
    for fact in story.consent_history:
        if fact.kind == kinds.get(fact.list) and fact.no_effect is None:
            made.setdefault(fact.list, fact)
    return made


def _glance(frozen: bytes, hash: bytes) -> object:
    """Return of a request what a timeline shows: the subject of a mail. The effect's own page has all of it."""
    request = sent(frozen, hash)
    return request and {"subject": request.subject and without_tokens(request.subject)}


def _entries(story: PersonStory) -> Iterator[Entry]:
    """Give all that happened with its instant: below an event its effects, and what it says of consent."""
    here = {each.event_id for each in story.events}
    effects: dict[UUID, list[object]] = {}
    for effect in story.effects:
        effects.setdefault(effect.event_id, []).append(effect)
    said: dict[UUID, list[object]] = {}
    for fact in story.consent_history:
        if fact.event_id in here:
            said.setdefault(fact.event_id, []).append(fact)
        else:
            yield Entry(fact.at, "consent", fact, [], [])
    for event in story.events:
        yield Entry(event.received_at, "event", event, said.get(event.event_id, []), effects.get(event.event_id, []))
    for change in story.suppressions:
        yield Entry(change.at, "suppression", change, [], [])
    for id in effects.keys() - here:  # of an event that the page before ended with
        of_it = [each for each in story.effects if each.event_id == id]
        yield Entry(max(each.updated_at for each in of_it), "effects", {"event_id": id}, [], list(of_it))


def _readable(mail: consent_receipt.ConfirmationMail) -> consent_receipt.ConfirmationMail:
    """Leave out the links that act for the person."""
    request = mail.request
    if not isinstance(request, Sent):
        return mail
    told = {name: value and without_tokens(value) for name, value in _texts(request)}
    return replace(mail, request=replace(request, **told))


def _texts(request: Sent) -> Iterator[tuple[str, Any]]:
    for name in ("subject", "text", "html"):
        yield name, getattr(request, name)


def _file(receipt: Receipt) -> Response[Any]:
    name = f'attachment; filename="consent-{receipt.id}.json"'
    return Response(
        200, "application/json", written(as_json(receipt)), headers={**HEADERS, "Content-Disposition": name}
    )

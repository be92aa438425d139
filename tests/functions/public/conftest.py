"""A deployment with forms and lists, and a clock that tests move."""

import json
import re
import time
from datetime import datetime, timedelta
from typing import Any, override
from urllib.parse import urlencode
from uuid import UUID

import pytest

from drumbeat.core import ids
from drumbeat.core.clock import SystemClock
from drumbeat.people.tokens import Kind, Tokens
from drumbeat.public.forms import BUCKET_SECONDS
from tests.functions.doors import Answer, Doors
from tests.store.rows import new_effect, planned, waiting

ROOM_SECONDS = 180.0  # for a test, within the ten minutes of its posts
FORM = "application/x-www-form-urlencoded"
PAGE = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
LISTS = {
    "news": {"title": "Monday notes", "description": "What we shipped, each Monday.", "confirm": None},
    "club": {"title": "Club", "description": "", "confirm": {"account": "mail", "template": "confirm"}},
}
STAMP = re.compile(r'name="_page" value="([^"]+)"')


class MovedClock(SystemClock):
    """The machine's clock, and as far ahead as a test says.

    It begins where no ten minutes end soon: the same post is another one in the next.
    """

    def __init__(self) -> None:
        super().__init__()
        left = BUCKET_SECONDS - time.time() % BUCKET_SECONDS
        self.ahead = timedelta(seconds=left if left < ROOM_SECONDS else 0)

    def move(self, **by: float) -> None:
        self.ahead += timedelta(**by)

    @override
    def now(self) -> datetime:
        return super().now() + self.ahead


class Site:
    """What people see of a deployment."""

    def __init__(self, doors: Doors, clock: MovedClock) -> None:
        self.doors = doors
        self.clock = clock

    def show(self, path: str, method: str = "GET", **headers: str) -> Answer:
        return self.doors.visit(method, path, b"", accept=PAGE, user_agent=PERSON, **headers)

    def send(self, form: str, fields: dict[str, str] | list[tuple[str, str]], **headers: str) -> Answer:
        """Post a form as a program does."""
        return self.doors.visit("POST", f"/v1/forms/{form}", urlencode(fields).encode(), content_type=FORM, **headers)

    def press(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        """Press a button as a person in a browser does."""
        named = {"user_agent": PERSON, "accept": PAGE, "content_type": FORM} | headers
        return self.doors.visit("POST", path, urlencode(fields).encode(), **named)

    def token(self, kind: Kind, subject: UUID) -> str:
        return Tokens.of(self.doors.services).issue(kind, subject)

    def bodies(self, source: str) -> list[dict[str, Any]]:
        return [json.loads(row["body"]) for row in self.doors.events() if row["source"] == source]

    def asking(self) -> UUID:
        """Sign up for the list `club`, which asks to confirm, and return the effect of the mail that asks."""
        answer = self.send("join", {"email": "ada@example.com"})
        asks = new_effect(UUID(answer.body["eventId"]), contact=b"ada", list="club", confirms=True)
        planned(self.doors.ledger, asks)
        return asks.id

    def mail(self, **changes: Any) -> UUID:
        """Return the effect of a mail to the list `news`."""
        return waiting(self.doors.ledger, contact=b"ada", list="news", **changes)

    def states(self) -> dict[str, str]:
        """Return how the person of `mail` stands to each list."""
        (row,) = self.doors.ledger.run(
            "SELECT consent_state(consents, 'news') AS news, consent_state(consents, 'club') AS club"
            "  FROM contacts WHERE key = 'ada'"
        )
        return row


def form(**values: object) -> dict[str, object]:
    """Return a form source as it is compiled."""
    page = {
        "fields": [["email", "required"], ["name", "optional"]],
        "origins": ["https://shop.example"],
        "redirect": None,
        "honeypot": "website",
        "title": None,
        "text": None,
        "button": None,
    }
    source = {"list": None, "locale": "en", "lead": None}
    known = {name: value for name, value in values.items() if name in source}
    return {"door": "form", "scheme": "", "tolerance": 0.0, "form": page | {
        name: value for name, value in values.items() if name not in source
    }} | source | known  # fmt: skip


@pytest.fixture
def site(doors: Doors) -> Site:
    """Forms without a list, with one, and with one that asks to confirm."""
    clock = doors.services.clock = MovedClock()
    doors.other |= {"lists": LISTS, "public_url": "https://hooks.example.com"}
    doors.configure(
        contact=form(),
        news=form(list="news", redirect="https://shop.example/thanks"),
        join=form(list="club"),
        mitmachen=form(list="club", locale="de"),
    )
    return Site(doors, clock)


def stamp(page: Answer) -> str:
    """Return the hidden field of a page."""
    found = STAMP.search(page.body)
    assert found
    return found[1]


def known(source: str, key: str) -> UUID:
    return ids.event_id(source, key)

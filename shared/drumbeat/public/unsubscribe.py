"""The page of an unsubscribe link. Shown, it changes nothing; posted to, it always acts, whatever the body.

Mailbox providers post for people (RFC 8058), so nothing is asked back, and no post is taken for a scanner's.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from itertools import islice
from uuid import UUID, uuid4

from drumbeat.core import one_click
from drumbeat.core.configuration import NAME
from drumbeat.core.consent import EVERY_LIST
from drumbeat.core.errors import Encoded, FormRefused, Invalid, NotFound, TooLarge, Unavailable
from drumbeat.ingest.catalog import Lists
from drumbeat.ingest.door import Door
from drumbeat.people.tokens import Kind, Tokens
from drumbeat.people.wishes import Taken, Wish, WishKind, take
from drumbeat.public import fields
from drumbeat.public.fields import Fields
from drumbeat.public.languages import of_link
from drumbeat.public.visit import Visit

WHAT, LIST = "what", "list"  # fields of the page
MOST_BELIEVED = 50
_LIKE_A_LIST = re.compile(NAME)


class What(StrEnum):
    """What is to be left, as a button of the page says it; another value, or none: the list of the mail."""

    EVERYTHING = "everything"
    TICKED = "ticked"  # the lists that are named, and those alone
    ONLY = "only"  # the one list that the page names, and the list of the mail: it may have had another name then


def read(token: str, door: Door) -> UUID:
    """Return the mail that a link came in; nothing is asked but our keys. Raises NotFound."""
    if (mail := Tokens.of(door.services).read(Kind.UNSUBSCRIBE, token)) is None:
        raise NotFound("This link is not one of ours, or it is not complete. Nothing was changed.")
    return mail


def lists(door: Door) -> Lists:
    """Return the lists that the page offers; none while they cannot be read."""
    try:
        return door.catalog.lists()
    except Unavailable:
        return {}


def post(mail: UUID, visit: Visit, door: Door) -> tuple[str | None, ...] | None:
    """Withdraw from what was asked for, and return it: `EVERY_LIST`, or names; None, also among them: the mail's own.

    Raises:
        NotFound: the mail is not known, or was erased. Unavailable: neither ledger nor queue took it.
    """
    posted = _posted(visit)
    asked = _asked(posted, door)
    form = "one-click" if one_click.VALUE in posted.get(one_click.FIELD, ()) else "unsubscribe page"
    evidence = {"form": form, "locale": of_link(visit, door), "ip": visit.network}
    wish = Wish(WishKind.WITHDRAW, mail, uuid4(), asked, door.services.clock.now(), evidence)
    if take(wish, door) is Taken.NOTHING:
        raise NotFound("The mail that this link came in is not known any more. Nothing was changed.")
    return asked


def _posted(visit: Visit) -> Fields:
    """Return the fields of a body; none of one that cannot be read, or is too large to be."""
    try:
        return fields.read(visit.headers.get("content-type", ""), visit.body())
    except (TooLarge, Encoded, Invalid, FormRefused):
        return {}


def _asked(posted: Fields, door: Door) -> tuple[str | None, ...] | None:
    """Return the lists that a body names; one that names none means the list of the mail."""
    named = dict.fromkeys(str(name) for name in posted.get(LIST, ()))
    match posted.get(WHAT, ("",))[0]:
        case What.EVERYTHING:
            return (EVERY_LIST,)
        case What.TICKED:
            return _known(named, lists(door)) or None
        case What.ONLY:
            return (None, *_known(named, lists(door)))
        case _:
            return None


def _known(names: Iterable[str], configured: Lists) -> tuple[str, ...]:
    """Return those of the names that are lists. While no list can be read, the page that was ticked is believed."""
    if configured:
        return tuple(name for name in names if name in configured)
    return tuple(islice(filter(_LIKE_A_LIST.fullmatch, names), MOST_BELIEVED))

"""What the callers send, and the actions that providers must do because of it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from drumbeat.local.frames import Json

SOURCE = "chaos"
MAX_BATCH_EVENTS = 60
REPEAT_SHARE = 0.05  # of the requests: sent again later, as impatient callers do

# The campaign's accounts and their repeat classes; the release before has no provider of class F.
CLASSES = {"crm": "D", "gifts": "K", "site": "K", "mail": "Q", "courier": "F", "erp": "X"}
# Kinds of events: how many of a hundred, and which accounts must act for each.
KINDS = {
    "contact": (15, ("crm",)),
    "gift": (20, ("gifts",)),
    "mail": (20, ("mail",)),
    "order": (10, ("site",)),
    "parcel": (10, ("courier",)),
    "invoice": (10, ("erp",)),
    "welcome": (15, ("crm", "mail", "gifts")),
}
UNKNOWN_BEFORE = ("parcel",)  # kinds that the release before cannot carry out


class Action(NamedTuple):
    """One action of an account for one recipient; each must be done once."""

    account: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Lead:
    """One event as its caller knows it."""

    key: str
    kind: str

    @property
    def email(self) -> str:
        """The recipient, of this event only."""
        return f"{self.key}@example.com"

    @property
    def actions(self) -> tuple[Action, ...]:
        """What must be done because of it."""
        return tuple(Action(account, self.email) for account in KINDS[self.kind][1])

    def body(self) -> dict[str, Json]:
        """Return it as the API takes it."""
        payload = {"email": self.email, "kind": self.kind}
        return {"type": "LEAD_CAPTURE", "source": SOURCE, "payload": payload, "idempotencyKey": self.key}


@dataclass(frozen=True, slots=True)
class Post:
    """One request: a single event, or a batch. `at` is in seconds from the start."""

    at: float
    leads: tuple[Lead, ...]


def leads(events: int, random: Random, without: Collection[str] = ()) -> list[Lead]:
    """Generate so many events, none of the kinds that it goes without."""
    shares = {kind: share for kind, (share, _) in KINDS.items() if kind not in without}
    kinds = random.choices(list(shares), list(shares.values()), k=events)
    return [Lead(f"{kind}-{number}", kind) for number, kind in enumerate(kinds)]


def posts(events: list[Lead], seconds: float, random: Random) -> list[Post]:
    """Spread the events over the time: half of them in batches, half one by one, some of the requests twice."""
    made = [Post(at * seconds / len(events), group) for at, group in _groups(events, random)]
    again = [
        Post(post.at + random.uniform(0, seconds / 4), post.leads) for post in made if random.random() < REPEAT_SHARE
    ]
    return sorted([*made, *again], key=lambda post: post.at)


def _groups(events: list[Lead], random: Random) -> Iterator[tuple[int, tuple[Lead, ...]]]:
    at = 0
    while at < len(events):
        size = random.randint(2, MAX_BATCH_EVENTS)
        if random.random() < 0.5:
            yield at, tuple(events[at : at + size])
        else:
            yield from ((at + place, (lead,)) for place, lead in enumerate(events[at : at + size]))
        at += size

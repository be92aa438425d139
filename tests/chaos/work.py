"""What the callers send, and what has to be done in the world because of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from drumbeat.local.frames import Json

SOURCE = "chaos"
LARGEST = 60  # events in one batch
REPEATED = 0.05  # of the requests are sent again later, as impatient callers do

# The campaign's accounts and what they offer against a repeat.
CLASSES = {"crm": "D", "gifts": "K", "site": "K", "mail": "Q", "courier": "F", "erp": "X"}
# What an event is, how many of a hundred are, and which accounts have to do something for it.
KINDS = {
    "contact": (15, ("crm",)),
    "gift": (20, ("gifts",)),
    "mail": (20, ("mail",)),
    "order": (10, ("site",)),
    "parcel": (10, ("courier",)),
    "invoice": (10, ("erp",)),
    "welcome": (15, ("crm", "mail", "gifts")),
}


class Deed(NamedTuple):
    """Something done for somebody by an account; each must be done once."""

    account: str
    whom: str


@dataclass(frozen=True, slots=True)
class Lead:
    """One event as its caller knows it."""

    key: str
    kind: str

    @property
    def email(self) -> str:
        """Whom it is about; nobody else is."""
        return f"{self.key}@example.com"

    @property
    def deeds(self) -> tuple[Deed, ...]:
        """What has to be done because of it."""
        return tuple(Deed(account, self.email) for account in KINDS[self.kind][1])

    def body(self) -> dict[str, Json]:
        """Return it as the API takes it."""
        payload = {"email": self.email, "kind": self.kind}
        return {"type": "LEAD_CAPTURE", "source": SOURCE, "payload": payload, "idempotencyKey": self.key}


@dataclass(frozen=True, slots=True)
class Post:
    """One request: a single event, or a batch. `at` is in seconds from the start."""

    at: float
    leads: tuple[Lead, ...]


def leads(events: int, random: Random) -> list[Lead]:
    """Make up so many events."""
    kinds = random.choices(list(KINDS), [share for share, _ in KINDS.values()], k=events)
    return [Lead(f"{kind}-{number}", kind) for number, kind in enumerate(kinds)]


def posts(events: list[Lead], seconds: float, random: Random) -> list[Post]:
    """Spread the events over the time: half of them in batches, half one by one, some of the requests twice."""
    made = [Post(at * seconds / len(events), group) for at, group in _groups(events, random)]
    again = [Post(post.at + random.uniform(0, seconds / 4), post.leads) for post in made if random.random() < REPEATED]
    return sorted([*made, *again], key=lambda post: post.at)


def _groups(events: list[Lead], random: Random) -> Iterator[tuple[int, tuple[Lead, ...]]]:
    at = 0
    while at < len(events):
        size = random.randint(2, LARGEST)
        if random.random() < 0.5:
            yield at, tuple(events[at : at + size])
        else:
            yield from ((at + place, (lead,)) for place, lead in enumerate(events[at : at + size]))
        at += size

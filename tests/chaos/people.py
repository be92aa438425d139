"""People who sign up, confirm, read, leave and come back, and what the stack acknowledged to them."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

DOMAIN = "people.example.com"
LETTER, CLUB, OFFERS = "letter", "club", "offers"
CONFIRMED = (LETTER, CLUB)  # lists that a person has to confirm
SHARE = 0.1  # of all events
EVENTS_EACH = 7  # about
LAST_BEGINS = 0.4  # of the time: what begins later has no time to end
# Of a hundred people. A passed-on person is signed up by a program, a picky one for two lists, of which they confirm
# one; an impatient one signs up again and again.
WAYS = {"reader": 35, "hunter": 25, "passed on": 15, "picky": 15, "impatient": 10}
# Whose mails do not arrive, or who complain or leave at the provider; and who want to be forgotten.
REPORTED_WAYS = ("bounced", "full", "complaining", "leaving there")
ERASED = "erased"
RARE_SHARE, MIN_ERASED = 0.05, 2  # of each of these ways; at least one
MARK = "zq7erase"  # in names and addresses of people who are erased, and nowhere else


@dataclass(frozen=True, slots=True)
class Person:
    """One person. `at` is when they begin, in seconds from the start."""

    name: str
    way: str
    at: float
    seed: int

    @property
    def email(self) -> str:
        """Their address."""
        return f"{self.name}@{DOMAIN}"


@dataclass(frozen=True, slots=True)
class SignUp:
    """A post of a form, or of a program's consent, that was acknowledged as an event."""

    email: str
    lists: tuple[str, ...]
    source: str
    mark: str
    most: int = 1  # events that it may be: without our page, one for each ten minutes that its repeats fall into


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A confirmation that was acknowledged: of which sign-up, and of which of its lists."""

    sign_up: UUID
    list: str


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A withdrawal that was acknowledged at a time, in seconds of the epoch."""

    email: str
    list: str
    mail: UUID
    at: float


@dataclass(frozen=True, slots=True)
class Return:
    """The time from which a person who had left may be on a list again."""

    email: str
    list: str
    at: float


@dataclass
class Said:
    """What was acknowledged to people, and to programs about them."""

    sign_ups: dict[UUID, SignUp] = field(default_factory=dict)
    editions: set[UUID] = field(default_factory=set)
    confirmed: dict[UUID, Confirmation] = field(default_factory=dict)  # by the event that it has to be
    withdrawals: list[Withdrawal] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)
    erased: dict[str, float] = field(default_factory=dict)  # name -> when it was acknowledged
    late_copies: set[UUID] = field(default_factory=set)  # events whose buffered copies came after the erasure
    asked_again: int = 0  # presses of a button that might have been a program's
    finished: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)  # answers that no valid request should get
    answers: Counter[str] = field(default_factory=Counter)

    @property
    def events(self) -> set[UUID]:
        """The events that have to be in the ledger; a withdrawal's is known by its mail."""
        return {*self.sign_ups, *self.editions, *self.confirmed}


def people(events: int, seconds: float, random: Random) -> list[Person]:
    """Return so many people as make about so many events."""
    if not events:
        return []
    number = round(events / EVENTS_EACH)
    rare = max(1, round(number * RARE_SHARE))
    ways = [*REPORTED_WAYS * rare, *(ERASED,) * max(MIN_ERASED, rare)]
    ways += random.choices(list(WAYS), list(WAYS.values()), k=max(0, number - len(ways)))
    return [
        Person(_name(number, way), way, random.uniform(0, LAST_BEGINS * seconds), random.randrange(1 << 30))
        for number, way in enumerate(ways)
    ]


def _name(number: int, way: str) -> str:
    """Return a name that is no part of another."""
    return f"{MARK}{number:05}z" if way == ERASED else f"person-{number}"

"""Where a reader of the journal stands: what it was shown, and how far back what it was not shown may lie.

Transactions get their numbers in order and end in any order; a snapshot says which have ended. A change is not shown
while its transaction runs. To find it later, the journal is read again from an instant before which it cannot lie.
"""

import base64
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from drumbeat.core.clock import from_microseconds, microseconds
from drumbeat.core.errors import Invalid
from drumbeat.views.pages import INVALID_CURSOR

# Between the instant that a change bears and the number of its transaction: one statement takes both.
MARGIN = timedelta(seconds=15)
# What runs longer than this writes no journal, such as a step of the schema.
LONGEST = timedelta(minutes=10)
EVER = datetime(1970, 1, 1, tzinfo=UTC)
FIRST = UUID(int=0)
LONGEST_CURSOR = 16_384
NUMBERS = 2**63

_SNAPSHOT = re.compile("([0-9]{1,19}):([0-9]{1,19}):((?:[0-9]{1,19},?){0,1000})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Moment:
    """A look at the ledger: which transactions had ended, and the newest that was seen running (0: none)."""

    now: datetime
    snapshot: str
    running: int

    @property
    def oldest(self) -> int:
        """Every transaction with a number below this has ended."""
        return _bounds(self.snapshot)[0]

    @property
    def next(self) -> int:
        """No transaction had this number yet, or a higher one."""
        return max(_bounds(self.snapshot)[1], self.running + 1)


@dataclass(frozen=True, slots=True)
class Place:
    """After which change of status a page begins."""

    at: datetime
    effect: UUID = FIRST
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Cursor:
    """All that `shown` shows was shown (None: nothing); with `target`, of what that shows besides all up to `place`.

    A transaction whose number is not below `number` got it after `since`.
    """

    shown: str | None
    place: Place
    number: int | None = None
    since: datetime | None = None
    target: Moment | None = None

    def looking(self, moment: Moment) -> "Cursor | None":
        """Return it with a target; None: the ledger is another one than that in which it was made."""
        known = [self.shown, self.target.snapshot if self.target is not None else None]
        if any(_bounds(each)[1] > _bounds(moment.snapshot)[1] for each in known if each is not None):
            return None
        return self if self.target is not None else replace(self, target=moment)

    def at(self, place: Place) -> Self:
        """Return it further on, with the same target."""
        return replace(self, place=place)

    def after(self) -> "Cursor":
        """Return where a reader stands once all that the target shows was shown."""
        target = self.target
        assert target is not None
        anew = (target.next, target.now)
        if target.oldest >= target.next:  # none runs
            return Cursor(target.snapshot, Place(target.now - MARGIN), *anew)
        if self.number is None or self.since is None:
            return Cursor(target.snapshot, Place(target.now - LONGEST), *anew)
        if target.oldest >= self.number:  # what runs began after that
            return Cursor(target.snapshot, Place(self.since - MARGIN), *anew)
        return Cursor(target.snapshot, Place(target.now - LONGEST), self.number, self.since)

    def __str__(self) -> str:
        """Return it as a caller hands it back."""
        parts = [
            self.shown,
            [microseconds(self.place.at), self.place.effect.hex, self.place.seq],
            None if self.since is None else [self.number, microseconds(self.since)],
            self.target and [microseconds(self.target.now), self.target.snapshot, self.target.running],
        ]
        return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def begun(moment: Moment, since: datetime | None) -> Cursor:
    """Return where a reader begins: with what happened since an instant, or with what happens from now on."""
    if since is not None:
        return Cursor(None, Place(max(since, EVER)))
    # Everything that this snapshot shows counts as shown: a look at it finds nothing.
    return Cursor(moment.snapshot, Place(moment.now), target=moment)


def read(text: str) -> Cursor:
    """Read a cursor. Raises Invalid for another text."""
    try:
        if len(text) > LONGEST_CURSOR:
            raise ValueError
        parts: list[Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        shown, (at, effect, seq), anchor, target = parts
        if shown is not None:
            _bounds(shown)
        place = Place(_instant(at), UUID(effect), _number(seq, 2**31))
        number, since = (None, None) if anchor is None else (_number(anchor[0], NUMBERS), _instant(anchor[1]))
        return Cursor(shown, place, number, since, None if target is None else _moment(*target))
    except (ValueError, TypeError, LookupError, OverflowError, AttributeError, RecursionError):
        raise Invalid(INVALID_CURSOR) from None


def _moment(now: object, snapshot: str, running: object) -> Moment:
    _bounds(snapshot)
    return Moment(_instant(now), snapshot, _number(running, NUMBERS))


def _instant(number: object) -> datetime:
    return from_microseconds(_number(number, 10**18))


def _number(value: object, below: int) -> int:
    if not isinstance(value, int) or not 0 <= value < below:
        raise ValueError
    return value


def _bounds(snapshot: str) -> tuple[int, int]:
    """Return the number of the oldest transaction that runs, and the one after the newest that has ended."""
    found = _SNAPSHOT.fullmatch(snapshot)
    if found is None:
        raise ValueError
    oldest, next = int(found[1]), int(found[2])
    running = [int(each) for each in found[3].split(",")] if found[3] else []
    ordered = running == sorted(set(running)) and all(oldest <= each < next for each in running)
    if not (0 < oldest <= next < NUMBERS and ordered):
        raise ValueError
    return oldest, next

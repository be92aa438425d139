"""One statement for many rows of different owners: a row that the ledger refuses costs no neighbour its own."""

from collections.abc import Callable, Sequence

import psycopg
from psycopg import errors

# What is wrong is in a row: a text with NUL or half a surrogate, a number that is too large, a broken constraint.
# Anything else (the ledger is away, a right is missing) concerns every row. Nothing of the statement was carried out.
REFUSED: tuple[type[Exception], ...] = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.NotSupportedError,
    errors.ProgramLimitExceeded,
    errors.RaiseException,
    UnicodeError,
)
# Another transaction keeps a row of one of them locked, or waits for it in turn. Finding out which takes the time-out
# of locks, or of deadlocks, again and again, so only a caller who has that time goes by it.
LOCKED: tuple[type[Exception], ...] = (errors.LockNotAvailable, errors.DeadlockDetected)
REFUSED_OR_LOCKED: tuple[type[Exception], ...] = (*REFUSED, *LOCKED)
MOST_LOCKED = 6  # statements: enough to find the one among 32


def write_apart[T](
    write: Callable[[Sequence[T]], None],
    rows: Sequence[T],
    refused: Callable[[T, Exception], None],
    *,
    concerns_one: tuple[type[Exception], ...] = REFUSED,
) -> None:
    """Write all rows at once, and when the ledger refuses that, by halves, until only what it refuses is left out.

    `refused` is called for each of those with the error, whose text may quote the row. `write` must leave nothing
    behind when it raises, and may be called for any part of the rows, in their order; it is not called without any.
    After MOST_LOCKED statements that met a lock the rest counts as locked: it may be the whole table.

    Raises:
        psycopg.Error: it concerns every row; what was written before it stays written.
    """
    parts, locked = [rows] if rows else [], 0
    while parts:
        part = parts.pop()
        try:
            if locked >= MOST_LOCKED:
                raise errors.LockNotAvailable
            write(part)
        except concerns_one as error:
            locked += isinstance(error, LOCKED)
            if len(part) == 1:
                refused(part[0], error)
            else:
                half = len(part) // 2
                parts += [part[half:], part[:half]]

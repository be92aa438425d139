"""Where a person stands in a zone's time: Postgres and Python say the same, to the microsecond."""

from datetime import UTC, datetime, timedelta
from random import Random

from drumbeat.calendar.run_times import LONGEST_RUN, ZoneTimes, due
from drumbeat.ledger.database import Database

START = datetime(2026, 3, 29, 7, 0, 0, 1, UTC)
PLACES = """
    SELECT %(start)s + interval '1 microsecond' * div(
               (get_byte(key, 0) * 16777216::numeric + get_byte(key, 1) * 65536
                + get_byte(key, 2) * 256 + get_byte(key, 3)) * %(span)s, 4294967296)::float8 AS at
      FROM unnest(%(keys)s::bytea[]) WITH ORDINALITY AS given (key, place)
     ORDER BY place
"""


def test_a_database_places_each_person_where_python_does(database: Database) -> None:
    chance = Random(7)
    keys = [chance.randbytes(32) for _ in range(500)] + [bytes(32), b"\xff" * 32, b"\x80" + bytes(31)]
    longest = LONGEST_RUN // timedelta(microseconds=1)

    for span in (0, 1, 4_294_967_295, 3_600_000_000, longest, *(chance.randrange(longest) for _ in range(20))):
        rows = database.run(PLACES, {"start": START, "span": span, "keys": keys})

        times = ZoneTimes("UTC", START, span, (), None, START)
        assert [row["at"].astimezone(UTC) for row in rows] == [due(times, key) for key in keys], span

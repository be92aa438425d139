"""Whether a person has left a list since they signed up for it, as their contact's row says."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from drumbeat.core import ids
from drumbeat.ingest import returns_sql
from tests.conftest import TestDatabase

ADA = b"ada"
SIGNED_UP = datetime(2026, 3, 1, 12, tzinfo=UTC)
BACK = SIGNED_UP + timedelta(minutes=5)
LEFT = SIGNED_UP + timedelta(minutes=2)
INSTANT = timedelta(microseconds=1)
LAST = UUID(int=7)

type Said = tuple[str, str, datetime, UUID]


def withdrawal(database: TestDatabase, *said: Said, contact: bytes = ADA) -> UUID | None:
    """Let a person sign up for `news`, and say this of lists; return by which event they have left it since."""
    event = ids.event_id("join", "form:1")
    database.run(
        "INSERT INTO events (id, source, key, type, door, fingerprint, received_at)"
        " VALUES (%s, 'join', 'form:1', 'LEAD_CAPTURE', 'form', '', %s)",
        (event, SIGNED_UP),
    )
    database.run("INSERT INTO contacts (key) VALUES (%s)", (ADA,))
    for name, kind, at, by in said:
        database.run(
            "UPDATE contacts SET consents = consents_merged(consents, consent_fact(%s, %s, true, %s, %s))",
            (name, kind, at, by),
        )
    return returns_sql.withdrawal(database, event, contact=contact, list="news", before=BACK)


@pytest.mark.parametrize(
    "said",
    [
        [("news", "withdrawn", LEFT, LAST)],
        [("*", "withdrawn", LEFT, LAST)],
        [("news", "withdrawn", SIGNED_UP, LAST)],  # of one instant the withdrawal counts
        [("news", "withdrawn", BACK - INSTANT, LAST)],
        [("news", "given", SIGNED_UP, uuid4()), ("news", "withdrawn", LEFT, LAST)],
        [("news", "given", LEFT, uuid4()), ("*", "withdrawn", LEFT, LAST)],
        [("news", "withdrawn", LEFT, uuid4()), ("*", "withdrawn", LEFT + INSTANT, LAST)],
        [("*", "withdrawn", LEFT, uuid4()), ("news", "withdrawn", LEFT + INSTANT, LAST)],
        [("news", "withdrawn", LEFT, LAST), ("news", "pending", LEFT + INSTANT, uuid4())],
    ],
)
def test_the_newest_withdrawal_since_then_is_named(database: TestDatabase, said: list[Said]) -> None:
    assert withdrawal(database, *said) == LAST


@pytest.mark.parametrize(
    "said",
    [
        [],
        [("news", "given", SIGNED_UP, LAST)],
        [("news", "withdrawn", SIGNED_UP - INSTANT, LAST)],
        [("news", "withdrawn", BACK, LAST)],
        [("offers", "withdrawn", LEFT, LAST)],
        [("news", "withdrawn", LEFT, LAST), ("news", "given", LEFT + INSTANT, uuid4())],
        [("*", "withdrawn", LEFT, LAST), ("news", "given", LEFT + INSTANT, uuid4())],
        [("news", "pending", LEFT, LAST)],
    ],
    ids=["nothing", "given", "before", "at the post", "another list", "back", "back from all", "pending"],
)
def test_who_has_not_left_in_between_has_not_come_back(database: TestDatabase, said: list[Said]) -> None:
    assert withdrawal(database, *said) is None


def test_another_person_has_not_left(database: TestDatabase) -> None:
    assert withdrawal(database, ("news", "withdrawn", LEFT, LAST), contact=b"bob") is None

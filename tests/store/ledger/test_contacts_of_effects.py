"""Effects and the people whom they are for."""

import uuid

import pytest
from psycopg.errors import ForeignKeyViolation

from tests.conftest import TestDatabase
from tests.store.rows import waiting

COPIES = """
    INSERT INTO effects (id, event_id, version, flow, step, account, action, contact, base_due_at, status, seq, due_at)
    SELECT gen_random_uuid(), event_id, version, flow, step, account, action, key, base_due_at, status, seq, due_at
      FROM effects
     CROSS JOIN unnest(%(keys)s::bytea[]) AS key
     WHERE effects.id = %(id)s
 RETURNING id
"""


def test_effects_are_for_contacts_that_there_are(database: TestDatabase) -> None:
    effect, known, unknown = waiting(database), uuid.uuid4().bytes, uuid.uuid4().bytes
    database.run("INSERT INTO contacts (key) VALUES (%s)", (known,))

    recorded = database.run(COPIES, {"id": effect, "keys": [known, None]})
    with pytest.raises(ForeignKeyViolation, match="a contact that there is not"):
        database.run(COPIES, {"id": effect, "keys": [known, unknown]})

    assert len(recorded) == 2
    assert database.run("SELECT count(*) AS n FROM effects") == [{"n": 3}]

"""A deployment with something of everything in it: a person wherever one can get, and runs in several states."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import pytest
from redis import Redis

from functions.ingest import app as ingest
from tests.conftest import TestDatabase, url_of
from tests.functions.api.runs import runs_console
from tests.functions.api.test_people import ADDRESS, mark

# Of the forms that ours have, with values that ours have not.
ID = "f" * 32
CURSORS = (
    *(ID, "ff", f"0-{ID}", f"{'9' * 17}-{ID}", f"{'9' * 30}-{ID}", "0-ff", f"{'9' * 17}-ff", f"1-0-{ID}", f"9-9-{ID}"),
    *(f"{'9' * 17}-1-{ID}", f"0-2-{ID}", f"0-0-{'f' * 10}", f"0-2-{ID}-{ID}", "1-0-ff", f"{'9' * 30}-0-ff"),
    *("people:", "people:ff", f"events:{ID}", "0", "999999999"),
)


@dataclass(frozen=True)
class Deployment:
    """What a caller may know of it."""

    key: str
    known: Mapping[str, Sequence[object]]


@contextmanager
def deployment(
    database: TestDatabase, redis: Redis, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    with runs_console(database, url_of(redis), sqs_endpoint, monkeypatch) as console:
        _forget()
        marked = mark(console, database)
        console.apply()
        console.people("ada", "bob", "cleo", name="Ada")
        lived(database, marked.event)
        plan = console.ask("POST", "/v1/campaigns/digest/plan", {"idempotencyKey": "plan"})
        run = console.ask("POST", "/v1/campaigns/digest/runs", {"idempotencyKey": "run"})
        console.work()
        people = console.key_of("ingest", "read", "people", "propose", "operate")
        lead = console.ask("GET", "/v1/leads", key=people)["items"][0]["id"]
        yield Deployment(
            people,
            {
                "event_id": [str(marked.event), run["runId"]],
                "event": [str(marked.event), run["runId"]],
                "effect_id": [str(marked.held), str(marked.refused), str(marked.waiting)],
                "run_id": [run["runId"], plan["runId"]],
                "plan": [plan["runId"]],
                "name": ["mail", "digest", "readers"],
                "account": ["mail"],
                "campaign": ["digest"],
                "audience": ["readers"],
                "list": ["news"],
                "status": ["held", "accepted", "attention"],
                "where": ["list:news", "name=Ada", "suppressed"],
                "person": [ADDRESS, "ada@example.com", lead],
                "lead": [ADDRESS, lead],
                "to": [ADDRESS, "ada@example.com"],
                "id": [marked.blind_id, str(marked.held)],
                "version": [0, 1, 2, 3],
                "document": ["version: 1\n"],
                "seenAt": ["2100-01-01T00:00:00Z"],
                "deep": ["1"],
                "cursor": [marked.event.hex, *CURSORS],
            },
        )
        _forget()


def lived(database: TestDatabase, event: UUID) -> None:
    """Let an event have said what is known of the people."""
    database.run(
        """
        UPDATE leads SET address = replace(address::text, '"x"', to_json(%(event)s::text)::text)::jsonb,
               attributes = replace(attributes::text, '"x"', to_json(%(event)s::text)::text)::jsonb
        """,
        {"event": str(event)},
    )


def _forget() -> None:
    """Let the ingest function's process begin anew."""
    for made in (ingest.door, ingest.single):
        made.cache_clear()
    ingest.metrics.provider.metric_set.clear()

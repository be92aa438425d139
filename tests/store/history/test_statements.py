"""What an answer costs follows what is due or shown, not what ever was: each statement over a ledger with a history."""

import importlib
import pkgutil
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest

from drumbeat import views
from drumbeat.audit import findings_sql, people_sql, recipients_sql, runs_sql, verification_sql
from drumbeat.audit.findings_sql import Bounds
from drumbeat.audit.recipients_sql import PlannedStep
from drumbeat.audit.spans_sql import LOOK_UP, span
from drumbeat.delivery import attempts_sql
from drumbeat.ledger.database import Database
from drumbeat.local.servers import Postgres
from drumbeat.views import beginnings, effect_pages, effects_newest, event_pages
from tests.conftest import TestDatabase, fresh_ledger
from tests.store.history.readings import ALL, Recording, asked
from tests.store.history.seeded import OF_RUN, RUN, seed
from tests.store.rows import claimed, configured, opening, recorded, waiting

EVENTS = 300_000
DUE = 15_000
GROWING = {"events", "payloads", "plans", "effects", "journal", "requests", "attempts", "outcomes", "contacts"}
GROWING |= {"event_contacts", "leads", "consents", "recipients", "feedback"}
MODULES = (
    "relay.sql",
    "relay.deliveries_sql",
    "ledger.leases",
    "observability.traces.traces_sql",
    "runs.endings_sql",
    "runs.work_sql",
    *(f"views.{module.name}" for module in pkgutil.iter_modules(views.__path__)),
)
VERBS = ("SELECT", "UPDATE", "INSERT", "WITH", "DELETE")


@pytest.fixture(scope="module")
def history(postgres: Postgres) -> Iterator[TestDatabase]:
    """A ledger with a history, some of which is due."""
    with fresh_ledger(postgres) as database:
        owner = Database(database.admin_url)
        seed(owner, events=EVENTS, due=DUE)
        owner.close()
        yield database


def explained(url: str, sql: Any, parameters: Any, *before: LiteralString) -> dict[str, Any]:
    """Run a statement, take back what it changed, and return its plan."""
    with psycopg.connect(url) as connection:
        for each in ("SET jit = off", *before):  # as the application's role has it
            connection.execute(each)
        row = connection.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + sql, parameters).fetchone()
        connection.rollback()
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give every node of a plan."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


@pytest.mark.proof
@pytest.mark.timeout(900)  # the first of them waits for the seed
@pytest.mark.parametrize("name", ALL)
def test_a_statement_touches_what_is_due_or_shown(history: TestDatabase, name: str) -> None:
    reading = ALL[name]
    touched = 0

    for sql, parameters in asked(history.url, reading):
        plan = explained(history.url, sql, parameters)
        touched += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        in_full = {
            node["Relation Name"]
            for node in nodes(plan)
            if node["Node Type"] == "Seq Scan" and node["Actual Loops"] and node["Relation Name"] in GROWING
        }
        assert reading.reads_history or not in_full

    print(f"{name}: {touched:,} pages")
    assert touched <= reading.pages


PAGES_OF_A_CHUNK = 15_000


@pytest.mark.proof
@pytest.mark.timeout(900)
@pytest.mark.parametrize("after", [UUID(int=0), UUID("77777777-0000-0000-0000-000000000000")])
def test_a_chunk_of_verify_touches_little_however_large_a_run_is(history: TestDatabase, after: UUID) -> None:
    recording, step = Recording(history.url), PlannedStep(RUN, "mail", 1, "mail", "send_email", "news")
    bounds = Bounds(timedelta(minutes=2), timedelta(seconds=45), ["x"], timedelta(minutes=15), ["x"])
    part = span(recording, after, limit=500, bytes=16 * 1024 * 1024)
    for read in (verification_sql.effects, verification_sql.frozen, verification_sql.acceptances, runs_sql.of_span):
        read(recording, part)
    verification_sql.events(recording, part, late=bounds.late)
    findings_sql.findings(recording, part, bounds)
    people_sql.findings(recording, part)
    runs_sql.findings(recording, part, bounds)
    recipients_sql.findings(recording, part, [step])
    findings_sql.counted(recording, part)
    recipients_sql.runs(recording, part)
    recording.close()
    touched = {}
    for sql, parameters in recording.asked:
        plan = explained(history.url, sql, parameters, LOOK_UP)
        touched[str(sql)] = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    assert len(touched) > 18
    assert {sql: pages for sql, pages in touched.items() if pages > PAGES_OF_A_CHUNK} == {}
    print(f"the largest: {max(touched.values()):,} pages of {sum(touched.values()):,}")


# A person of whom there is something of each kind.
KNOWN = (
    "INSERT INTO contacts (key) VALUES (sha256('7'))",
    "INSERT INTO event_contacts (contact, event_id, received_at) SELECT sha256('7'), id, received_at FROM events",
    "INSERT INTO consents (contact, list, event_id, kind, by_person, at)"
    " SELECT sha256('7'), 'news', id, 'given', true, received_at FROM events",
    "INSERT INTO leads (contact, address, attributes, refused, since, changed)"
    " SELECT sha256('7'), '{}', '{}', '{}', drumbeat_now(), drumbeat_now()",
    "INSERT INTO suppressions (contact, seq, reason, actor) VALUES (sha256('7'), 1, 'asked', 'test')",
)

# What statements are put together from.
PARTS = {
    "DERIVED",
    "EFFECT",
    "REASON",
    "SEARCHED",
    "COUNTED_MINUTES",
    "COUNTED_HOURS",
    "COUNTED_EFFECTS",
    "CANDIDATES_FOR_ATTENTION",
    "LASTING_CANDIDATES",
}


def test_every_statement_of_relay_and_views_is_asked(database: TestDatabase) -> None:
    configured(database)
    recorded(database)
    attempts_sql.open_attempts(database, [opening(claimed(database, waiting(database)))])
    for statement in KNOWN:
        database.run(statement)
    configured(database, 5)
    for statement in OF_RUN:
        database.run(statement, {"run": RUN, "leads": 1})
    database.run("INSERT INTO event_contacts SELECT sha256('7'), id, received_at FROM events WHERE id = %s", (RUN,))

    sent = {sql for reading in ALL.values() for sql, _ in asked(database.url, reading)}

    statements = {
        f"{module}.{name}": value
        for module in MODULES
        for name, value in vars(importlib.import_module(f"drumbeat.{module}")).items()
        if name.isupper() and name not in PARTS and isinstance(value, str) and value.lstrip().startswith(VERBS)
    }
    statements = {name: value for name, value in statements.items() if not name.rpartition(".")[2].startswith("_")}
    assert [name for name, sql in statements.items() if sql not in sent] == []
    assert {
        *event_pages._CANDIDATES.values(),
        event_pages._NEWEST,
        event_pages._NAMED,
        event_pages._OF_KINDS,
    } <= sent
    assert {*effect_pages._BY_STATUS.values(), *effects_newest.SOME.values(), *beginnings.STATEMENTS.values()} <= sent

"""What either release has written, the console of either shows: every route that reads, over one ledger."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from drumbeat.core.reasons import ReasonCode
from drumbeat.core.status import Status
from drumbeat.local.template import Template
from functions.console import app as present
from tests.conftest import ROOT, TestDatabase
from tests.faults.beside import Beside, PresentFirst, Release
from tests.faults.environment import Environment
from tests.faults.runs import Simulate
from tests.faults.scenarios import SCENARIOS
from tests.faults.stories import STORIES, warm_up
from tests.functions.console import Console, build_services, close
from tests.releases import before

HISTORIES = (STORIES["cut"], STORIES["webhook"], STORIES["replanned"], SCENARIOS["a key expires"].play)
# Every code of the present code, with and without a detail, on rows that both releases wrote.
ANY_REASON = """
    UPDATE {table} SET reason_code = code, reason = 'a sentence', reason_detail = nullif(number %% 3, 0)::text
      FROM (SELECT effect_id, seq, (row_number() OVER (ORDER BY effect_id, seq))::int AS number FROM journal) AS n,
           unnest(%s::text[]) WITH ORDINALITY AS codes (code, place)
     WHERE {key} AND place = 1 + number %% cardinality(%s::text[])
"""
CODES = "SELECT DISTINCT reason_code::text AS code FROM {table} WHERE reason_code IS NOT NULL"
NAMES = """
    SELECT jsonb_object_keys(coalesce(compiled -> %(kind)s, '{}')) AS name
      FROM configs
     WHERE version = (SELECT max(version) FROM configs)
"""  # of campaigns, or audiences
JOURNAL, EFFECTS = "journal.effect_id = n.effect_id AND journal.seq = n.seq", "effects.id = n.effect_id AND n.seq = 1"


def folder(release: Release) -> Path:
    return before.folder() if release is Release.BEFORE else ROOT


def function(release: Release) -> ModuleType:
    return before.module("functions.console.app") if release is Release.BEFORE else present


@pytest.fixture
def ledger(environment: Environment, simulate: Simulate) -> TestDatabase:
    """A ledger that both releases have written, in turn."""
    simulation = simulate(kind=PresentFirst)
    assert isinstance(simulation, Beside)
    warm_up(simulation)
    for history in HISTORIES:
        history(simulation)
    for table, key in (("journal", JOURNAL), ("effects", EFFECTS)):
        codes = [*ReasonCode]
        environment.owner.run(ANY_REASON.format(table=table, key=key), (codes, codes))
    written = {row["code"] for row in environment.owner.run(CODES.format(table="journal"))}
    assert written == {*ReasonCode}
    database = TestDatabase(environment.servers.database_url)
    database.admin_url = environment.servers.owner_url
    return database


@pytest.fixture
def console(
    ledger: TestDatabase,
    environment: Environment,
    sqs_endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
    release: Release,
) -> Iterator[Console]:
    services = build_services(ledger, environment.servers.redis_url, sqs_endpoint, monkeypatch)
    theirs = before.module("drumbeat.services")
    yield Console(services, function(release))
    close(theirs.services(), theirs)
    close(services)


@pytest.mark.point(63)
@pytest.mark.parametrize("release", Release)
def test_every_route_that_reads_answers_over_what_both_have_written(
    console: Console, environment: Environment, release: Release
) -> None:
    routes = [route for route in Template.load(folder(release) / "template.yaml").routes if route.function == "console"]
    answers = {
        (path, *query.values()): console.call("GET", path, **query)
        for route in routes
        if route.method == "GET"
        for path, query in questions(route.path, environment)
    }

    assert {question: answer for question, answer in answers.items() if answer[0] != 200} == {}


def questions(path: str, environment: Environment) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each question that a route answers: about every row, in every status."""
    if path == "/v1/effects/{id}/request":
        for row in environment.owner.run("SELECT DISTINCT effect_id AS id FROM requests"):
            yield path.replace("{id}", str(row["id"])), {}
    elif path.startswith("/v1/runs/{id}"):
        for row in environment.owner.run("SELECT id FROM runs"):
            yield path.replace("{id}", str(row["id"])), {}
    elif "{name}" in path:
        for row in environment.owner.run(NAMES, {"kind": path.split("/")[2]}):
            yield path.replace("{name}", row["name"]), {}
    elif "{id}" in path:
        for row in environment.owner.run("SELECT id FROM events"):
            yield path.replace("{id}", str(row["id"])), {}
    elif "{person}" in path:
        for row in environment.owner.run("SELECT person FROM contacts"):
            yield path.replace("{person}", str(row["person"])), {}
    elif path in ("/v1/effects", "/v1/effects/groups"):
        for status in Status:
            yield path, {"status": status}
    else:
        yield path, {"limit": "200"} if path in ("/v1/events", "/v1/effects") else {}

"""Migrations against a real Postgres: each step once, whole or not at all, whatever happens around them."""

import threading
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from drumbeat.ledger import roles, steps
from drumbeat.ledger.migrate import migrate
from drumbeat.ledger.steps import MigrationFailed
from drumbeat.local.servers import Postgres

FIRST = "CREATE TABLE notes (id integer PRIMARY KEY)"
SECOND = "ALTER TABLE notes ADD COLUMN body text"


@pytest.fixture
def empty(postgres: Postgres) -> Iterator[str]:
    """URL of a database with nothing in it."""
    name = f"m{uuid.uuid4().hex}"
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        yield postgres.url(name)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def owner(empty: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(empty, autocommit=True) as connection:
        yield connection


def numbered(*texts: str) -> tuple[steps.Step, ...]:
    return steps.numbered({f"{n:03d}_step.sql": text.encode() for n, text in enumerate(texts, start=1)})


def columns(owner: psycopg.Connection) -> list[str]:
    found = owner.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'notes' ORDER BY 1")
    return [name for (name,) in found]


def test_a_second_run_finds_nothing_to_do(empty: str) -> None:
    first = migrate(empty)

    second = migrate(empty)

    assert first.version == len(first.applied) == len(steps.packaged())
    assert second.version == first.version
    assert second.applied == ()


@pytest.mark.point(62)
def test_a_failing_step_leaves_the_old_schema_and_names_itself(owner: psycopg.Connection) -> None:
    broken = numbered(FIRST, f"{SECOND}; INSERT INTO nowhere VALUES (1)")

    with pytest.raises(MigrationFailed, match=r'002_step\.sql failed.*"nowhere" does not exist.*schema of step 001'):
        steps.apply(owner, broken)

    assert columns(owner) == ["id"]
    assert steps.apply(owner, numbered(FIRST, SECOND)) == ["002_step.sql"]


def test_a_released_step_that_changed_is_refused(owner: psycopg.Connection) -> None:
    steps.apply(owner, numbered(FIRST))

    with pytest.raises(MigrationFailed, match=r"001_step\.sql is not the file that was applied"):
        steps.apply(owner, numbered(f"{FIRST} -- edited", SECOND))

    assert columns(owner) == ["id"]


@pytest.mark.point(63)
def test_an_older_release_accepts_a_newer_schema(owner: psycopg.Connection) -> None:
    steps.apply(owner, numbered(FIRST, SECOND))

    assert steps.apply(owner, numbered(FIRST)) == []


def test_concurrent_runs_apply_each_step_once(empty: str) -> None:
    applied: list[str] = []
    barrier = threading.Barrier(4)

    def run() -> None:
        with psycopg.connect(empty, autocommit=True) as connection:
            barrier.wait()
            applied.extend(steps.apply(connection, numbered(FIRST, SECOND), pause=lambda: None))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(applied) == ["001_step.sql", "002_step.sql"]


@pytest.mark.point(62)
def test_a_step_gives_way_to_a_table_in_use_and_comes_back(
    empty: str, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LOCK_TIMEOUT_SECONDS", 0.1)
    steps.apply(owner, numbered(FIRST))

    with psycopg.connect(empty) as reader:
        reader.execute("SELECT FROM notes")  # holds its lock until the pause
        applied = steps.apply(owner, numbered(FIRST, SECOND), pause=reader.rollback)

    assert applied == ["002_step.sql"]


@pytest.mark.point(62)
def test_a_step_that_is_stopped_to_end_a_deadlock_comes_back(owner: psycopg.Connection) -> None:
    owner.execute("CREATE TABLE calm ()")
    locked = """
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM calm) THEN RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END IF;
        END $$
    """

    def pause() -> None:
        owner.execute("INSERT INTO calm DEFAULT VALUES")

    applied = steps.apply(owner, numbered(locked), pause=pause)

    assert applied == ["001_step.sql"]


@pytest.mark.point(62)
def test_a_table_that_never_comes_free_is_reported(
    empty: str, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LOCK_TIMEOUT_SECONDS", 0.1)
    steps.apply(owner, numbered(FIRST))

    with psycopg.connect(empty) as reader:
        reader.execute("SELECT FROM notes")
        with pytest.raises(MigrationFailed, match=r"002_step\.sql failed 2 times: .* were busy"):
            steps.apply(owner, numbered(FIRST, SECOND), tries=2, pause=lambda: None)

    assert columns(owner) == ["id"]


def test_a_lost_connection_promises_neither_outcome(empty: str, owner: psycopg.Connection) -> None:
    suicidal = numbered(FIRST, "SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(MigrationFailed, match="as a whole or not at all"):
        steps.apply(owner, suicidal)


def test_a_gap_in_the_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match=r"003_late\.sql should be step 002"):
        steps.numbered({"001_first.sql": b"", "003_late.sql": b""})


def test_an_unreachable_database_is_reported_without_its_password() -> None:
    with pytest.raises(MigrationFailed, match="cannot be reached") as failure:
        migrate("postgresql://ada:geheim@127.0.0.1:1/ledger")

    assert "geheim" not in str(failure.value)


def test_who_operates_goes_on_seeing_people_and_who_only_reads_does_not(owner: psycopg.Connection) -> None:
    released = 9  # the steps of the release that knew no scope `people`
    roles.prepare(owner, None)
    steps.apply(owner, steps.packaged()[:released])
    owner.execute(
        "INSERT INTO api_keys (id, name, scopes, revoked_at) VALUES ('first', '', '{ingest,operate,read}', NULL),"
        " ('ops', '', '{operate}', NULL), ('report', '', '{read}', NULL), ('gone', '', '{operate,read}', now())"
    )

    steps.apply(owner, steps.packaged())

    assert dict(owner.execute("SELECT id, scopes FROM api_keys").fetchall()) == {
        "first": ["ingest", "operate", "read", "people"],
        "ops": ["operate", "people"],
        "report": ["read"],
        "gone": ["operate", "read"],
    }

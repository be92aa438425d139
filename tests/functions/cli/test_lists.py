"""Lists on a screen of 80 columns: what fits, what is cut, and where the next page begins."""

import csv
import io
from dataclasses import replace
from typing import Any

import pytest

from drumbeat.cli import watch
from drumbeat.delivery import plans_sql
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.functions.api.test_api import held
from tests.functions.api.test_parked import park
from tests.functions.api.test_people import named
from tests.functions.cli.test_cli import Run, run, services
from tests.functions.console import Console
from tests.store.rows import LEASE, configured, new_effect, recorded, status, waiting

__all__ = ["run", "services"]

ADDRESS = "ada.augusta.lovelace-byron@the-analytical-engine.example.com"


@pytest.fixture
def narrow(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line where there is no terminal."""
    monkeypatch.delenv("COLUMNS")
    return run


def for_ada(services: Services, database: TestDatabase, **changes: Any) -> plans_sql.NewEffect:
    """Record an effect for a person whose address is long."""
    event = recorded(database, body=b'{"payload": {}}')
    configured(database)
    person = replace(named(Console(services), event), address={"v": ADDRESS, "t": 1, "e": str(event)}, attributes={})
    effect = new_effect(event, contact=person.contact, **changes)
    plans_sql.record(database, [plans_sql.NewPlan(event, 1, b"hash", {}, person=person)], [effect], LEASE)
    return effect


def test_every_list_fits_80_columns_whatever_is_in_it(
    narrow: Run, services: Services, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "an-account-with-quite-a-long-name-in-it"
    effect = for_ada(services, database, account=long, step="a-step-with-quite-a-long-name-in-it")
    held(database)
    park(services, "key-of-a-parked-event")
    monkeypatch.setenv("DRUMBEAT_KEY", Console(services).key("read", "people", "operate", id="grace"))
    monkeypatch.setattr(watch, "IDLE_SECONDS", 0.0)

    screens = {
        name: narrow(*name.split()).out
        for name in ("effects", "events", "watch --since 1h", "watch --since 1h --all", "parked list", "keys list")
    }

    lengths = {name: max(map(len, screen.splitlines())) for name, screen in screens.items()}
    assert {name: length for name, length in lengths.items() if length > 80} == {}
    for name in ("effects", "events", "watch --since 1h"):
        assert "ada.a" in screens[name]
        assert "\N{HORIZONTAL ELLIPSIS}" in screens[name]
    assert str(effect.id)[:8] in screens["effects"] and str(effect.id)[:8] in screens["watch --since 1h"]
    assert "unprovable" in screens["effects"]


def test_who_may_not_see_people_can_tell_them_apart(narrow: Run, services: Services, database: TestDatabase) -> None:
    for_ada(services, database)
    blind = Console(services).call("POST", "/v1/keys", {"name": "blind", "scopes": ["read"]})[1]["token"]

    listed = narrow("effects", "--key", blind)

    assert "masked-" in listed.out
    assert "ada" not in listed.out


def test_a_wide_list_has_whole_ids_and_texts(narrow: Run, services: Services, database: TestDatabase) -> None:
    effect = for_ada(services, database)

    listed = narrow("effects", "--wide")

    assert str(effect.id) in listed.out
    assert ADDRESS in listed.out and "\N{HORIZONTAL ELLIPSIS}" not in listed.out


def test_what_a_list_shows_of_an_id_is_taken_by_every_command(narrow: Run, database: TestDatabase) -> None:
    effect = held(database)
    short = narrow("effects").out.splitlines()[1].split()[0]
    event = narrow("events").out.splitlines()[1].split()[0]

    assert str(effect.event.id) in narrow("event", event).out
    assert short in narrow("effects", "--event", event, "--status", "held").out
    assert "no effects are so" in narrow("effects", "--event", event, "--status", "accepted").out
    assert narrow("resolve", short, "drop", "--reason", "old").code == 0
    assert status(database, effect.id) == "cancelled"
    assert f"{event} is the id of an event" in narrow("cancel", event, "--reason", "x").err
    assert narrow("effects", "--event", "0000").code == 1


def test_the_newest_come_first_and_the_next_page_has_its_cursor(narrow: Run, database: TestDatabase) -> None:
    effects = [str(waiting(database))[:8] for _ in range(3)]

    first = narrow("effects", "-n", "2")
    cursor = first.err.split()[-1]
    second = narrow("effects", "-n", "2", "--cursor", cursor)

    assert [line.split()[0] for line in first.out.splitlines()[1:]] == effects[:0:-1]
    assert [line.split()[0] for line in second.out.splitlines()[1:]] == effects[:1]
    assert second.err == ""
    assert narrow("effects", "-n", "2", "--json").json["next"] == cursor


def test_a_list_is_printed_for_spreadsheets(narrow: Run, database: TestDatabase) -> None:
    effect = waiting(database)

    (row,) = csv.DictReader(io.StringIO(narrow("effects", "--csv").out))

    assert (row["effectId"], row["status"]) == (str(effect), "waiting")
    assert narrow("effects", "--csv", "--status", "held").out == ""


def test_what_happened_since_is_listed(narrow: Run, database: TestDatabase) -> None:
    waiting(database)

    assert len(narrow("effects", "--since", "1h").out.splitlines()) == 2
    assert len(narrow("events", "--since", "2d").out.splitlines()) == 2
    assert narrow("effects", "--since", "2100-01-01").out.startswith("no effects are so")
    assert narrow("effects", "--since", "soon").code == 2


def test_watching_ends_with_exit_0_and_names_a_beginning_that_is_none(
    narrow: Run, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = recorded(database)
    monkeypatch.setattr(watch, "IDLE_SECONDS", 0.0)

    assert narrow("watch", "--run", str(event)[:8], "--account", "mail").code == 0
    assert narrow("watch", "--event", "0000").code == 1

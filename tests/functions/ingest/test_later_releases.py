"""After a rollback: what the release before does with a configuration that a later one applied."""

import json

import pytest

from drumbeat.ingest.catalog import KEY
from functions.ingest import app
from tests.functions.doors import Doors, lead, make_unreachable
from tests.functions.ingest.test_webhooks import deliver

CODE = {"scheme": "github", "secrets": ["env:SESAME"]}


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESAME", "sesame")


def new_process() -> None:
    app.door.cache_clear()
    app.single.cache_clear()


def test_a_configuration_that_must_not_be_read_stops_no_event_of_the_api(doors: Doors) -> None:
    doors.apply(["moon phases"], code=CODE)
    new_process()

    answer = doors.post("/v1/events", lead("one"))

    assert answer.status == 202
    assert len(doors.events()) == 1


def test_its_webhooks_are_asked_to_come_again(doors: Doors) -> None:
    doors.apply(["moon phases"], code=CODE)
    new_process()

    answers = [deliver(doors), doors.post("/v1/webhooks/unheard-of", b"{}", key=None)]

    assert [answer.status for answer in answers] == [503, 503]
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    assert doors.events() == []


def test_a_process_that_knew_the_sources_keeps_their_names_from_the_api(doors: Doors) -> None:
    doors.configure(code=CODE)
    assert deliver(doors).status == 202
    doors.apply(["moon phases"], code=CODE)
    app.door().catalog._read_again_at = 0.0

    answers = [doors.post("/v1/events", lead("one", source="code")), doors.post("/v1/events", lead("two"))]

    assert [answer.status for answer in answers] == [403, 202]
    assert deliver(doors, delivery="2").status == 503


def test_the_next_configuration_that_may_be_read_is_served(doors: Doors) -> None:
    doors.apply(["moon phases"], code=CODE)
    new_process()
    refused = deliver(doors).status
    doors.apply(code=CODE)
    app.door().catalog._read_again_at = 0.0

    assert (refused, deliver(doors).status) == (503, 202)


def test_fields_of_a_later_release_hurt_neither_a_source_nor_its_copy(doors: Doors) -> None:
    doors.configure(code={**CODE, "moon": "full"})
    direct = deliver(doors).status
    stored = doors.services.redis.get(KEY)
    assert isinstance(stored, str | bytes)
    later = json.loads(stored) | {"moon": "full"}
    later["sources"]["code"]["moon"] = "full"
    doors.services.redis.set(KEY, json.dumps(later))
    make_unreachable(doors.services)
    new_process()

    assert (direct, deliver(doors, delivery="2").status) == (202, 202)


def test_a_signature_scheme_of_a_later_release_is_asked_to_come_again(doors: Doors) -> None:
    doors.configure(code={**CODE, "scheme": "carrier_pigeon"})

    answer = deliver(doors)

    assert answer.status == 503
    assert "carrier_pigeon" in answer.body["detail"]

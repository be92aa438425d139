"""Following the journal from a terminal: through outages, and not for ever."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

import click
import pytest

from drumbeat.cli.client import Client, Refusal, Unanswered
from drumbeat.cli.watch import IDLE_SECONDS, Watch
from tests.unit.cli.test_listing import ITEM

AWAY = Unanswered("http://127.0.0.1:8787 does not answer")
NOTHING = object()


@dataclass
class Deployment:
    """Answers with these pages, one after another, and then with nothing new; time passes only while it is waited."""

    pages: Iterable[Any]
    json: bool = False
    stops: Iterable[Any] = ()
    asked: list[dict[str, Any]] = field(default_factory=list)
    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def get(self, path: str, **query: object) -> dict[str, Any]:
        self.asked.append({name: value for name, value in query.items() if value is not None})
        answer = next(self._answers, NOTHING)
        if isinstance(answer, Exception):
            raise answer
        items = [] if answer is NOTHING else answer
        return {"items": items, "next": f"c{len(self.asked)}", "behind": False, "stops": next(self._stops, [])}

    def __post_init__(self) -> None:
        self._answers = iter(self.pages)
        self._stops = iter(self.stops)

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        if self.now > 100 * IDLE_SECONDS:
            raise KeyboardInterrupt

    def watched(self, idle_seconds: float | None = IDLE_SECONDS) -> None:
        query = {"account": "mail", "every": None}
        client = cast("Client", self)
        Watch(client, query, idle_seconds, clock=lambda: self.now, sleep=self.wait).follow("2026-11-30")


def test_each_change_is_a_line_and_the_next_question_goes_on_after_it(capsys: pytest.CaptureFixture[str]) -> None:
    deployment = Deployment([[ITEM, ITEM | {"at": "2026-12-01T08:00:00Z"}], [ITEM]])

    deployment.watched()

    lines = capsys.readouterr().out.splitlines()
    assert [line[:8] for line in lines] == ["2026-11-", "12:00:01", "2026-12-", "08:00:00", "2026-11-", "12:00:01"]
    assert deployment.asked[:3] == [
        {"since": "2026-11-30", "account": "mail", "limit": 200},
        {"after": "c1", "account": "mail", "limit": 200},
        {"after": "c2", "account": "mail", "limit": 200},
    ]


def test_an_outage_is_said_once_and_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    deployment = Deployment([[], AWAY, Refusal(503, {}), AWAY, [ITEM]])

    deployment.watched()

    said = capsys.readouterr()
    assert said.err.count("does not answer") == 1
    assert said.err.count("it answers again") == 1
    assert "refused" in said.out
    assert [each.get("after") for each in deployment.asked[1:5]] == ["c1"] * 4


def test_what_is_stopped_is_said_once_and_that_it_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    one = {"account": "mail", "invariant": None, "reason": "two copies", "actor": "person:ada"}
    everything = one | {"account": None, "reason": "look"}
    broken = one | {"invariant": "duplicates", "reason": "a copy", "actor": "monitor"}
    other = one | {"account": "crm"}
    again = one | {"reason": "again"}

    looks = [[one], [one, other], [one, everything], [one], [one, broken], [broken], [], [one], [again]]
    Deployment([[]], stops=looks).watched()

    said = capsys.readouterr().err.splitlines()
    assert [line.partition(". ")[0] for line in said if "stop" in line or "mail goes" in line] == [
        "mail is stopped by person:ada: two copies",
        "everything is stopped by person:ada: look",
        "a stop of everything was lifted",
        "mail is stopped by monitor: a copy",
        "a stop of mail was lifted",
        "mail goes on",
        "mail is stopped by person:ada: two copies",
        "a stop of mail was lifted",
        "mail is stopped by person:ada: again",
        "mail goes on",
    ]


@pytest.mark.parametrize("pages", [[AWAY], [[], Refusal(401, {})], [[], Refusal(400, {})]])
def test_what_does_not_pass_by_itself_ends_it(pages: list[Any]) -> None:
    with pytest.raises(click.ClickException):
        Deployment(pages).watched()


def test_it_ends_after_ten_minutes_without_a_change_and_asks_less_often_before(
    capsys: pytest.CaptureFixture[str],
) -> None:
    deployment = Deployment([[], [], [ITEM]])

    deployment.watched()

    assert IDLE_SECONDS <= deployment.now <= IDLE_SECONDS + 10
    assert (min(deployment.waits), deployment.waits[-1]) == (1.0, 5.0)
    assert "--forever" in capsys.readouterr().err


def test_it_goes_on_for_ever_if_asked_to() -> None:
    with pytest.raises(KeyboardInterrupt):
        Deployment([]).watched(None)


def test_programs_read_one_document_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    Deployment([[ITEM, ITEM]], json=True).watched()

    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [ITEM, ITEM]

"""What providers reported is read from their record: each report once, and whether it was ever acknowledged."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from drumbeat.core.feedback import Kind
from drumbeat.sandbox.feedback import RETRY_SECONDS
from tests.chaos.sandbox_reports import told
from tests.unit.sandbox.simulated_sandbox import KEY, SimulatedSandbox

MAIL = UUID(KEY.rpartition("-")[0])


@pytest.fixture
def providers(tmp_path: Path) -> Iterator[SimulatedSandbox]:
    running = SimulatedSandbox(tmp_path)
    running.register("mailgun")
    yield running
    running.close()


def test_a_report_is_acknowledged_once_one_of_its_tries_is(providers: SimulatedSandbox, tmp_path: Path) -> None:
    providers.mailgun()
    providers.answer(providers.due(), 503)
    providers.answer(providers.due(after=RETRY_SECONDS[0]))

    found = {one.kind: (one.account, one.effect, one.acknowledged) for one in told(tmp_path / "record.jsonl")}

    assert found == {Kind.ACCEPTED: ("mail", MAIL, True), Kind.DELIVERED: ("mail", MAIL, True)}


def test_what_is_told_twice_is_one_report(providers: SimulatedSandbox, tmp_path: Path) -> None:
    providers.sandbox.command("lie", {"lie": "feedback_twice"})
    providers.mailgun()
    providers.answer(providers.due(after=1)[:1])

    found = {one.kind: one.acknowledged for one in told(tmp_path / "record.jsonl")}

    assert found == {Kind.ACCEPTED: True, Kind.DELIVERED: False}
    assert len(told(tmp_path / "record.jsonl")) == 2


def test_a_report_of_a_mail_that_was_never_sent_is_about_no_mail(providers: SimulatedSandbox, tmp_path: Path) -> None:
    providers.sandbox.command("lie", {"lie": "feedback_for_unknown"})
    providers.mailgun()

    assert sorted(str(one.effect) for one in told(tmp_path / "record.jsonl")) == [*[str(MAIL)] * 2, "None", "None"]


def test_a_report_that_its_provider_gives_up_is_said_to_be(providers: SimulatedSandbox, tmp_path: Path) -> None:
    providers.mailgun()
    providers.answer(providers.due(after=1), 406)

    assert {(one.acknowledged, one.given_up) for one in told(tmp_path / "record.jsonl")} == {(False, True)}

"""`drumbeat schedule preview`: instants on the command line, without any deployment."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from drumbeat.cli.main import main
from tests.conftest import VECTORS

PEOPLE = """
version: 1
defaults: {timezone: Europe/Berlin}
accounts: {mail: {provider: resend, settings: {from: a@b.example}, secrets: {api_key: "env:KEY"}}}
audiences: {readers: {field: plan, is: paid}}
campaigns:
  launch: {}
  note:
    schedule: "cron(0 9 ? * MON *)"
    timezone: recipient
    audience: readers
    steps: [{id: m, account: mail, action: send_email, transactional: r,
             with: {to: "{{ lead.email }}", subject: s, text: t}}]
"""
NEW_YORK = ("--expression", "cron(30 2 * * ? *)", "--timezone", "America/New_York")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a connection fails."""

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.socket.connect", refuse)


def preview(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["schedule", "preview", *options])
    assert ended.value.code == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["schedule", "preview", *options])
    assert ended.value.code == 2
    return capsys.readouterr().err


def vectors() -> list[Any]:
    file = VECTORS / "dst.json"
    return json.loads(file.read_text())["cases"] if file.exists() else []


@pytest.mark.point(58)
def test_the_published_rules_of_the_scheduler_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    if not vectors():
        pytest.skip(f"{VECTORS}/dst.json is not there; DRUMBEAT_VECTORS names its folder")
    for case in vectors():
        schedule = case["schedule"]
        if schedule["kind"] == "rate":
            days = [case["local_times"][0][:10], case["local_times"][-1][:10]]
            options = ["--expression", schedule["expression"], "--start", schedule["start_utc"]]
        else:
            days = case["local_dates"]
            options = ["--expression", schedule["cron"]]
        options += ["--timezone", case["zone"], "--from", days[0], "--to", days[-1], "--on-gap", "skip", "--json"]

        found = json.loads(preview(capsys, *options))

        assert [each["utc"] for each in found] == case["expected_utc"], case["id"]


@pytest.mark.point(58)
def test_each_instant_comes_in_utc_and_in_local_time_with_what_is_special_about_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = json.loads(preview(capsys, *NEW_YORK, "--from", "2026-03-07", "--to", "2026-03-08", "--json"))

    assert found == [
        {"utc": "2026-03-07T07:30:00Z", "local": "2026-03-07T02:30:00-05:00", "note": None},
        {
            "utc": "2026-03-08T07:00:00Z",
            "local": "2026-03-08T03:00:00-04:00",
            "note": "2026-03-08 02:30 does not exist: it fires at 03:00",
        },
    ]


def test_json_may_be_asked_for_before_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--json", "schedule", "preview", *NEW_YORK, "--from", "2026-03-07", "--to", "2026-03-07"])

    assert [each["utc"] for each in json.loads(capsys.readouterr().out)] == ["2026-03-07T07:30:00Z"]


def test_people_also_see_what_is_skipped(capsys: pytest.CaptureFixture[str]) -> None:
    table = preview(capsys, *NEW_YORK, "--from", "2026-03-07", "--to", "2026-03-09", "--on-gap", "skip")

    assert "2026-03-08 02:30 does not exist: skipped" in table
    assert table.count("Z ") == 2


def test_without_dates_the_coming_thirty_days_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(preview(capsys, "--expression", "cron(0 9 * * ? *)", "--json"))

    days = [date.fromisoformat(each["local"][:10]) for each in found]
    assert days[-1] - days[0] == timedelta(days=30)
    assert len(days) == 31


def test_the_last_day_that_there_is_ends_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        options = ("--expression", "rate(12 hours)", "--timezone", zone, "--from", "2199-12-31", "--json")

        assert len(json.loads(preview(capsys, *options))) == 2


def test_nothing_to_show_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    shown = preview(capsys, "--expression", "at(2030-01-31T09:00:00)", "--from", "2026-01-01", "--to", "2026-12-31")

    assert "does not fire" in shown


def test_a_campaigns_own_values_are_taken_and_options_win(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "drumbeat.yaml").write_text(
        "version: 1\ndefaults: {timezone: America/New_York}\n"
        "campaigns: {night: {schedule: 'cron(30 2 * * ? *)', on_gap: skip}}\n"
    )
    of_campaign = ("--campaign", "night", "--config", str(tmp_path), "--from", "2026-03-08", "--to", "2026-03-08")

    skipped = json.loads(preview(capsys, *of_campaign, "--json"))
    shifted = json.loads(preview(capsys, *of_campaign, "--on-gap", "shift", "--json"))

    assert skipped == []
    assert [each["utc"] for each in shifted] == ["2026-03-08T07:00:00Z"]
    assert "there are: night" in refused(capsys, "--campaign", "nigth", "--config", str(tmp_path))


def test_a_time_that_each_person_has_is_shown_for_the_fallback_or_another_zone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "drumbeat.yaml").write_text(PEOPLE)
    of_campaign = ("--config", str(tmp_path), "--from", "2026-03-30", "--to", "2026-03-30", "--json", "--campaign")

    fallback = json.loads(preview(capsys, *of_campaign, "note"))
    there = json.loads(preview(capsys, *of_campaign, "note", "--timezone", "Asia/Tokyo"))

    assert [each["local"] for each in fallback + there] == ["2026-03-30T09:00:00+02:00", "2026-03-30T09:00:00+09:00"]
    assert "launch has no schedule: it starts by hand" in refused(capsys, *of_campaign, "launch")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "--expression or --campaign"),
        (("--expression", "every monday"), "a schedule is cron("),
        (("--expression", "rate(1 day)", "--timezone", "Mars"), "no time zone Mars"),
        (("--expression", "rate(1 day)", "--timezone", ""), "no time zone"),
        (("--expression", "", "--timezone", "UTC"), "a schedule is cron("),
        (("--expression", "cron(0 9 30 2 ? *)"), "a day that never comes"),
        (("--expression", "rate(1 day)", "--from", "yesterday"), "not a date such as"),
        (("--expression", "rate(1 day)", "--from", "0001-01-01"), "not between 1970-01-01 and 2199-12-31"),
        (("--expression", "rate(1 day)", "--to", "9999-12-31"), "not between 1970-01-01 and 2199-12-31"),
        (("--expression", "rate(1 day)", "--from", "2026-02-01", "--to", "2026-01-01"), "lies before --from"),
        (("--expression", "rate(1 day)", "--start", "2026-02-01T09:00:00"), "not an instant such as"),
        (("--expression", "rate(1 day)", "--start", "0001-01-01T00:00:00+14:00"), "not between 1970-01-01"),
        (("--expression", "rate(1 day)", "--on-gap", "maybe"), "'shift', 'skip'"),
    ],
)
def test_bad_usage_is_reported_and_ends_with_two(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    assert said in refused(capsys, *options)


def test_an_expression_needs_no_configuration_beside_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert "2027-03-27" in preview(capsys, "--expression", "rate(1 day)", "--from", "2027-03-27")
    assert "campaigns does not exist" in refused(capsys, "--campaign", "digest")

"""`drumbeat campaign` against the real functions: what it shows, what it asks, which run a name stands for."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import cast

import pytest
from redis import Redis

from drumbeat.cli import following
from drumbeat.cli.main import main
from drumbeat.core.outcomes import Refused
from drumbeat.local.servers import Valkey
from tests.conftest import TestDatabase
from tests.functions.api.runs import RunsConsole, at_night, runs_console
from tests.functions.cli.test_cli import Ended, Run
from tests.functions.deployment import served
from tests.store.runs.stage import DOCUMENT, TEXT, Stage


@pytest.fixture
def console(
    database: TestDatabase, redis: "Redis", valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunsConsole]:
    with runs_console(database, valkey.url, sqs_endpoint, monkeypatch) as console:
        yield console


@pytest.fixture
def run(console: RunsConsole, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    monkeypatch.setenv("DRUMBEAT_KEY", console.key("read", "operate"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(following, "POLL_SECONDS", 0.01)

    def run(*arguments: str) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main(["campaign", *arguments])
        printed = capfd.readouterr()
        own = [line for line in printed.out.splitlines() if not line.startswith('{"')]  # what the functions log
        return Ended(int(ended.value.code or 0), "\n".join(own), printed.err)

    with served() as url:
        monkeypatch.setenv("DRUMBEAT_URL", url)
        yield run


def newest(console: RunsConsole) -> str:
    found: str = console.ask("GET", "/v1/runs", limit="1")["items"][0]["runId"]
    return found


def test_a_plan_is_shown_with_who_is_left_out_and_sends_nothing(console: RunsConsole, run: Run) -> None:
    console.apply(audience="{field: seats, at_least: 1}", limits=", limits: [1/m]")
    console.people("ada", "bob", seats=2)
    console.people("cyd", seats=2, agreed=False)

    shown = run("plan", "digest")
    console.work()

    assert shown.code == 0
    for said in ("step mail: 2 people by account mail", "left out: 1 not on the list", "about 60 s by its limits",
                 "ada@example.com", "hash ", f"drumbeat campaign run {newest(console)[:8]}"):  # fmt: skip
        assert said in shown.out
    assert console.provider.sent == []


def test_a_plan_shows_the_subject_that_is_approved_and_for_example_only_people_who_get_it(
    console: RunsConsole, run: Run
) -> None:
    console.apply(audience="{field: seats, at_least: 1}", subject="{{ lead.name }}, a fern")
    console.people("ada", seats=2)
    console.people("cyd", "dan", "eve", seats=2, agreed=False)

    shown = run("plan", "digest")

    assert "subject: {{ lead.name }}, a fern\n" in shown.out
    assert "for example: ada@example.com\n" in shown.out


def test_a_template_s_own_subject_is_shown_and_how_to_look_at_it(console: RunsConsole, run: Run) -> None:
    template = "---\nsubject: One plant, {{ lead.name }}\n---\nHello {{ unsubscribe_url }} {{ postal_address }}"
    words = 'subject: "News", text: ""'
    document = DOCUMENT.format(more="", audience="{list: news}", subject="News", text="", limits="")
    Stage.configure(cast("Stage", console.services), document.replace(words, "template: note"), {"note.txt": template})
    console.people("ada")

    shown = run("plan", "digest")

    assert "template note\n  subject: One plant, {{ lead.name }}\n" in shown.out
    assert "drumbeat preview note" in shown.out


@pytest.mark.parametrize(
    ("more", "question"),
    [
        ("", "send 1 mail?"),
        (
            "approve: true",
            "nothing is sent yet: a person has to approve it, for its campaign says that a person approves each run."
            " Ask for 1 mail?",
        ),
    ],
)
def test_the_question_says_whether_it_is_sent_or_waits_for_approval(
    console: RunsConsole, run: Run, monkeypatch: pytest.MonkeyPatch, more: str, question: str
) -> None:
    console.apply(more)
    console.people("ada")

    monkeypatch.setattr("sys.stdin", StringIO("n\n"))
    asked = run("run", "digest")

    assert (asked.code, question in asked.err) == (1, True)


def test_a_campaign_is_sent_once_the_person_has_seen_how_many_and_agreed(
    console: RunsConsole, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.apply()
    console.people("ada", "bob")

    monkeypatch.setattr("sys.stdin", StringIO("n\n"))
    refused = run("run", "digest")
    console.work()
    nothing = list(console.provider.sent)
    agreed = run("run", "digest", "--yes")
    console.work()
    shown = run("show", newest(console)[:8])

    assert (refused.code, "send 2 mails?" in refused.err, nothing) == (1, True, [])
    assert (agreed.code, "--follow" in agreed.out) == (0, True)
    assert sorted(console.provider.sent) == ["ada@example.com", "bob@example.com"]
    assert "step mail: 2 accepted" in shown.out
    assert "finished" in shown.out


def test_an_approved_plan_is_the_one_that_is_sent_and_no_other_is_made(console: RunsConsole, run: Run) -> None:
    console.apply()
    console.people("ada")
    run("plan", "digest")

    approved = run("approve", "digest", "--yes", "--reason", "the offer ends on Friday")
    told = run("show", console.ask("GET", "/v1/runs")["items"][0]["runId"]).out
    console.people("bob")
    started = run("run", "digest", "--yes")
    console.work()

    assert (approved.code, "drumbeat campaign run" in approved.out, started.code) == (0, True, 0)
    assert "approved by person:ada" in told and "the offer ends on Friday" in told
    assert console.provider.sent == ["ada@example.com"]
    assert len(console.ask("GET", "/v1/runs")["items"]) == 1


def test_a_run_that_waits_says_how_it_is_approved(console: RunsConsole, run: Run) -> None:
    console.apply("approve: true")
    console.people("ada")

    asked = run("run", "digest", "--yes")
    console.work()
    approved = run("approve", "digest", "--yes")
    console.work()

    assert f"drumbeat campaign approve {newest(console)[:8]}" in asked.out
    assert (approved.code, console.provider.sent) == (0, ["ada@example.com"])


def test_the_name_of_a_campaign_stands_for_the_one_run_that_can_be_meant(console: RunsConsole, run: Run) -> None:
    console.apply("pace: 1/h")
    console.people("ada", "bob", "cyd")
    run("run", "digest", "--yes")
    console.work()

    early = run("resume", "digest", "--reason", "x")
    paused = run("pause", "digest", "--reason", "a typo", "--for", "2h")
    shown = run("show", newest(console))
    resumed = run("resume", "digest", "--reason", "it is none")
    cancelled = run("cancel", "digest", "--reason", "enough")

    assert (early.code, "no run of digest can be resumed" in early.err) == (1, True)
    assert (paused.code, "goes on by itself in " in paused.out, "a typo" in shown.out) == (0, True, True)
    assert (resumed.code, cancelled.code) == (0, 0)
    assert f"drumbeat campaign missing {newest(console)[:8]}" in cancelled.out


@pytest.mark.parametrize("command", ["approve", "pause", "resume", "cancel", "missing", "show", "plan"])
def test_a_name_that_is_empty_means_no_run_of_anyone(console: RunsConsole, run: Run, command: str) -> None:
    console.apply("approve: true")
    console.people("ada")
    id = console.ask("POST", "/v1/campaigns/digest/runs", {"idempotencyKey": "k"})["runId"]
    console.work()

    ended = run(command, "", *(["--reason", "x"] if command in ("pause", "resume", "cancel", "missing") else []))

    assert (ended.code, "is empty" in ended.err) == (2, True)
    assert console.ask("GET", f"/v1/runs/{id}")["state"] == "awaiting_approval"


def test_where_several_runs_could_be_meant_none_is_taken(console: RunsConsole, run: Run) -> None:
    console.apply("pace: 1/h")
    console.people("ada", "bob")
    for subject in ("one", "two"):
        console.apply("pace: 1/h", subject=subject)
        run("run", "digest", "--yes")
        console.work()

    said = run("pause", "digest", "--reason", "wait")

    assert (said.code, "several runs of digest" in said.err) == (1, True)
    assert {each["state"] for each in console.ask("GET", "/v1/runs")["items"]} == {"running"}


def run_ids(console: RunsConsole) -> list[str]:
    return [each["runId"][:8] for each in console.ask("GET", "/v1/runs")["items"]]


def test_plans_that_were_never_started_do_not_stand_before_the_run_that_is_sent(console: RunsConsole, run: Run) -> None:
    console.apply("pace: 1/h")
    console.people("ada", "bob", "cyd")
    run("plan", "digest")
    run("run", "digest", "--yes")
    console.work()
    run("plan", "digest")
    _, sent, _ = run_ids(console)

    paused = run("pause", "digest", "--reason", "a typo", "--for", "2h")
    longer = run("pause", "digest", "--reason", "a typo", "--for", "5h")
    resumed = run("resume", "digest", "--reason", "it is none")
    cancelled = run("cancel", "digest", "--reason", "the wrong text")
    missing = run("missing", "digest")

    for ended in (paused, longer, resumed, cancelled):
        assert (ended.code, f"run {sent} of digest" in ended.out) == (0, True)
    assert "in 5 h" in longer.out
    assert (missing.code, f"run {sent} of digest" in missing.out) == (0, True)
    assert [each["state"] for each in console.ask("GET", "/v1/runs")["items"]] == ["planned", "cancelled", "planned"]


def test_a_run_that_was_cancelled_before_it_began_is_not_the_one_that_some_miss(console: RunsConsole, run: Run) -> None:
    console.apply("approve: true")
    console.people("ada", "bob")
    run("run", "digest", "--yes")
    console.work()
    run("approve", "digest", "--yes")
    console.work()
    run("run", "digest", "--yes")
    console.work()
    run("cancel", "digest", "--reason", "not this week")
    _, sent = run_ids(console)

    missing = run("missing", "digest")

    assert (missing.code, f"run {sent} of digest" in missing.out) == (0, True)


def test_who_looks_on_by_name_sees_the_run_that_was_asked_for_last_and_no_plan(console: RunsConsole, run: Run) -> None:
    console.apply("approve: true")
    console.people("ada")
    for asked in ("run", "approve", "run"):
        run(asked, "digest", "--yes")
        console.work()
    run("plan", "digest")
    _, waiting, _ = run_ids(console)

    followed = run("show", "digest", "--follow")
    listed = run("show", "digest", "--people", "--json").json["items"]

    assert f"drumbeat campaign approve {waiting}" in followed.out
    assert [each["steps"][0]["status"] for each in listed] == [None]


def test_a_plan_is_cancelled_by_name_where_there_is_nothing_else(console: RunsConsole, run: Run) -> None:
    console.apply()
    console.people("ada")
    run("plan", "digest")

    cancelled = run("cancel", "digest", "--reason", "not this week")

    assert (cancelled.code, console.ask("GET", "/v1/runs")["items"][0]["state"]) == (0, "cancelled")


def test_the_newest_plan_is_approved_and_the_older_ones_are_left_aside(console: RunsConsole, run: Run) -> None:
    console.apply()
    console.people("ada")
    for _ in range(3):
        run("plan", "digest")
    chosen = run_ids(console)[0]

    approved = run("approve", "digest", "--yes")
    started = run("run", "digest", "--yes")
    console.work()

    for ended, did in ((approved, f"run {chosen} is approved"), (started, f"run {chosen} is")):
        assert (ended.code, did in ended.out) == (0, True)
        assert f"digest means {chosen} of " in ended.err
        assert "2 plans besides it are left aside" in ended.err
    assert console.provider.sent == ["ada@example.com"]


def test_what_waits_for_approval_is_approved_though_older_plans_were_left(console: RunsConsole, run: Run) -> None:
    console.apply("approve: true")
    console.people("ada")
    run("plan", "digest")
    run("run", "digest", "--yes")
    console.work()

    approved = run("approve", "digest", "--yes")
    console.work()

    assert (approved.code, "1 plan besides it is left aside" in approved.err) == (0, True)
    assert console.provider.sent == ["ada@example.com"]


def test_where_several_runs_wait_for_approval_they_are_listed_with_state_and_age(
    console: RunsConsole, run: Run
) -> None:
    console.apply("approve: true")
    console.people("ada")
    for _ in range(2):
        run("run", "digest", "--yes")
        console.work()
    run("plan", "digest")
    newest_plan, *waiting = run_ids(console)

    said = run("approve", "digest", "--yes")

    lines = said.err.strip().splitlines()
    assert (said.code, "several runs of digest can be approved" in lines[0]) == (1, True)
    assert [line.split(", of ")[0].split() for line in lines[1:]] == [
        [newest_plan, "plan"],
        *([each, "awaiting_approval"] for each in waiting),
    ]
    assert all(line.endswith(" ago") for line in lines[1:])


def test_an_approved_plan_of_another_configuration_does_not_stand_in_the_way(console: RunsConsole, run: Run) -> None:
    console.apply()
    console.people("ada")
    run("plan", "digest")
    run("approve", "digest", "--yes")
    console.apply(subject="Louder")

    sent = run("run", "digest", "--yes")
    console.work()

    assert (sent.code, "planned anew" in sent.err) == (0, True)
    assert console.provider.sent == ["ada@example.com"]


def test_those_who_did_not_get_it_are_counted_and_then_sent_to(console: RunsConsole, run: Run) -> None:
    console.apply("pace: 1/h")
    console.people("ada", "bob", "cyd")
    run("run", "digest", "--yes")
    console.work()
    run("cancel", "digest", "--reason", "a typo")
    console.work()
    before = len(console.provider.sent)

    counted = run("missing", "digest")
    sent = run("missing", "digest", "--reason", "no typo", "--yes")

    assert f"{3 - before} mails in all" in counted.out
    assert ("the run was cancelled" in counted.out, "running" in sent.out) == (True, True)


def test_campaigns_and_runs_are_listed_and_shown(console: RunsConsole, run: Run) -> None:
    console.apply('schedule: "cron(0 9 ? * MON *)"\n    timezone: Europe/Berlin')
    console.people("ada")
    run("plan", "digest")

    listed, runs, shown = run("list"), run("list", "--runs"), run("show", "digest")

    assert ("digest" in listed.out, "planned" in listed.out) == (True, True)
    assert newest(console)[:8] in runs.out
    assert ("to the audience readers" in shown.out, newest(console)[:8] in shown.out) == (True, True)


def test_a_run_says_why_mails_were_refused_and_where_each_person_is(console: RunsConsole, run: Run) -> None:
    console.apply(audience="{field: seats, at_least: 1}", text="Dear {{ lead.title }} " + TEXT)
    console.people("ada", seats=2, title="Dr")
    console.people("bob", "eve", seats=2)
    console.people("cyd", seats=2, title="Dr", agreed=False)
    console.provider.answer = lambda _: Refused("such a domain does not exist")
    run("run", "digest", "--yes")
    console.work()

    shown = run("show", newest(console))
    people = run("show", "digest", "--people")
    refused = run("show", newest(console)[:8], "--status", "refused", "--json").json["items"]
    few = run("show", "digest", "--people", "-n", "2", "--json").json["items"]
    left_out = run("show", "digest", "--left-out", "any")

    assert "refused: 2 the mail could not be filled" in shown.out
    assert "refused: 1 the provider refused it" in shown.out
    rows = sorted(" ".join(line.split()) for line in people.out.splitlines()[1:])
    assert rows[0] == "ada@example.com mail refused such a domain does not exist"
    assert rows[1].startswith("bob@example.com mail refused ")
    assert rows[2] == "cyd@example.com mail left out not on the list"
    assert {each["address"] for each in refused} == {f"{name}@example.com" for name in ("ada", "bob", "eve")}
    assert (len(few), len(left_out.out.splitlines())) == (2, 2)


def test_what_is_looked_on_at_goes_on_when_the_person_stops_looking(
    console: RunsConsole, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.apply("pace: 1/h")
    console.people("ada", "bob")
    run("run", "digest", "--yes")

    def stop(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", stop)
    stopped = run("show", "digest", "--follow")

    assert (stopped.code, f"drumbeat campaign show {newest(console)[:8]} --follow" in stopped.err) == (0, True)
    assert console.ask("GET", f"/v1/runs/{newest(console)}")["state"] in ("expanding", "running")


def test_a_person_at_night_is_told_why_nothing_is_sent_and_when_it_will_be(
    console: RunsConsole, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    night, end = at_night()
    console.apply(night)
    console.people("ada", "bob")
    looks = iter([console.work, console.work])

    def wait(_: float) -> None:
        if (look := next(looks, None)) is None:
            raise KeyboardInterrupt
        look()

    planned = run("plan", "digest")
    monkeypatch.setattr("time.sleep", wait)
    followed = run("run", "digest", "--yes", "--follow")
    shown = run("show", newest(console))

    said = "2 wait: their quiet hours are not over; the next mail in 3 h"
    assert [said in ended.out for ended in (planned, shown)] == [True, True]
    assert followed.err.count(f"their quiet hours are not over: the next mail {end:%Y-%m-%d %H:%M}Z, in 3 h") == 1


def test_json_is_what_the_deployment_answers(console: RunsConsole, run: Run) -> None:
    console.apply()
    console.people("ada")

    planned = run("plan", "digest", "--json").json

    assert planned["plan"]["mails"] == {"mail": 1}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "nothing"), "there is no run nothing, and no campaign is called so; there is digest"),
        (("show", "digets"), "did you mean digest?"),
        (("approve", "digets"), "did you mean digest?"),
        (("missing", "digets"), "did you mean digest?"),
        (("pause", "ffff", "--reason", "x"), "there is no run ffff"),
        (("plan", "digets"), "did you mean digest?"),
        (("approve", "digest"), "there is no run of digest yet: drumbeat campaign plan digest"),
    ],
)
def test_what_is_not_there_is_one_clear_line(console: RunsConsole, run: Run, words: tuple[str, ...], said: str) -> None:
    console.apply()

    ended = run(*words)

    assert (ended.code, said in ended.err, len(ended.err.strip().splitlines())) == (1, True, 1)


def test_one_is_said_of_one(console: RunsConsole, run: Run) -> None:
    console.apply(at_night()[0])
    console.people("ada", timezone="Europe/Berlni")
    planned = run("plan", "digest")
    run("run", "digest", "--yes")
    run("cancel", "digest", "--reason", "a typo")
    console.work()

    missing = run("missing", "digest")

    assert "1 person has a time zone that does not exist" in planned.out
    assert "1 mail in all" in missing.out


def test_a_pause_says_in_which_units_it_lasts(run: Run) -> None:
    said = " ".join(run("pause", "--help").out.split())

    assert "after so many minutes, hours or days: 30m, 2h, 1d; at most 30d" in said


def test_an_audience_that_asks_for_no_attribute_is_shown_without_a_column_of_them(
    console: RunsConsole, run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    console.people("ada", seats=2)
    heads = []
    for audience in ("{list: news}", "{field: seats, at_least: 1}"):
        console.apply(audience=audience)
        with pytest.raises(SystemExit):
            main(["audience", "show", "readers"])
        heads += [line.split() for line in capfd.readouterr().out.splitlines() if line.startswith("address")]

    assert heads == [["address"], ["address", "what"]]


def test_a_run_for_no_person_is_not_started(console: RunsConsole, run: Run) -> None:
    console.apply()

    ended = run("run", "digest", "--yes")

    assert (ended.code, "no person would be mailed" in ended.err) == (1, True)
    assert [each["state"] for each in console.ask("GET", "/v1/runs")["items"]] == ["planned"]


def test_the_mails_of_a_campaign_are_sent_to_ones_own_address_filled_with_what_is_known_of_it(
    console: RunsConsole, run: Run, tmp_path: Path
) -> None:
    console.apply(text="Hello {{ lead.name }} of {{ campaign.name }} {{ unsubscribe_url }} {{ postal_address }}")
    console.people("ada")
    sample = tmp_path / "lead.json"
    sample.write_text('{"name": "Ada"}')

    asked = run("preview", "digest", "--to", "ada@example.com", "--sample", str(sample), "--within", "0")
    console.work()
    event = console.ask("GET", "/v1/events")["items"][0]["eventId"]
    (effect,) = console.ask("GET", f"/v1/events/{event}")["effects"]

    assert f"drumbeat event {event}" in asked.out
    assert (effect["flow"], effect["status"], console.provider.sent) == (
        "preview:digest",
        "accepted",
        ["ada@example.com"],
    )
    assert console.ask("GET", "/v1/runs")["items"] == []


@pytest.mark.parametrize(
    ("consent", "advice"),
    [
        (None, "drumbeat leads import FILE.csv --list news --consent"),
        ("pending", "has not confirmed yet"),
        ("withdrawn", "no import undoes that"),
    ],
)
def test_a_preview_that_was_not_sent_says_what_to_do_and_not_where_it_is(
    console: RunsConsole, run: Run, monkeypatch: pytest.MonkeyPatch, consent: str | None, advice: str
) -> None:
    console.apply()
    keys = console.people("cyd", agreed=False)
    if consent is not None:
        console.services.db.run(
            "UPDATE contacts SET consents = consent_fact('news', %s, true, drumbeat_now(), gen_random_uuid())"
            " WHERE key = %s",
            (consent, keys[0]),
        )
    monkeypatch.setattr("time.sleep", lambda _: console.work())

    asked = run("preview", "digest", "--to", "cyd@example.com")

    assert (asked.code, "is cancelled: no consent: news" in asked.out, advice in asked.out) == (1, True, True)
    assert "nothing arrives" in asked.out
    assert ("inbox" in asked.out, "mailbox" in asked.out, console.provider.sent) == (False, False, [])


def test_a_preview_that_was_accepted_says_where_to_look(
    console: RunsConsole, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.apply()
    console.people("ada")
    monkeypatch.setattr("time.sleep", lambda _: console.work())

    asked = run("preview", "digest", "--to", "ada@example.com")

    assert (asked.code, "is accepted\nit is in the sandbox's inbox: http://" in asked.out) == (0, True)


def test_a_campaign_that_is_not_there_is_not_previewed(console: RunsConsole, run: Run) -> None:
    console.apply()

    ended = run("preview", "digets", "--to", "ada@example.com")

    assert (ended.code, "did you mean digest?" in ended.err) == (1, True)

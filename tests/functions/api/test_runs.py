"""Campaigns and runs by the API: planned, looked at, approved, started, paused, cancelled, sent to the others."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis

from drumbeat.audit import watch
from drumbeat.ledger.database import Database
from drumbeat.local.servers import Valkey
from functions.console import app
from tests.conftest import TestDatabase
from tests.functions.api.runs import RunsConsole, at_night, runs_console

PLAN, RUN = "/v1/campaigns/digest/plan", "/v1/campaigns/digest/runs"


@pytest.fixture
def console(
    database: TestDatabase, redis: "Redis", valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunsConsole]:
    with runs_console(database, valkey.url, sqs_endpoint, monkeypatch) as console:
        yield console


def keyed(key: str = "one") -> dict[str, str]:
    return {"idempotencyKey": key}


def planned(console: RunsConsole, key: str = "one") -> dict[str, Any]:
    """Return a plan that is complete."""
    run = console.ask("POST", PLAN, keyed(key))
    console.work()
    shown: dict[str, Any] = console.ask("GET", f"/v1/runs/{run['runId']}")
    return shown


def test_a_plan_says_who_is_mailed_when_and_who_is_left_out_why_and_sends_nothing(console: RunsConsole) -> None:
    console.apply(limits=", limits: [10/s]")
    console.people("ada", "bob")
    console.people("cyd", agreed=False)

    code, run, _ = console.call("POST", PLAN, keyed())
    console.work()
    shown = console.ask("GET", f"/v1/runs/{run['runId']}")

    assert (code, shown["state"], shown["starts"], shown["people"]) == (202, "planned", False, 2)
    assert shown["plan"]["mails"] == {"mail": 2}
    assert [(each["zone"], each["people"]) for each in shown["when"]] == [(None, 2)]
    assert {each["address"] for each in shown["plan"]["sample"]} == {"ada@example.com", "bob@example.com"}
    assert [(each["account"], each["mails"], each["seconds"]) for each in shown["plan"]["accounts"]] == [
        ("mail", 2, 0.0)
    ]
    assert (shown["unaccounted"], console.provider.sent) == (0, [])


def test_a_run_is_shown_and_decided_by_the_beginning_of_its_id(console: RunsConsole) -> None:
    console.apply()
    console.people("ada")
    id = str(planned(console)["runId"])

    console.ask("POST", RUN, {"plan": id[:8]})
    console.ask("POST", f"/v1/runs/{id[:8]}/cancel", {"reason": "not now"})

    assert console.ask("GET", f"/v1/runs/{id[:8]}")["state"] == "cancelled"
    assert [each["address"] for each in console.ask("GET", f"/v1/runs/{id[:8]}/recipients")["items"]] == [
        "ada@example.com"
    ]


def test_a_plan_counts_those_of_whom_the_audience_does_not_know(console: RunsConsole) -> None:
    console.apply(audience="{field: seats, at_least: 3}")
    console.people("ada", seats=5)
    console.people("bob", seats="many")

    plan = planned(console)["plan"]

    assert isinstance(plan, dict)
    assert [(each["field"], each["people"]) for each in plan["unknown"]] == [("seats", 1)]


def waits(run: dict[str, Any]) -> tuple[object, ...] | None:
    """Return what a run waits for, and until when."""
    said = run["waits"]
    return said and (said["number"], said["reasonCode"], datetime.fromisoformat(said["next"]))


def test_who_waits_for_the_end_of_the_night_is_said_with_the_plan_and_while_it_is_sent(console: RunsConsole) -> None:
    night, end = at_night()
    console.apply(night)
    console.people("ada", "bob")
    console.people("cyd", agreed=False)

    plan = planned(console)
    console.ask("POST", RUN, {"plan": plan["runId"]})
    console.work()
    run = console.ask("GET", f"/v1/runs/{plan['runId']}")

    assert (waits(plan), waits(run)) == ((2, "quiet_hours", end), (2, "quiet_hours", end))
    assert (run["state"], run["waits"]["reason"]) == ("running", "their quiet hours are not over")
    assert console.provider.sent == []


def test_who_was_planned_by_day_and_would_be_sent_by_night_waits(console: RunsConsole, owner: Database) -> None:
    night, end = at_night()
    console.apply(night)
    console.people("ada")
    plan = planned(console)
    owner.run("UPDATE recipients SET due_at = due_at - interval '1 day'")

    assert waits(console.ask("GET", f"/v1/runs/{plan['runId']}")) == (1, "quiet_hours", end)


def test_who_waits_for_the_pace_is_said(console: RunsConsole) -> None:
    console.apply("pace: 1/h")
    console.people("ada", "bob", "cyd")
    run = console.ask("POST", RUN, keyed())["runId"]
    console.work()

    found = waits(console.ask("GET", f"/v1/runs/{run}"))
    console.ask("POST", f"/v1/runs/{run}/pause", {"reason": "wait"})

    assert found is not None
    assert found[:2] == (3 - len(console.provider.sent), "pace")
    assert waits(console.ask("GET", f"/v1/runs/{run}")) is None


def test_the_same_key_is_the_same_plan_and_another_wish_under_it_is_refused(console: RunsConsole) -> None:
    console.apply()
    console.people("ada")

    first = console.call("POST", PLAN, keyed())
    again = console.call("POST", PLAN, keyed())
    other = console.call("POST", RUN, keyed())

    assert (first[0], again[0], other[0]) == (202, 200, 422)
    assert (first[1]["runId"], again[2]["Idempotent-Replayed"]) == (again[1]["runId"], "true")


def test_a_plan_is_started_once_however_often_that_is_asked(console: RunsConsole) -> None:
    console.apply()
    console.people("ada", "bob")
    run = planned(console)["runId"]

    answers = [console.call("POST", RUN, {"plan": run})[0] for _ in range(2)]
    console.work()
    shown = console.ask("GET", f"/v1/runs/{run}")

    assert answers == [202, 200]
    assert sorted(console.provider.sent) == ["ada@example.com", "bob@example.com"]
    assert (shown["state"], shown["totals"][0]["accepted"], shown["unaccounted"]) == ("finished", 2, 0)
    assert [each["toState"] for each in shown["journal"]] == ["planned", "expanding", "running", "finished"]


def test_a_run_that_has_to_be_approved_waits_for_the_hash_that_a_person_has_seen(console: RunsConsole) -> None:
    console.apply("approve: true")
    console.people("ada")
    run = console.ask("POST", RUN, keyed())["runId"]
    console.work()
    shown = console.ask("GET", f"/v1/runs/{run}")

    wrong = console.call("POST", f"/v1/runs/{run}/approve", {"hash": "00" * 32})
    nothing = list(console.provider.sent)
    right = console.call("POST", f"/v1/runs/{run}/approve", {"hash": shown["planHash"]})
    console.call("POST", f"/v1/runs/{run}/approve", {"hash": shown["planHash"], "reason": "too late"})
    console.work()

    assert (shown["state"], shown["reasonCode"], shown["plan"]["approval"]) == ("awaiting_approval",) + (
        "configured",
    ) * 2
    assert (wrong[0], nothing, right[0]) == (409, [], 200)
    approval = console.ask("GET", f"/v1/runs/{run}")["approval"]
    assert (approval["actor"], approval["reason"]) == ("person:ada", None)
    assert console.provider.sent == ["ada@example.com"]


def test_a_decision_on_a_version_that_has_moved_is_refused(console: RunsConsole) -> None:
    console.apply("pace: 1/h")
    console.people("ada", "bob", "cyd")
    run = console.ask("POST", RUN, keyed())["runId"]
    console.work()
    version = console.ask("GET", f"/v1/runs/{run}")["version"]

    paused = console.call("POST", f"/v1/runs/{run}/pause", {"reason": "wait", "for": "2h", "version": version})
    stale = console.call("POST", f"/v1/runs/{run}/cancel", {"reason": "stop", "version": version})
    resumed = console.ask("POST", f"/v1/runs/{run}/resume", {"reason": "go on"})
    cancelled = console.ask("POST", f"/v1/runs/{run}/cancel", {"reason": "stop"})

    assert (paused[0], paused[1]["state"], paused[1]["reason"]) == (200, "paused", "wait")
    assert paused[1]["resumesAt"] is not None
    assert (stale[0], resumed["state"], cancelled["state"]) == (409, "running", "cancelled")


@pytest.mark.parametrize("version", [3_000_000_000, -1, "1", True, 1.0, 9_007_199_254_740_991])
@pytest.mark.parametrize("act", ["pause", "resume", "cancel"])
def test_a_version_that_no_run_can_have_is_refused(console: RunsConsole, act: str, version: object) -> None:
    console.apply()
    run = console.ask("POST", PLAN, keyed())["runId"]

    code, problem, _ = console.call("POST", f"/v1/runs/{run}/{act}", {"reason": "x", "version": version})

    assert (code, "version" in problem["detail"]) == (400, True)


@pytest.mark.parametrize("lasts", ["2", "2w", "0h", "-1h", "31d", "99999d"])
def test_a_pause_lasts_a_time_that_a_person_would_write(console: RunsConsole, lasts: str) -> None:
    code, problem, _ = console.call("POST", f"/v1/runs/{uuid4()}/pause", {"reason": "wait", "for": lasts})

    assert (code, "such as 30m" in problem["detail"]) == (400, True)


def test_a_run_that_ended_is_sent_to_those_who_did_not_get_it_after_they_were_counted(console: RunsConsole) -> None:
    console.apply("pace: 1/h")
    console.people("ada", "bob", "cyd")
    run = console.ask("POST", RUN, keyed())["runId"]
    console.ask("POST", f"/v1/runs/{run}/cancel", {"reason": "a typo"})
    console.work()
    console.work()

    counted = console.ask("POST", f"/v1/runs/{run}/missing")
    moved = console.call("POST", f"/v1/runs/{run}/missing", {"send": True, "expect": 1, "reason": "no typo"})
    unsaid = console.call("POST", f"/v1/runs/{run}/missing", {"send": True})
    sent = console.ask(
        "POST", f"/v1/runs/{run}/missing", {"send": True, "expect": counted["total"], "reason": "no typo"}
    )

    assert [(each["reason"], each["people"]) for each in counted["counts"]] == [("run_cancelled", counted["total"])]
    assert (moved[0], unsaid[0], sent["state"]) == (409, 400, "running")
    assert sent["journal"][-2]["reasonDetail"] == "no typo"


def test_the_people_of_a_run_are_listed_with_why_each_is_not_mailed(console: RunsConsole) -> None:
    console.apply(audience="{source: none}")
    console.apply(audience="{field: seats, at_least: 1}")
    console.people("ada", seats=3)
    console.people("cyd", agreed=False, seats=3)
    run = console.ask("POST", RUN, keyed())["runId"]
    console.work()
    path = f"/v1/runs/{run}/recipients"

    out = console.ask("GET", path, left_out="no_consent")["items"]
    mailed = console.ask("GET", path, status="accepted")["items"]
    pages = [console.ask("GET", path, limit="1")]
    pages.append(console.ask("GET", path, limit="1", cursor=pages[0]["next"]))
    one = console.ask("GET", path, lead="CYD@example.com")["items"]
    by_id = console.ask("GET", path, lead=one[0]["person"])["items"]
    of_both = console.ask("GET", path, lead="cyd@example.com", status="accepted")["items"]
    stranger = console.ask("GET", path, lead="eve@example.com")
    masked = console.ask("GET", path, key=console.key_of("read"))["items"]
    blind = console.call("GET", path, key=console.key_of("read"), lead="cyd@example.com")

    assert [(each["address"], each["steps"][0]["leftOut"]) for each in out] == [("cyd@example.com", "no_consent")]
    assert [(each["address"], each["steps"][0]["status"]) for each in mailed] == [("ada@example.com", "accepted")]
    assert ([len(page["items"]) for page in pages], pages[1]["next"]) == ([1, 1], None)
    assert (one, by_id, of_both) == (out, out, [])
    assert stranger == {"items": [], "next": None}
    assert ({each["address"] for each in masked}, blind[0]) == ({"[address]"}, 403)


def test_a_key_without_people_sees_no_person_in_a_run(console: RunsConsole) -> None:
    console.apply("pace: 1/h")
    console.people("zq7mark", "bob")
    run = console.ask("POST", RUN, keyed())["runId"]
    console.ask("POST", f"/v1/runs/{run}/pause", {"reason": "zq7mark@example.com complained"})
    paths = ["/v1/runs", f"/v1/runs/{run}", f"/v1/runs/{run}/recipients"]

    seen = [json.dumps(console.ask("GET", path)) for path in paths]
    masked = [json.dumps(console.ask("GET", path, key=console.key_of("read"))) for path in paths]

    assert ["zq7mark" in each for each in seen] == [True, True, True]
    assert ["zq7mark" in each for each in masked] == [False, False, False]


def test_runs_are_listed_by_campaign_state_and_the_beginning_of_their_id(console: RunsConsole) -> None:
    console.apply()
    console.people("ada")
    first, second = (planned(console, key)["runId"] for key in ("one", "two"))
    console.ask("POST", f"/v1/runs/{first}/cancel", {"reason": "no"})

    def listed(**query: str) -> list[str]:
        return [each["runId"] for each in console.ask("GET", "/v1/runs", **query)["items"]]

    newest = console.ask("GET", "/v1/runs", limit="1")
    assert (listed(), listed(campaign="other")) == ([second, first], [])
    assert (listed(state="open"), listed(state="cancelled"), listed(q=str(first)[:8])) == ([second], [first], [first])
    assert listed(cursor=newest["next"]) == [first]
    assert [
        console.call("GET", "/v1/runs", **query)[0] for query in ({"state": "x"}, {"q": "xyz"}, {"cursor": "x"})
    ] == [
        400,
        400,
        400,
    ]


def test_campaigns_are_listed_with_their_next_firing_and_newest_run(console: RunsConsole) -> None:
    console.apply('schedule: "cron(0 9 ? * MON *)"\n    timezone: recipient\n    quiet_hours: "21:00-08:00"')
    console.people("ada")
    run = planned(console)["runId"]

    (listed,) = console.ask("GET", "/v1/campaigns")["items"]
    shown = console.ask("GET", "/v1/campaigns/digest")

    assert (listed["name"], listed["audience"], listed["quietHours"]) == ("digest", "readers", "21:00-08:00")
    assert (listed["next"] is not None, listed["newestRun"]["runId"]) == (True, run)
    assert ([each["runId"] for each in shown["runs"]], shown["campaign"]["name"]) == ([run], "digest")
    assert console.call("GET", "/v1/campaigns/digets")[1]["detail"].endswith("did you mean digest?")


def test_what_is_not_there_or_cannot_run_is_named(console: RunsConsole) -> None:
    console.apply()
    nothing = uuid4()

    answers = [
        console.call("POST", "/v1/campaigns/other/plan", keyed()),
        console.call("POST", RUN, {"plan": str(nothing)}),
        console.call("GET", f"/v1/runs/{nothing}"),
        console.call("GET", f"/v1/runs/{nothing}/recipients"),
        console.call("POST", f"/v1/runs/{nothing}/cancel", {"reason": "x"}),
        console.call("POST", PLAN),
    ]

    assert [code for code, *_ in answers] == [404, 404, 404, 404, 404, 400]


def test_a_changed_configuration_is_named_with_the_plan_and_stops_its_start(console: RunsConsole) -> None:
    console.apply()
    console.people("ada")
    run = planned(console)["runId"]
    console.apply(subject="Louder")

    shown = console.ask("GET", f"/v1/runs/{run}")
    code, problem, _ = console.call("POST", RUN, {"plan": run})

    assert shown["plan"]["changed"] == ["campaigns.digest.steps.mail.with.subject"]
    assert (code, "campaigns.digest.steps.mail.with.subject" in problem["detail"]) == (409, True)


# ---------------------------------------------------------------- the scope `propose`


def state_of(console: RunsConsole) -> list[object]:
    """Return all that a person could have changed, but for plans and runs that wait for approval."""
    return [
        console.services.db.run(statement)
        for statement in (
            "SELECT id, status, seq FROM effects ORDER BY id",
            "SELECT run_id, hash FROM approvals",
            "SELECT run_id, seq, to_state FROM run_journal"
            " WHERE to_state NOT IN ('planned', 'awaiting_approval') ORDER BY run_id, seq",
            "SELECT key, suppressed_at, consents FROM contacts ORDER BY key",
            "SELECT account, paused_until FROM account_states ORDER BY account",
            "SELECT version FROM configs",
            "SELECT id FROM api_keys WHERE revoked_at IS NOT NULL OR created_by <> 'test'",
            "SELECT id FROM events WHERE type <> 'CAMPAIGN_TRIGGER' OR key NOT LIKE 'run:%'",
            "SELECT event_id, decision FROM parked",
            "SELECT event_id FROM dismissals",
        )
    ]


ASKED: dict[str, object] = {
    "reason": "as asked",
    "version": 1,
    "hash": "00" * 32,
    "email": "ada@example.com",
    "idempotencyKey": "proposed",
}


@pytest.mark.parametrize("scopes", [("propose",), ("propose", "read"), ("propose", "read", "people", "ingest")])
def test_a_key_that_may_propose_walks_every_route_and_nothing_is_sent_started_approved_paused_or_changed(
    console: RunsConsole, scopes: tuple[str, ...]
) -> None:
    console.apply("pace: 1/h")
    console.people("ada", "bob")
    going = console.ask("POST", RUN, keyed("going"))["runId"]
    console.work()
    waits = console.ask("POST", PLAN, keyed("waits"))
    effect = console.services.db.run("SELECT id FROM effects LIMIT 1")[0]["id"]
    key, before = console.key_of(*scopes), state_of(console)
    bodies = [None, ASKED, {"reason": "x"}, {"hash": waits["planHash"]}, {"plan": waits["runId"]}, keyed("p"),
              {"reason": "x", "version": 3}, {"send": True, "expect": 0, "reason": "x"}]  # fmt: skip

    codes: dict[str, set[int]] = {}
    for route in (*app.app._static_routes, *app.app._dynamic_routes):
        for run in (going, waits["runId"]):
            path = (
                str(route.path).replace("<name>", "digest").replace("<run_id>", run).replace("<effect_id>", str(effect))
            )
            path = path.replace("<event_id>", run).replace("<person>", "ada@example.com").replace("<id>", "ada")
            for body in bodies if route.method != "GET" else [None]:
                code = console.call(route.method, path, body, key=key)[0]
                codes.setdefault(f"{route.method} {route.path}", set()).add(code)
    sent = len(console.provider.sent)
    console.work()

    assert {route: found for route, found in codes.items() if max(found) >= 500} == {}
    assert state_of(console) == before
    assert len(console.provider.sent) == sent
    asked_to_sign_in = {route for route, found in codes.items() if " /v1/" not in route and found <= {303, 403, 429}}
    changing = {route for route, found in codes.items() if not route.startswith("GET") and found != {403}}
    opens_pages = {"POST /v1/console/links"}  # as the same key
    assert changing - asked_to_sign_in - opens_pages == {
        "POST /v1/campaigns/<name>/plan",
        "POST /v1/campaigns/<name>/runs",
    } | ({"POST /v1/suppressions/check"} if "read" in scopes else set())


def test_what_it_asks_for_waits_until_a_person_approves_it(console: RunsConsole) -> None:
    console.apply()
    console.people("ada")
    key = console.key_of("propose")
    run = console.ask("POST", RUN, keyed(), key=key)["runId"]
    plan = console.ask("POST", PLAN, keyed("two"), key=key)["runId"]
    console.ask("POST", RUN, {"plan": plan}, key=key)
    console.work()

    waiting = [console.ask("GET", f"/v1/runs/{each}", key=key) for each in (run, plan)]
    nothing = list(console.provider.sent)
    console.ask("POST", f"/v1/runs/{run}/approve", {"hash": waiting[0]["planHash"]})
    console.work()

    assert [(each["state"], each["reasonCode"]) for each in waiting] == [("awaiting_approval", "proposed")] * 2
    assert (nothing, console.provider.sent) == ([], ["ada@example.com"])


def test_it_cannot_start_a_plan_that_is_approved(console: RunsConsole) -> None:
    console.apply()
    console.people("ada")
    shown = planned(console)
    console.ask("POST", f"/v1/runs/{shown['runId']}/approve", {"hash": shown["planHash"]})

    code, problem, _ = console.call("POST", RUN, {"plan": shown["runId"]}, key=console.key_of("propose"))
    console.work()

    assert (code, "`operate`" in problem["detail"], console.provider.sent) == (403, True, [])


# ---------------------------------------------------------------- what monitoring and the status screen see


def metric(console: RunsConsole, name: str) -> str:
    watch.look(console.services, lambda: True)
    lines: list[str] = console.ask("GET", "/metrics").splitlines()
    return next(line for line in lines if line.startswith(name)).split()[-1]


def test_monitoring_sees_open_runs_and_that_each_person_is_accounted_for(
    console: RunsConsole, redis: Redis, owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drumbeat.observability.snapshot.SHARE", 0.0)
    console.apply("approve: true")
    console.people("ada", "bob")
    run = console.ask("POST", RUN, keyed())["runId"]
    console.work()

    well = (
        metric(console, "drumbeat_unaccounted_recipients"),
        metric(console, 'drumbeat_runs_open{state="awaiting_approval"}'),
    )
    owner.run("DELETE FROM recipients WHERE ctid = (SELECT ctid FROM recipients LIMIT 1)")
    kept = metric(console, "drumbeat_unaccounted_recipients")
    forget_counts(redis)
    amiss = metric(console, "drumbeat_unaccounted_recipients")

    assert (well, kept, amiss) == (("0", "1"), "0", "1")
    assert [each["runId"] for each in console.ask("GET", "/v1/status")["runs"]] == [run]


def test_a_run_that_has_ended_is_counted_once(
    console: RunsConsole, redis: Redis, owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drumbeat.observability.snapshot.SHARE", 0.0)
    console.apply()
    console.people("ada")
    console.ask("POST", RUN, keyed())
    console.work()

    first = metric(console, "drumbeat_unaccounted_recipients")
    owner.run("DELETE FROM recipients")
    again = metric(console, "drumbeat_unaccounted_recipients")

    assert (first, again) == ("0", "0")


def forget_counts(redis: Redis) -> None:
    """Let runs that go on be counted again."""
    for key in redis.keys("*:unaccounted"):
        redis.delete(key)

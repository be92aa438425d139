"""The command line against the real functions: what it prints, how it ends, what it says when things go wrong.

Long, because each command has a test or two, and all of them share one deployment.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from redis import Redis
from rich.console import Console as Terminal

from drumbeat.access import sql as stored_keys
from drumbeat.cli.main import main
from drumbeat.cli.story import tree
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, claims_sql, plans_sql
from drumbeat.ledger import account_states
from drumbeat.ledger.account_states import Report
from drumbeat.local.servers import Valkey
from drumbeat.services import Services
from functions.ingest import app as ingest
from tests.conftest import TestDatabase
from tests.functions.api.test_api import applied, held
from tests.functions.api.test_parked import park
from tests.functions.api.test_people import ADDRESS, MARK, mark
from tests.functions.console import Console, build_services, close
from tests.functions.deployment import served
from tests.store.rows import (
    LEASE,
    claimed,
    closing,
    configured,
    new_effect,
    opening,
    planned,
    recorded,
    sending,
    status,
    unplannable,
    waiting,
)


@dataclass
class Ended:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed


type Run = Callable[..., Ended]


@pytest.fixture
def services(
    database: TestDatabase, redis: "Redis", valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    ingest.door.cache_clear()
    ingest.single.cache_clear()
    yield services
    close(services)


@pytest.fixture
def run(services: Services, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    monkeypatch.setenv("DRUMBEAT_KEY", Console(services).key("ingest", "read", "operate"))
    monkeypatch.setenv("COLUMNS", "250")

    def run(*arguments: str) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        printed = capfd.readouterr()
        own = [line for line in printed.out.splitlines() if not line.startswith('{"')]  # what the functions log
        return Ended(int(ended.value.code or 0), "\n".join(own), printed.err)

    with served() as url:
        monkeypatch.setenv("DRUMBEAT_URL", url)
        yield run


# ---------------------------------------------------------------- who sees people


def test_a_key_without_people_shows_nothing_of_a_person_in_any_command(
    run: Run, services: Services, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = mark(Console(services), database)
    commands = [
        *(["events"], ["events", "-q", str(marked.event)], ["events", "-q", MARK], ["event", str(marked.event)]),
        *(["effects"], ["effects", "--event", str(marked.event)], ["status"], ["parked", "list"], ["dlq", "list"]),
        *(["suppress", "list"], ["accounts", "list"], ["keys", "list"]),
    ]

    def printed(key: str) -> dict[str, str]:
        monkeypatch.setenv("DRUMBEAT_KEY", key)
        every = [flags + command for command in commands for flags in ([], ["--json"])]
        return {" ".join(command): (ended := run(*command)).out + ended.err for command in every}

    masked, shown = printed(marked.blind), printed(marked.people)

    assert {command for command, text in masked.items() if MARK in text} == set()
    assert ADDRESS in shown["events"] and ADDRESS in shown[f"--json event {marked.event}"]
    assert "lacks the scope people" in masked[f"event {marked.event}"]


# ---------------------------------------------------------------- sending and looking


@pytest.mark.parametrize(
    "command", [("campaign", "show"), ("audience", "show"), ("effects", "show"), ("events", "--q")]
)
def test_an_argument_that_is_no_text_is_bad_usage(run: Run, command: tuple[str, ...]) -> None:
    ended = run(*command, "\udcff\udcfe")

    assert (ended.code, "not UTF-8" in ended.err) == (2, True)


def test_an_event_is_sent_found_and_shown(run: Run) -> None:
    sent = run(
        "--json", "send", "LEAD_CAPTURE", "--source", "shop", "--idempotency-key", "o-1", "--payload", '{"a": 1}'
    )
    again = run("send", "LEAD_CAPTURE", "--source", "shop", "--idempotency-key", "o-1", "--payload", '{"a": 1}')
    listed = run("events", "-q", "o-1")
    shown = run("event", sent.json["eventId"])

    assert (sent.code, again.code, listed.code, shown.code) == (0, 0, 0, 0)
    assert "known already" in again.out
    assert sent.json["eventId"][:8] in listed.out
    assert "not planned yet" in shown.out
    assert run("event", sent.json["eventId"], "--json").json["payload"] == {"a": 1}


def test_the_same_key_with_another_payload_fails_and_says_why(run: Run) -> None:
    run("send", "LEAD_CAPTURE", "--idempotency-key", "o-1", "--payload", '{"a": 1}')

    other = run("send", "LEAD_CAPTURE", "--idempotency-key", "o-1", "--payload", '{"a": 2}')

    assert other.code == 1
    assert "idempotency key" in other.err
    assert "Traceback" not in other.err


def test_a_file_of_events_is_sent_and_each_refusal_is_shown(run: Run, tmp_path: Path) -> None:
    lines = tmp_path / "events.jsonl"
    good = {"type": "LEAD_CAPTURE", "payload": {}, "idempotencyKey": "1"}
    lines.write_text(f"{json.dumps(good)}\n\n{json.dumps({**good, 'idempotencyKey': '2', 'type': 'NONSENSE'})}\n")

    sent = run("send", "--file", str(lines))

    assert sent.code == 1
    assert "1 event recorded, 1 refused" in sent.out


def test_a_file_leaves_out_what_the_command_says(run: Run, tmp_path: Path) -> None:
    lines = tmp_path / "events.jsonl"
    lines.write_text('{"payload": {"a": 1}, "idempotencyKey": "1"}\n')

    sent = run("--json", "send", "CONTENT_PUBLISH", "--source", "shop", "--file", str(lines))

    assert [result["status"] for result in sent.json["results"]] == [202]
    assert [(e["type"], e["source"]) for e in run("--json", "events").json["items"]] == [("CONTENT_PUBLISH", "shop")]


def test_nothing_of_a_file_with_a_broken_line_is_sent(run: Run, tmp_path: Path) -> None:
    lines = tmp_path / "events.jsonl"
    good = json.dumps({"type": "LEAD_CAPTURE", "payload": {}})
    lines.write_text("\n".join([*[good] * 250, "{"]))

    sent = run("send", "--file", str(lines))

    assert sent.code == 2
    assert "line 251 is not JSON" in sent.err
    assert run("events").out.startswith("no events yet")


@pytest.mark.parametrize("option", ["--payload", "--idempotency-key"])
def test_what_is_for_one_event_does_not_go_with_a_file(run: Run, tmp_path: Path, option: str) -> None:
    (tmp_path / "events.jsonl").write_text("{}\n")

    sent = run("send", "--file", str(tmp_path / "events.jsonl"), option, "{}")

    assert sent.code == 2


def test_what_a_person_copies_is_whole_on_a_narrow_terminal(
    run: Run, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    effect = held(database)
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal, for rich
    monkeypatch.setenv("COLUMNS", "80")

    screens = [run("effects").out, run("events").out, run("accounts").out, run("status").out]

    assert str(effect.id)[:8] in screens[0]
    assert str(_event_of(database, effect.id))[:8] in screens[1]
    widths = [len(line) for line in re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(screens)).splitlines()]
    assert max(widths) <= 80


def test_attempts_are_counted_as_a_person_would(run: Run, database: TestDatabase) -> None:
    event = run("--json", "event", str(_event_of(database, held(database).id))).json
    attempt = event["effects"][0]["attempts"][0]
    event["effects"][0]["attempts"] = [attempt, attempt | {"n": attempt["n"] + 2}]  # a fence in between took no call

    terminal = Terminal(width=200, file=StringIO())
    terminal.print(tree(event))

    assert "attempt 2 " in cast(StringIO, terminal.file).getvalue()


@pytest.mark.parametrize("payload", ["{", "[1]", "[" * 100_000])
def test_a_payload_that_is_no_object_is_bad_usage(run: Run, payload: str) -> None:
    sent = run("send", "LEAD_CAPTURE", "--payload", payload)

    assert sent.code == 2
    assert "Traceback" not in sent.err


def test_the_story_of_an_event_names_what_a_person_has_to_do(run: Run, database: TestDatabase) -> None:
    effect = held(database)

    shown = run("event", str(_event_of(database, effect.id)))

    assert "held" in shown.out
    assert "nothing can prove it" in shown.out
    assert f"drumbeat resolve {effect.id}" in shown.out
    assert "sending → unknown" in shown.out


def test_the_story_of_a_delivery_names_its_facts_and_each_of_them_its_delivery(
    run: Run, database: TestDatabase
) -> None:
    delivery = recorded(database)
    plans_sql.record(database, [plans_sql.NewPlan(delivery, configured(database), b"hash", {})], [], LEASE)
    facts = [recorded(database) for _ in range(25)]
    database.run("INSERT INTO deliveries (event_id, facts, received_at) VALUES (%s, %s, now())", (delivery, facts))
    fact = uuid4()
    database.run(
        "INSERT INTO events (id, source, key, type, door, fingerprint, received_at, delivery)"
        " VALUES (%s, 'shop', 'fact 1 of d', 'FEEDBACK', 'webhook', '', now(), %s)",
        (fact, delivery),
    )

    whole, part = run("event", str(delivery)).out, run("event", str(fact)).out

    assert "split into 25 events" in whole
    assert [str(id) in whole for id in facts] == [True] * 20 + [False] * 5
    assert "5 more" in whole
    assert f"one fact of delivery {delivery}" in part


def test_what_others_wrote_cannot_command_the_terminal(run: Run, database: TestDatabase) -> None:
    effect = sending(database)
    reason = Reason(ReasonCode.REFUSED_BY_PROVIDER, "\x1b[2J[red]no[/red]")
    attempts_sql.close_attempts(database, [closing(effect, "refused", Status.REFUSED, reason=reason, learned=reason)])

    listed = run("effects", "--status", "refused")
    shown = run("event", str(_event_of(database, effect.id)))

    assert "\x1b[2J" not in listed.out + shown.out
    assert "[red]no[/red]" in listed.out


def test_an_id_that_is_not_there_is_exit_1(run: Run) -> None:
    missing = run("event", "00000000-0000-0000-0000-000000000000")

    assert missing.code == 1
    assert "no event" in missing.err


# ---------------------------------------------------------------- deciding


def test_one_held_effect_is_resolved(run: Run, database: TestDatabase) -> None:
    effect = held(database)

    resolved = run("resolve", str(effect.id), "drop", "--reason", "out of date")

    assert (resolved.code, status(database, effect.id)) == (0, "cancelled")
    assert run("resolve", str(effect.id), "drop", "--reason", "again").code == 1
    of_its_event = run("resolve", str(effect.event.id), "drop", "--reason", "again")
    assert f"{effect.event.id} is the id of an event; nothing was changed" in of_its_event.out + of_its_event.err


def test_an_event_is_dismissed_and_its_story_says_so(run: Run, database: TestDatabase) -> None:
    configured(database)
    event = recorded(database)
    plans_sql.record(database, [plans_sql.NewPlan(event, 1, b"hash", {"welcome": "no such field"})], [], LEASE)
    assert str(event) in run("events", "--status", "attention", "--wide").out

    dismissed = run("dismiss", str(event), "--reason", "a test of ours")

    assert (dismissed.code, "flow welcome" in dismissed.out) == (0, True)
    assert "redrive" not in dismissed.out  # nothing was refused
    assert str(event) not in run("events", "--status", "attention", "--wide").out
    assert "a test of ours" in run("event", str(event)).out
    assert run("dismiss", str(event), "--reason", "again").code == 1


def test_many_are_shown_and_counted_before_the_person_agrees(
    run: Run, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drumbeat.operations.decisions.EFFECTS_PER_REQUEST", 2)
    all_of_them = [held(database).id for _ in range(3)]
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")

    refused = run("resolve", "accepted", "--account", "mail", "--reason", "seen at the provider")
    agreed = run("resolve", "accepted", "--account", "mail", "--reason", "seen at the provider", "--yes")

    assert refused.code == 1
    assert "nothing can prove it" in refused.out
    assert (agreed.code, "3 effects decided" in agreed.out) == (0, True)
    assert [status(database, effect) for effect in all_of_them] == ["accepted"] * 3


@pytest.mark.parametrize("cause", ["unprovable", "outcome unknown, and nothing can prove it"])
def test_a_cause_narrows_a_decision_to_one_reason(run: Run, database: TestDatabase, cause: str) -> None:
    meant = held(database)
    other = claimed(database, waiting(database))
    crashed = Reason(ReasonCode.WORKER_CRASHED, "3")
    attempts_sql.open_attempts(database, [opening(other, "held", reason=crashed)])

    resolved = run("resolve", "drop", "--all-held", "--cause", cause, "--reason", "called off", "--yes")

    assert "(unprovable)" in resolved.out
    assert "worker_crashed" not in resolved.out
    assert (status(database, meant.id), status(database, other.id)) == ("cancelled", "held")


def test_a_cause_that_there_is_not_is_bad_usage(run: Run, database: TestDatabase) -> None:
    effect = held(database)

    refused = run("resolve", "drop", "--all-held", "--cause", "unproven", "--reason", "r", "--yes")

    assert (refused.code, "no reason has the code" in refused.err) == (2, True)
    assert status(database, effect.id) == "held"


@pytest.mark.parametrize(
    "words",
    [
        ["burn", "--all-held"],
        ["resend"],
        ["00000000-0000-0000-0000-000000000000", "resend", "--all-held"],
        ["a", "b", "resend"],
    ],
)
def test_a_decision_that_names_nothing_or_too_much_is_bad_usage(run: Run, words: list[str]) -> None:
    assert run("resolve", *words, "--reason", "r").code == 2


def test_an_ended_effect_is_redriven_and_the_person_hears_what_else_it_takes(run: Run, database: TestDatabase) -> None:
    event = recorded(database)
    later = new_effect(event, "nudge")
    first = new_effect(event, dependents=(later.id,))
    planned(database, first, new_effect(event, "nudge", after=first.id))
    cancelled = run("cancel", str(later.id), "--reason", "too early")
    again = run("cancel", str(first.id), "--reason", "too early")

    redriven = run("redrive", str(first.id), "--reason", "after all")

    assert [ended.code for ended in (cancelled, again, redriven)] == [0, 0, 0]
    assert f"{first.id} is waiting now" in redriven.out
    assert f"effect {later.id} came after it" in redriven.out
    assert run("redrive", str(first.id), "--reason", "once more").code == 1


def test_many_are_redriven_and_what_may_have_been_sent_is_counted(run: Run, database: TestDatabase) -> None:
    harmless, sent = waiting(database), held(database)
    run("cancel", str(harmless), "--reason", "called off")
    run("cancel", str(sent.id), "--reason", "called off")

    later = run("redrive", "--status", "cancelled", "--since", "2100-01-01", "--reason", "after all", "--yes")
    redriven = run(
        "redrive", "--status", "cancelled", "--cause", "decided", "--since", "1h", "--reason", "after all", "--yes"
    )
    doubling = run("redrive", "--status", "cancelled", "--even-if-sent", "--reason", "sure", "--yes", "--json")

    assert "nothing is cancelled" in later.out
    assert "1 effect decided: redrive" in redriven.out
    assert "1 were not touched" in redriven.out
    assert doubling.json == {"cancelled": 1, "redriven": 1}
    assert [status(database, effect) for effect in (harmless, sent.id)] == ["waiting"] * 2


def test_all_that_waits_for_an_account_is_cancelled_once_the_person_agrees(
    run: Run, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    meant, other = waiting(database), waiting(database, account="crm")
    under_way = sending(database)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")

    refused = run("cancel", "--account", "mail", "--reason", "wrong price")
    agreed = run("cancel", "--account", "mail", "--reason", "wrong price", "--yes")

    assert (refused.code, agreed.code) == (1, 0)
    assert "1 effect decided: cancel" in agreed.out
    assert "1 effect cannot be called back" in agreed.out
    assert [status(database, effect) for effect in (meant, other)] == ["cancelled", "waiting"]
    assert status(database, under_way.id) == "sending"


@pytest.mark.parametrize(
    "words",
    [
        ["redrive"],
        ["redrive", "a", "--status", "refused"],
        ["redrive", "a", "--account", "mail"],
        ["redrive", "a", "--since", "1h"],
        ["redrive", "--status", "held"],
        ["cancel"],
        ["cancel", "a", "--account", "mail"],
        ["cancel", "--cause", "decided"],
    ],
)
def test_a_redrive_or_a_cancellation_of_nothing_or_too_much_is_bad_usage(run: Run, words: list[str]) -> None:
    assert run(*words, "--reason", "r").code == 2


def test_the_story_of_an_event_names_what_a_person_could_do(run: Run, database: TestDatabase) -> None:
    harmless, sent = waiting(database), held(database)
    before = run("event", str(_event_of(database, harmless)))
    run("cancel", str(harmless), "--reason", "called off")
    run("cancel", str(sent.id), "--reason", "called off")

    after, doubtful = (run("event", str(_event_of(database, each))) for each in (harmless, sent.id))

    assert f"drumbeat cancel {harmless} --version 1" in before.out
    assert f"drumbeat redrive {harmless} --version 2" in after.out
    assert f"drumbeat redrive {sent.id} --even-if-sent" in doubtful.out


# ---------------------------------------------------------------- operating


def pause(database: TestDatabase, account: str, why: str) -> None:
    reason = Reason(ReasonCode.CREDENTIALS_REFUSED, why)
    account_states.report(database, [Report(account, answered=False, at_once=True, pause=300.0, reason=reason)])


def test_status_shows_what_needs_a_person(run: Run, database: TestDatabase) -> None:
    applied(database)
    held(database)
    waiting(database, account="crm")
    pause(database, "crm", "401 key revoked")
    event = recorded(database)
    unplannable(database, event, "no field payload.email")

    screen = run("status")

    assert screen.code == 0
    assert "1 effect to decide about" in screen.out
    assert f"1 event could not be planned: no field payload.email; drumbeat event {str(event)[:8]}" in " ".join(
        screen.out.split()
    )
    assert "401 key revoked" in screen.out
    assert run("status", "--json").json["totals"]["effects"] == {"held": 1, "waiting": 1}


def test_a_paused_account_is_resumed(run: Run, database: TestDatabase) -> None:
    applied(database)
    waiting(database)
    pause(database, "mail", "401")

    assert "paused" in run("accounts").out
    assert run("accounts", "resume", "mail").code == 0
    assert "running" in run("accounts", "list").out


def test_doctor_names_what_is_missing_and_how_to_repair_it(run: Run, database: TestDatabase) -> None:
    before = run("doctor")
    applied(database)
    after = run("doctor", "--json")

    assert before.code == 1
    assert "drumbeat apply" in before.out
    assert (after.code, after.json["ok"]) == (0, True)


@pytest.mark.parametrize(
    ("local", "code", "mark", "advice"),
    [(True, 0, "note", "set shop-webhook-secret`"), (False, 1, "FAIL", "set shop-webhook-secret --stage dev")],
)
def test_a_source_without_a_secret_is_no_fault_of_a_local_stack(
    run: Run, services: Services, monkeypatch: pytest.MonkeyPatch, local: bool, code: int, mark: str, advice: str
) -> None:
    monkeypatch.delenv("SHOP_WEBHOOK_SECRET", raising=False)
    run("apply", "campaigns")
    services.settings = replace(services.settings, local=local)

    checked = run("doctor")

    assert f"{mark} secret of source shop" in checked.out
    assert advice in checked.out.partition("→")[2]
    assert checked.code == code


def test_doctor_says_that_the_relay_does_not_run(run: Run, database: TestDatabase, services: Services) -> None:
    applied(database)
    services.due_index.set({"effect:1": services.clock.now().timestamp() - 600})

    silent = run("doctor")

    assert silent.code == 1
    assert "relay: an entry that it should have checked has been overdue for 10 min" in silent.out


def test_keys_are_minted_listed_and_revoked(run: Run) -> None:
    minted = run("--json", "keys", "create", "grafana", "--scope", "read")
    listed = run("keys", "list", "--key", minted.json["token"])
    revoked = run("keys", "revoke", minted.json["id"])
    after = run("events", "--key", minted.json["token"])

    assert (minted.code, revoked.code) == (0, 0)
    assert (listed.code, "operate" in listed.err) == (1, True)
    assert (after.code, "revoked" in after.err) == (1, True)


def test_an_address_is_suppressed_listed_and_lifted(run: Run) -> None:
    added = run("suppress", "add", "ada@example.com", "--reason", "asked by phone")
    listed = run("suppress", "list")
    lifted = run("suppress", "lift", "ada@example.com", "--reason", "asked again")

    assert (added.code, lifted.code) == (0, 0)
    assert "asked by phone" in listed.out
    assert "ada@example.com" not in listed.out
    assert "no address is suppressed" in run("suppress", "list").out


def test_an_address_is_answered_as_it_was_read(run: Run) -> None:
    added = run("suppress", "add", "User <user@faß.de>", "--reason", "asked by phone")
    checked = run("suppress", "check", "user@FASS.de")
    unmatched = run("suppress", "list", "--unmatched")
    refused = run("suppress", "check", "user@fass.de,")

    assert "user@xn--fa-hia.de is suppressed" in added.out
    assert "user@fass.de, which releases before took it for, is suppressed too" in added.out
    assert "user@fass.de is suppressed" in checked.out and "asked by phone" in checked.out
    assert unmatched.out.count("asked by phone") == 1
    assert (refused.code, "comma" in refused.err) == (1, True)


def test_dead_letters_are_listed_and_redriven(run: Run, services: Services, database: TestDatabase) -> None:
    from drumbeat.wakeups.queue import Queue

    dead = Queue(services.sqs, services.settings.dlq_url)
    event = recorded(database)
    dead.notify(events=[event])

    listed = run("dlq")
    redriven = run("--json", "dlq", "redrive")

    assert str(event) in listed.out
    assert redriven.json == {"rung": 1, "foreign": 0, "left": 0}


# ---------------------------------------------------------------- trouble


def test_an_unreachable_deployment_is_reported_plainly(run: Run) -> None:
    unreachable = run("status", "--url", "http://127.0.0.1:1")

    assert unreachable.code == 1
    assert "nothing listens at http://127.0.0.1:1. Start the local stack" in unreachable.err


def test_a_change_that_reached_no_deployment_is_said_to_have_changed_nothing(run: Run) -> None:
    unreachable = run("send", "LEAD_CAPTURE", "--url", "http://127.0.0.1:1")

    assert "nothing listens at http://127.0.0.1:1, so nothing was sent. Start the local stack" in unreachable.err


def test_a_host_that_there_is_not_is_reported_plainly(run: Run) -> None:
    assert "there is no host of http://nowhere.invalid" in run("status", "--url", "http://nowhere.invalid").err


def test_https_where_there_is_http_is_named(run: Run) -> None:
    wrong = run("status", "--url", os.environ["DRUMBEAT_URL"].replace("http:", "https:"))

    assert wrong.code == 1
    assert "Write http://" in wrong.err


@pytest.mark.parametrize("ending", ["/", "/v1", "/v1/"])
def test_a_url_may_end_as_people_copy_it(run: Run, ending: str) -> None:
    assert run("status", "--url", os.environ["DRUMBEAT_URL"] + ending).code == 0


def test_a_key_of_another_deployment_is_reported_plainly(run: Run) -> None:
    refused = run("status", "--key", "drumbeat.local.read.AAAA")

    assert refused.code == 1
    assert "does not accept this API key" in refused.err


def test_a_command_that_there_is_not_is_answered_with_the_one_that_was_meant(run: Run) -> None:
    wrong = run("stats")

    assert wrong.code == 2
    assert "did you mean status?" in wrong.err


def test_doctor_says_that_a_deployment_is_unreachable(run: Run) -> None:
    unreachable = run("doctor", "--url", "http://127.0.0.1:1")

    assert unreachable.code == 1
    assert "DRUMBEAT_URL" in unreachable.out


def test_a_missing_key_is_reported_plainly(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRUMBEAT_KEY")

    keyless = run("events")

    assert keyless.code == 1
    assert "DRUMBEAT_KEY" in keyless.err


@pytest.mark.parametrize("url", ["127.0.0.1:8787", "ftp://127.0.0.1", "http://[", "http://127.0.0.1:x"])
def test_an_invalid_url_is_reported_plainly(run: Run, url: str) -> None:
    wrong = run("events", "--url", url)

    assert wrong.code in (1, 2)
    assert "Traceback" not in wrong.err


def _event_of(db: TestDatabase, effect: UUID) -> UUID:
    event: UUID = db.run("SELECT event_id FROM effects WHERE id = %s", (effect,))[0]["event_id"]
    return event


@pytest.mark.point(65)
def test_after_a_restore_what_a_provider_took_is_not_sent_again(
    run: Run, services: Services, database: TestDatabase, tmp_path: Path
) -> None:
    taken, lost = waiting(database), "6f0c3b9e-8a55-4d0c-9f4c-2d1f2f7f4a10-1"
    (item,) = run("--json", "reconcile").json["items"]
    log = tmp_path / "accepted.txt"
    log.write_text(f"{item['providerKey']} <their id>\n\n{lost}\n")

    answer = run("--json", "reconcile", str(log), "--account", item["account"], "--reason", "restored").json

    assert answer == {"recorded": [f"{taken}-1"], "known": [], "unknown": [lost]}
    (claimed,) = claims_sql.claim(services.db, [taken], lease=LEASE, limit=1)
    assert claimed.proof_reference == "<their id>"
    assert run("reconcile", str(log)).code == 2
    for other in ("not-a-key", f"{taken}-0", f"{taken}-2147483648"):  # no generation is as high
        log.write_text(f"{other}\n")
        refused = run("reconcile", str(log), "--account", "mail", "--reason", "restored")
        assert (refused.code, "is not a provider key" in refused.err) == (1, True)


def test_status_doctor_and_verify_show_them_until_a_person_has_decided(run: Run, services: Services) -> None:
    park(services, "one", "two")

    shown = [run("status").out, run("verify").out, run("parked", "list").out]
    sick = run("doctor")
    discarded = run("parked", "discard", "--caller", "shop", "--reason", "stolen key")

    assert all(mark in text for mark, text in zip(("drumbeat parked", "2 events parked", "crm"), shown, strict=True))
    assert (sick.code, "parked events: 2 of an API key" in sick.out) == (1, True)
    assert "2 events discarded" in discarded.out
    assert run("verify").code == 0
    assert "parked" not in run("status").out


def test_keys_show_who_made_and_who_revoked_them(run: Run, services: Services) -> None:
    stored_keys.add(services.db, "shop", "Shop", ["ingest"], actor="person:bob")
    run("keys", "revoke", "shop")

    listed = run("keys", "list").out

    assert "by person:bob" in listed
    assert "by person:ada" in listed

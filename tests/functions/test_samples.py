"""Each sample of `events/` through its handler: what `sam local invoke` and a new colleague would try first."""

import importlib
import json
from pathlib import Path
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from drumbeat.core import ids
from tests.functions.doors import Doors
from tests.store.rows import new_effect, planned, waiting
from tests.store.runs.stage import Stage

SAMPLES = Path(__file__).resolve().parent.parent.parent / "events"
SHOP_SECRET = "whsec_YSBzZWNyZXQgZm9yIHNhbXBsZXMgb25seSwgMzIgYi4="

FORM = {
    "fields": [["email", "required"], ["name", "optional"]],
    "origins": [],
    "redirect": None,
    "honeypot": None,
    "title": None,
    "text": None,
    "button": None,
}


class Context:
    """Lambda's context of an invocation."""

    function_name = "sample"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:sample"
    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 50_000


def invoke(sample: str) -> dict[str, Any]:
    handler = importlib.import_module(f"functions.{sample.partition('_')[0]}.app").handler
    event = json.loads((SAMPLES / f"{sample}.json").read_text())
    answer: dict[str, Any] = handler(event, cast("LambdaContext", Context()))
    return answer


@pytest.fixture(autouse=True)
def known_key(doors: Doors) -> None:
    """The samples' key, as a stack knows its keys."""
    doors.key(id="sample")


def test_an_event_is_recorded_under_the_id_that_anyone_can_compute(doors: Doors) -> None:
    answer = invoke("ingest_event")

    assert answer["statusCode"] == 202
    assert [row["id"] for row in doors.events()] == [ids.event_id("crm", "lead-1")]


def test_a_batch_is_recorded_event_by_event(doors: Doors) -> None:
    answer = invoke("ingest_batch")

    assert answer["statusCode"] == 207
    assert len(doors.events()) == 2


@pytest.mark.point(2)
@pytest.mark.parametrize(
    ("sample", "status", "recorded"), [("ingest_webhook", 202, 1), ("ingest_webhook_forged", 401, 0)]
)
def test_a_delivery_counts_only_with_its_signature(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, sample: str, status: int, recorded: int
) -> None:
    monkeypatch.setenv("SHOP_SECRET", SHOP_SECRET)
    doors.configure(shop={"scheme": "standard_webhooks", "secrets": ["env:SHOP_SECRET"]})

    answer = invoke(sample)

    assert answer["statusCode"] == status
    assert len(doors.events()) == recorded


def test_a_form_is_recorded_and_a_links_samples_do_what_they_name(doors: Doors) -> None:
    doors.other |= {"lists": {"newsletter": {"title": "Notes", "description": "", "confirm": None}}, "public_url": ""}
    doors.configure(signup={"door": "form", "scheme": "", "form": FORM, "list": "newsletter"})
    pending = ids.event_id("signup", "form:sample")
    doors.ledger.run(
        "WITH e AS (INSERT INTO events (id, source, key, type, door, fingerprint, received_at)"
        " VALUES (%s, 'signup', 'form:sample', 'CONSENT', 'form', '', drumbeat_now()) RETURNING id)"
        " INSERT INTO payloads (event_id, body) SELECT id, %s FROM e",
        (pending, b'{"payload": {"email": "ada@example.com"}, "consent": [{"list": "newsletter", "kind": "pending"}]}'),
    )
    asks = ids.effect_id(pending, "confirm:newsletter", "mail", "ada@example.com")
    planned(doors.ledger, new_effect(pending, id=asks, contact=b"ada", list="newsletter", confirms=True))
    mail = ids.effect_id(ids.event_id("crm", "lead-1"), "welcome", "hello", "ada@example.com")
    waiting(doors.ledger, id=mail, contact=b"ada", list="newsletter")

    answers = [invoke(sample) for sample in ("ingest_form", "ingest_confirm", "ingest_unsubscribe")]

    assert [answer["statusCode"] for answer in answers] == [202, 200, 200]
    assert [event["door"] for event in doors.events()].count("form") == 2
    assert {"confirm", "unsubscribe"} <= {event["door"] for event in doors.events()}


def test_a_message_for_an_event_that_was_sent_is_done(doors: Doors) -> None:
    invoke("ingest_event")

    assert invoke("worker_one_record") == {"batchItemFailures": []}


def test_a_record_that_is_no_wake_up_message_fails_alone(doors: Doors) -> None:
    invoke("ingest_event")

    answer = invoke("worker_foreign_record")

    assert [each["itemIdentifier"][-1] for each in answer["batchItemFailures"]] == ["2"]


@pytest.mark.point(16)
def test_a_message_for_an_unknown_event_fails_alone(doors: Doors) -> None:
    invoke("ingest_event")

    answer = invoke("worker_two_records")

    assert [each["itemIdentifier"][-1] for each in answer["batchItemFailures"]] == ["2"]


@pytest.mark.point(7)
def test_the_relay_runs_on_the_schedules_event(doors: Doors) -> None:
    assert invoke("relay")["full"] is True


@pytest.mark.point(56)
def test_a_firing_for_a_campaign_that_is_not_configured_is_ignored(doors: Doors) -> None:
    assert invoke("campaign") == {"ignored": "no campaign of this name is in force"}


def test_the_console_lists_what_was_recorded(doors: Doors) -> None:
    invoke("ingest_event")

    answer = invoke("console_events")

    assert answer["statusCode"] == 200
    assert [item["idempotencyKey"] for item in json.loads(answer["body"])["items"]] == ["lead-1"]


def test_a_decision_about_an_effect_that_is_not_there_is_refused(doors: Doors) -> None:
    assert invoke("console_resolve")["statusCode"] == 404
    assert invoke("console_redrive")["statusCode"] == 404
    assert invoke("console_cancel")["statusCode"] == 404


def test_rows_of_a_file_are_imported_and_what_is_no_address_is_named(doors: Doors) -> None:
    answer = invoke("console_import")

    assert json.loads(answer["body"]) == {
        "results": {
            "added": 1,
            "replayed": 0,
            "stayOut": 0,
            "refused": [{"row": 3, "reason": "email is not an address: it holds no @"}],
        }
    }
    assert [row["door"] for row in doors.events()] == ["import"]


def test_a_run_is_planned_and_only_the_plan_that_was_seen_is_approved(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_KEY", "secret")
    Stage.apply(cast("Stage", doors.services))
    Stage.people(cast("Stage", doors.services), "ada")

    planned, approved, turn = (invoke(sample) for sample in ("console_plan", "console_approve", "worker_turn"))

    assert (planned["statusCode"], json.loads(planned["body"])["plan"]["mails"]) == (202, {"mail": 1})
    assert (approved["statusCode"], turn) == (409, {"batchItemFailures": []})

"""An event through the template as it is deployed: real `sam build`, real `sam deploy`, every permission enforced."""

import json
import uuid

import pytest

from drumbeat.core import ids
from drumbeat.local.cloud import deployment
from drumbeat.wakeups.queue import WakeUp
from tests.cloud.deployed import Deployed
from tests.flow.stacks import eventually

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]


def test_a_lead_becomes_one_mail_however_often_it_is_sent(cloud: Deployed) -> None:
    first = cloud.send("lead", "ada@example.com")
    again = cloud.send("lead", "ada@example.com")

    assert (first[0], again[0]) == (202, 200)
    assert again[2]["eventId"] == first[2]["eventId"] == str(ids.event_id("landing", "lead"))
    eventually(lambda: cloud.done(first[2]["eventId"]))
    assert len(cloud.mails("ada@example.com")) == 1


def test_the_same_key_with_another_body_is_refused(cloud: Deployed) -> None:
    cloud.send("clash", "clash@example.com")

    assert cloud.send("clash", "other@example.com")[0] == 422


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1"), ("PUT", "/v1/events")])
def test_what_no_route_answers_to_is_a_problem_like_any_other(cloud: Deployed, method: str, path: str) -> None:
    status, headers, problem = cloud.call(method, path)

    assert (status, headers["content-type"]) == (404, "application/problem+json")
    assert problem["type"] == "urn:drumbeat:problem:not-found"


def test_a_signed_delivery_counts_and_a_forged_one_does_not(cloud: Deployed) -> None:
    signed = cloud.deliver("shop", "order-1")
    forged = cloud.deliver("shop", "order-2", secret="whsec_bm90IHRoZSBzZWNyZXQ=")

    assert (signed, forged) == (202, 401)
    eventually(lambda: cloud.done(str(ids.event_id("shop", "order-1"))))
    assert len(cloud.mails("order-1@example.com")) == 1


def test_what_a_limit_holds_back_is_notified_again_and_sent(cloud: Deployed) -> None:
    names = [f"reader-{number}" for number in range(3)]
    events = [
        {
            "type": "CONTENT_PUBLISH",
            "source": "site",
            "payload": {"email": f"{name}@example.com"},
            "idempotencyKey": name,
        }
        for name in names
    ]

    assert cloud.call("POST", "/v1/events/batch", {"events": events})[0] == 207

    found = [str(ids.event_id("site", name)) for name in names]
    eventually(lambda: all(cloud.done(each) for each in found), within=90)
    waited = [each for each in found if "limit" in json.dumps((cloud.event(each) or {})["effects"][0]["journal"])]
    assert waited
    assert [len(cloud.mails(f"{name}@example.com")) for name in names] == [1, 1, 1]


@pytest.mark.point(16)
def test_a_message_that_names_nothing_ends_among_the_dead_letters(cloud: Deployed) -> None:
    sqs, queue = cloud.aws("sqs"), cloud.names["EffectsQueue"]
    stray = uuid.uuid4()
    hidden = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})  # six minutes, five times, else

    sqs.send_message(QueueUrl=queue, MessageBody=WakeUp(events=(stray,)).dumps())

    try:
        eventually(lambda: cloud.messages("EffectsDeadLetters"), within=90)
    finally:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes=hidden)
    letters = cloud.call("GET", "/v1/dlq")[2]
    assert [item["events"] for item in letters["items"]] == [[str(stray)]]
    cloud.purge("EffectsDeadLetters")


@pytest.mark.point(10)
def test_what_arrives_while_the_ledger_is_unreachable_is_buffered_and_recorded_later(cloud: Deployed) -> None:
    cloud.send("known", "known@example.com")  # the function knows the sources from now on
    with cloud.ledger_away():
        status, _, receipt = cloud.send("away", "away@example.com")

    assert (status, receipt["status"]) == (202, "buffered")
    cloud.invoke("relay")  # or the schedule was first
    eventually(lambda: cloud.done(receipt["eventId"]))
    assert len(cloud.mails("away@example.com")) == 1


def test_the_doctor_knows_which_alarms_are_on_and_who_gets_mail(cloud: Deployed) -> None:
    def found(name: str) -> tuple[bool, str]:
        items = cloud.call("GET", "/v1/doctor")[2]["items"]
        return next((each["ok"], each["detail"]) for each in items if each["name"] == name)

    alarms, mail = found("alarms"), found("mail for alarms")
    alarm = {"AlarmName": cloud.names["DoubtAlarm"], "StateReason": "test"}
    cloud.aws("cloudwatch").set_alarm_state(**alarm, StateValue="ALARM")
    firing = found("alarms")
    cloud.aws("cloudwatch").set_alarm_state(**alarm, StateValue="OK")
    cloud.aws("sns").subscribe(TopicArn=cloud.names["Alarms"], Protocol="email", Endpoint="ada@example.com")

    assert alarms == (True, "11, none is on")
    assert mail == (True, "no address: deploy with an AlarmEmail")
    assert (firing[0], "An effect is held" in firing[1]) == (False, True)
    assert found("mail for alarms") == (True, "1 confirmed")  # the emulator needs no confirmation
    assert found("schedules of campaigns") == (True, "1 in force, each has its own")


def test_a_second_deployment_changes_nothing_and_migrates_nothing(cloud: Deployed) -> None:
    log = cloud.home / "again.log"

    deployment.deploy(cloud.home / "build", cloud.ready["aws_endpoint_url"], log)

    assert "No changes to deploy" in log.read_text()
    done, migrated = cloud.invoke("migrate")
    assert done
    assert migrated["version"] > 0
    assert migrated["applied"] == []
    assert cloud.call("GET", "/healthz")[0] == 200


def test_schedules_run_the_relay_and_a_campaign(cloud: Deployed) -> None:
    logs = cloud.aws("logs")

    def said(function: str, word: str) -> int:
        found = logs.filter_log_events(logGroupName=f"/drumbeat/local/{function}")["events"]
        return sum(word in each["message"] for each in found)

    relayed, woken = said("relay", "START"), said("campaign", "START")

    eventually(lambda: said("relay", "START") > relayed and said("campaign", "START") > woken, within=150)
    assert said("campaign", "firing_not_understood") == 0
    # Whether the campaign's function or the relay was first to notice the instant is all the same.
    eventually(lambda: cloud.mails("tick@example.com"))
    (first, *_) = cloud.call("GET", "/v1/events?source=tick")[2]["items"]
    assert first["door"] == "schedule"

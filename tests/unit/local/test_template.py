"""Reading the stack's shape from the SAM template."""

from pathlib import Path

import pytest

from drumbeat.local.template import Feed, Route, Template, parse, read

ROOT = Path(__file__).resolve().parents[3]

SMALL = """
Globals: {Function: {MemorySize: 256, Environment: {Variables: {LEVEL: INFO, NAME: !Sub "x-${Stage}"}}}}
Resources:
  Dead: {Type: AWS::SQS::Queue}
  Bells:
    Type: AWS::SQS::Queue
    Properties: {VisibilityTimeout: 60, RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}}
  Work:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/worker
      Timeout: 9
      Environment: {Variables: {URL: !Ref Bells, RETRIES: 3}}
      Events:
        Feed: {Type: SQS, Properties: {Queue: !GetAtt Bells.Arn, BatchSize: 7}}
        Door: {Type: HttpApi, Properties: {Path: "/x/{id}", Method: get}}
        Clock: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(2 minutes)}}
        Off: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour), State: DISABLED}}
"""


def test_a_function_has_its_settings_routes_queues_and_schedules() -> None:
    template = read(parse(SMALL))

    function = template.functions["worker"]
    assert (function.timeout, function.memory, function.module) == (9, 256, "functions.worker.app")
    assert function.environment == {"LEVEL": "INFO", "RETRIES": "3"}
    assert function.queue_variables == {"URL": "Bells"}
    assert template.routes == (Route("GET", "/x/{id}", "worker"),)
    assert template.feeds == (Feed("worker", "Bells", 7),)
    assert [(schedule.function, schedule.every) for schedule in template.schedules] == [("worker", 120)]


def test_a_queue_has_its_attributes_and_its_dead_letters() -> None:
    queue = read(parse(SMALL)).queues["Bells"]

    assert queue.attributes == {"VisibilityTimeout": "60"}
    assert (queue.dead_letters, queue.receives) == ("Dead", 3)


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        ('{Type: ScheduleV2, Properties: {ScheduleExpression: "cron(0 9 * * ? *)"}}', "knows rate"),
        ("{Type: S3}", "no events of type S3"),
        ("{Type: SQS, Properties: {Queue: some-arn}}", "named by"),
    ],
)
def test_what_has_no_local_counterpart_is_refused(event: str, complaint: str) -> None:
    function = f"{{Type: AWS::Serverless::Function, Properties: {{CodeUri: f/f, Events: {{E: {event}}}}}}}"
    text = f"Resources: {{F: {function}}}"

    with pytest.raises(ValueError, match=complaint):
        read(parse(text))


def test_our_own_template_can_be_run_here() -> None:
    template = Template.load(ROOT / "template.yaml")

    assert {"ingest", "worker", "relay", "console", "migrate"} <= template.functions.keys()
    assert {feed.function for feed in template.feeds} == {"worker"}
    assert "relay" in {schedule.function for schedule in template.schedules}
    variables = {name for function in template.functions.values() for name in function.queue_variables}
    assert {"EFFECTS_QUEUE_URL", "BUFFER_QUEUE_URL", "DLQ_URL"} <= variables

"""Two local stacks that are given the same SQS endpoint."""

from pathlib import Path

from drumbeat.local.stack import Options, Stack


def test_stacks_on_one_sqs_have_queues_and_schedules_of_their_own(tmp_path: Path, sqs_endpoint: str) -> None:
    one, two = (Stack(Options(tmp_path / name)) for name in ("one", "two"))
    for stack in (one, two):
        stack._prepare_aws(sqs_endpoint, stack.stage_on_shared)

    assert set(one._queue_urls.values()).isdisjoint(two._queue_urls.values())
    assert one._scheduler["SCHEDULE_GROUP"] != two._scheduler["SCHEDULE_GROUP"]


def test_a_stack_finds_its_queues_again_when_it_starts_again(tmp_path: Path, sqs_endpoint: str) -> None:
    first, again = (Stack(Options(tmp_path)) for _ in range(2))
    for stack in (first, again):
        stack._prepare_aws(sqs_endpoint, stack.stage_on_shared)

    assert first._queue_urls == again._queue_urls

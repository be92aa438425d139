"""MiniStack 1.5, corrected where it differs from AWS and we rely on it: python -m drumbeat.local.cloud.emulator

A batch of messages needs the permission of a single one; MiniStack asks for actions such as `sqs:SendMessageBatch`,
which no policy can name, because AWS has none of them. A schedule is a resource in its group; MiniStack asks for
permission on the same name in the group `default`. Scheduler replaces what is in angle brackets in the input of a
schedule's target at each firing; MiniStack passes it on unchanged. A template's condition may ask for the account;
MiniStack compares the words `AWS::AccountId`. No web page may use the account's APIs; MiniStack answers every origin.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from drumbeat.local.cloud.parameters import arns_of_parameters, for_each
from drumbeat.local.gate import Gate, Signed

API = "/_aws/execute-api/"  # the deployed HTTP API, whose callers sign nothing
ACCOUNT = "000000000000"
SCHEDULES = "/schedules/"
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"


def action_of_one(action_of: Callable[..., str | None]) -> Callable[..., str | None]:
    """Wrap the function that names a request's action: for a batch of messages, the one for a single message."""

    def action(*request: object) -> str | None:
        found = action_of(*request)
        return found.removesuffix("Batch") if found is not None and found.startswith("sqs:") else found

    return action


def arn_of_schedules(arn_of: Callable[..., str]) -> Callable[..., str]:
    """Wrap the function that names a request's resource: for a schedule, that schedule."""

    def arn(
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        query: Mapping[str, Any],
        region: str,
        account: str,
    ) -> str:
        if service != "scheduler" or not path.startswith(SCHEDULES):
            return arn_of(service, method, path, headers, body, query, region, account)
        group = json.loads(body).get("GroupName") if body else query.get("groupName")
        group = group[0] if isinstance(group, list) else group or "default"
        return f"arn:aws:scheduler:{region}:{account}:schedule/{group}/{path.removeprefix(SCHEDULES)}"

    return arn


def with_firing_time(invoke: Callable[..., None]) -> Callable[..., None]:
    """Wrap the invocation of a target: put the time of the firing where the target's input asks for it."""

    def timed(target: Mapping[str, Any], event: Mapping[str, Any], *rest: object) -> None:
        if SCHEDULED_TIME in target.get("Input", ""):
            time = f"{datetime.fromtimestamp(event['Time'], UTC):%Y-%m-%dT%H:%M:%SZ}"
            target = {**target, "Input": target["Input"].replace(SCHEDULED_TIME, time)}
        invoke(target, event, *rest)

    return timed


def knowing_the_account(evaluate: Callable[..., dict[str, bool]], account: str) -> Callable[..., dict[str, bool]]:
    """Wrap the evaluation of a template's conditions: the account is a parameter like others."""

    def evaluated(template: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, bool]:
        return evaluate(template, {**parameters, "AWS::AccountId": {"Value": account}})

    return evaluated


def main() -> None:
    """Run the emulator until a signal ends it."""
    from ministack import app
    from ministack.core import iam_actions, iam_evaluator
    from ministack.services import eventbridge
    from ministack.services.cloudformation import changesets, engine, handlers, stacks

    iam_actions.extract_iam_action = action_of_one(iam_actions.extract_iam_action)
    iam_actions.extract_resource_arn = arns_of_parameters(arn_of_schedules(iam_actions.extract_resource_arn))
    iam_evaluator.enforce = for_each(iam_evaluator.enforce)
    eventbridge._invoke_target = with_firing_time(eventbridge._invoke_target)
    app.app = Gate(app.app, signed=Signed(unsigned_below=(API,)))
    evaluate = knowing_the_account(engine._evaluate_conditions, ACCOUNT)
    for module in (changesets, handlers, stacks):
        vars(module)["_evaluate_conditions"] = evaluate  # each has imported it
    run: Callable[[], None] = app.main
    run()


if __name__ == "__main__":
    main()

"""A new version over a running one: of a parameter, of a layer, of a template without aliases, and one whose migration
fails, is mended, and is deployed again. The last of this folder's tests: afterwards another version is deployed."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from drumbeat.ledger import steps
from drumbeat.local.cloud import deployment
from drumbeat.local.cloud.deployment import DeployFailed
from tests.cloud.deployed import Deployed
from tests.flow.stacks import eventually

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]

NEXT = len(steps.packaged()) + 1
ALIASED = ("campaign", "console", "ingest", "relay", "worker")


def test_a_parameter_of_functions_is_in_force_as_soon_as_it_is_deployed(cloud: Deployed, tmp_path: Path) -> None:
    """SAM makes no version for it: the description of a version does."""
    before = versions(cloud)

    redeploy(cloud, cloud.home / "build", tmp_path, "--parameter-overrides", "Stage=local WorkerConcurrency=2")

    assert configured(cloud, "worker")["Environment"]["Variables"]["WORKER_CONCURRENCY"] == "2"
    assert before.items().isdisjoint(versions(cloud).items())
    assert delivers(cloud, "parameter")


def test_a_layer_alone_is_another_version_that_migrates_first_and_the_old_one_finishes_what_it_has(
    cloud: Deployed, tmp_path: Path
) -> None:
    before, newer = versions(cloud), tmp_path / "newer"
    shutil.copytree(cloud.home / "build", newer)
    relay = newer / "CodeLayer/python/drumbeat/relay/sweep.py"
    relay.write_text(relay.read_text().replace('"asleep": self.idle', '"newer": True'))
    shutil.rmtree(relay.parent / "__pycache__")
    hooks = migrations(cloud)

    redeploy(cloud, newer, tmp_path)

    assert before.items().isdisjoint(versions(cloud).items())
    assert migrations(cloud) > hooks
    assert swept(cloud, before["relay"]).get("newer") is None
    assert swept(cloud, versions(cloud)["relay"])["newer"] is True
    assert delivers(cloud, "layer")


def test_a_stack_without_aliases_gets_them_in_place_and_goes_back_without(cloud: Deployed, tmp_path: Path) -> None:
    """The release before had none: a stack comes from there, and returns there by a rollback.

    The emulator's routes were added by hand and go on naming the alias.
    """
    without = tmp_path / "without"
    shutil.copytree(cloud.home / "build", without)
    template = without / "template.yaml"
    template.write_text(without_aliases(template.read_text()))

    redeploy(cloud, without, tmp_path)
    bare = invoked(cloud)
    redeploy(cloud, cloud.home / "build", tmp_path)
    again = invoked(cloud)

    assert [name.endswith(":live") for name in bare] == [False] * len(bare)
    assert again == [f"{name}:live" for name in bare]
    assert delivers(cloud, "again")


@pytest.mark.point(61)
@pytest.mark.point(62)
def test_a_migration_that_fails_leaves_the_old_version_serving_and_is_done_once_repaired(
    cloud: Deployed, tmp_path: Path
) -> None:
    endpoint, newer = cloud.ready["aws_endpoint_url"], tmp_path / "newer"
    shutil.copytree(cloud.home / "build", newer)
    step = newer / "CodeLayer/python/drumbeat/ledger/migrations" / f"{NEXT:03}_next.sql"
    step.write_text("CREATE TABLE half (); SELECT nothing FROM nowhere")

    with pytest.raises(DeployFailed):
        deployment.deploy(newer, endpoint, tmp_path / "failed.log")

    (reason,) = failures(cloud, "Schema")
    assert f"Step {step.name} failed" in reason
    assert '"nowhere" does not exist' in reason
    assert delivers(cloud, "before")

    step.write_text("CREATE TABLE whole ()")
    deployment.deploy(newer, endpoint, tmp_path / "mended.log")

    assert cloud.invoke("migrate") == (True, {"version": NEXT, "applied": []})
    assert delivers(cloud, "after")


def redeploy(cloud: Deployed, built: Path, logs: Path, *options: str) -> None:
    """Deploy into the running account."""
    deployment.deploy(built, cloud.ready["aws_endpoint_url"], logs / "sam.log", *options)
    cloud.forget_names()


def without_aliases(template: str) -> str:
    """Return the template as one whose functions are invoked themselves."""
    document = yaml_parse(template)
    for resource in document["Resources"].values():
        for name in ("AutoPublishAlias", "AutoPublishAliasAllProperties", "VersionDescription"):
            resource.get("Properties", {}).pop(name, None)
    return re.sub(r'\{"Ref": "(\w+)\.Alias"\}', r'{"Fn::GetAtt": ["\1", "Arn"]}', json.dumps(document))


def versions(cloud: Deployed) -> dict[str, str]:
    """Return which version each alias names."""
    return {name: configured(cloud, name)["Version"] for name in ALIASED}


def configured(cloud: Deployed, function: str) -> dict[str, Any]:
    """Return the configuration that is invoked."""
    found: dict[str, Any] = cloud.aws("lambda").get_function_configuration(FunctionName=cloud.invoked(function))
    return found


def invoked(cloud: Deployed) -> list[str]:
    """Name what the queue's mapping, the relay's schedule and the HTTP API invoke."""
    queue = cloud.aws("sqs").get_queue_attributes(QueueUrl=cloud.names["EffectsQueue"], AttributeNames=["QueueArn"])
    (mapping,) = cloud.aws("lambda").list_event_source_mappings(EventSourceArn=queue["Attributes"]["QueueArn"])[
        "EventSourceMappings"
    ]
    schedule = cloud.aws("scheduler").get_schedule(GroupName=cloud.names["Schedules"], Name="RelayFunctionEveryMinute")
    return [mapping["FunctionArn"], schedule["Target"]["Arn"]]


def swept(cloud: Deployed, version: str) -> dict[str, Any]:
    """Run one version of the relay; returns what it says."""
    name = cloud.names["RelayFunction"]
    reply = cloud.aws("lambda").invoke(FunctionName=name, Qualifier=version, Payload=b"{}")
    found: dict[str, Any] = json.loads(reply["Payload"].read())
    return found


def migrations(cloud: Deployed) -> int:
    """Count the runs of the deploy hook."""
    events = cloud.aws("logs").filter_log_events(logGroupName="/drumbeat/local/migrate")["events"]
    return sum("START" in each["message"] for each in events)


def failures(cloud: Deployed, resource: str) -> set[str]:
    """Return what the stack's events say about a resource that failed."""
    events = cloud.aws("cloudformation").describe_stack_events(StackName=deployment.STACK)["StackEvents"]
    return {
        each["ResourceStatusReason"]
        for each in events
        if each["LogicalResourceId"] == resource and each["ResourceStatus"].endswith("FAILED")
    }


def delivers(cloud: Deployed, name: str) -> bool:
    """Take an event in and carry out what follows from it."""
    status, _, receipt = cloud.send(f"upgrade-{name}", f"{name}@example.com")
    assert status == 202
    eventually(lambda: cloud.done(receipt["eventId"]))
    return len(cloud.mails(f"{name}@example.com")) == 1

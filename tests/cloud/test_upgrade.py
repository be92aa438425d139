"""A new version over a running one: its migration fails, is mended, and is deployed again. The last of this folder's
tests: afterwards another version is deployed."""

import shutil
from pathlib import Path

import pytest

from drumbeat.ledger import steps
from drumbeat.local.cloud import deployment
from drumbeat.local.cloud.deployment import DeployFailed
from tests.cloud.deployed import Deployed
from tests.flow.stacks import eventually

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]

NEXT = len(steps.packaged()) + 1


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

"""What each function has to be able to do, as steps that return whether it could; each can be repeated at any time."""

import itertools
import uuid
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import redis
from botocore.exceptions import ClientError

from drumbeat.core import ids
from drumbeat.people import waiting_wishes
from drumbeat.people.wishes import Wish, WishKind
from drumbeat.wakeups.queue import WakeUp
from tests.cloud.conftest import config
from tests.cloud.deployed import Deployed

FIRST_KEY = "/drumbeat/local/admin/first-key"

type Step = Callable[[Deployed], bool]

minutes = itertools.count(1)  # a firing of its own for each time a campaign's step is taken


def fresh(function: str, step: Step) -> Step:
    """Return the step, taken by a process that has read no secret yet."""

    def taken(cloud: Deployed) -> bool:
        cloud.restart(function)
        return step(cloud)

    taken.__doc__ = step.__doc__
    return taken


# ---------------------------------------------------------------- ingest


def records(cloud: Deployed) -> bool:
    """Records an event."""
    return cloud.send(uuid.uuid4().hex)[0] == 202


def notifies(cloud: Deployed) -> bool:
    """Notifies a worker of what it recorded."""
    cloud.purge("EffectsQueue")
    return records(cloud) and cloud.messages("EffectsQueue") == 1


def buffers(cloud: Deployed) -> bool:
    """Buffers an event while the ledger is unreachable."""
    cloud.purge("BufferQueue")
    records(cloud)  # the function knows the sources from now on
    with cloud.ledger_away():
        return records(cloud) and cloud.messages("BufferQueue") == 1


def keeps_wishes(cloud: Deployed) -> bool:
    """Keeps what a person asks for while the ledger is unreachable."""
    cloud.purge("WishesQueue")
    with cloud.ledger_away():
        return cloud.unsubscribe(uuid.uuid4()) == 200 and cloud.messages("WishesQueue") == 1


def is_kept_from(role: str) -> Step:
    """Return whether a function with this role, whatever its code does, is refused what is the owner's."""

    def step(cloud: Deployed) -> bool:
        """Cannot read a secret that only the deploy hook may read, whatever its code asks for."""
        arn = cloud.aws("iam").get_role(RoleName=cloud.names[role])["Role"]["Arn"]
        given = cloud.aws("sts").assume_role(RoleArn=arn, RoleSessionName="tests")["Credentials"]
        session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], "us-east-1")
        with closing(session.client("ssm", endpoint_url=cloud.ready["aws_endpoint_url"])) as ssm:
            assert ssm.get_parameters(Names=["/drumbeat/local/system/redis-url"])["Parameters"]
            try:
                ssm.get_parameters(Names=["/drumbeat/local/admin/database-url"], WithDecryption=True)
            except ClientError as error:
                return bool(error.response["Error"]["Code"] == "AccessDeniedException")
        return False

    return step


# ---------------------------------------------------------------- worker


def delivers(cloud: Deployed) -> bool:
    """Delivers, with a secret of an account."""
    key = uuid.uuid4().hex
    return work(cloud, recorded(cloud, key)) and cloud.done(str(ids.event_id("landing", key)))


def notifies_for_what_waits(cloud: Deployed) -> bool:
    """Sends a delayed message when a limit holds an effect back."""
    keys = [uuid.uuid4().hex for _ in range(3)]
    for key in keys:
        recorded(cloud, key, "CONTENT_PUBLISH")
    cloud.purge("EffectsQueue")
    work(cloud, *(ids.event_id("landing", key) for key in keys))
    return cloud.messages("EffectsQueue") + cloud.messages("EffectsQueue", "Delayed") > 0


def recorded(cloud: Deployed, key: str, type: str = "LEAD_CAPTURE", source: str = "landing") -> uuid.UUID:
    """Record an event whose message no worker takes."""
    body = {"type": type, "source": source, "payload": {"email": f"{key}@example.com"}, "idempotencyKey": key}
    assert cloud.call("POST", "/v1/events", body)[0] == 202
    return ids.event_id(source, key)


def work(cloud: Deployed, *events: uuid.UUID) -> bool:
    """Invoke the worker with a message, as its event source mapping would."""
    record = {"messageId": "1", "receiptHandle": "1", "body": WakeUp(events=events).dumps(), "attributes": {}}
    return cloud.invoke("worker", {"Records": [record]}) == (True, {"batchItemFailures": []})


# ---------------------------------------------------------------- relay


def looks_at_everything(cloud: Deployed) -> bool:
    """Checks everything after the due index was lost."""
    return looked(cloud)[0]


def notifies_for_what_was_forgotten(cloud: Deployed) -> bool:
    """Notifies a worker of an event whose message was lost."""
    records(cloud)
    cloud.purge("EffectsQueue")
    with cloud.ledger() as ledger:
        ledger.execute("UPDATE clock SET shift = '1 minute'")
        _, found = looked(cloud)
        ledger.execute("UPDATE clock SET shift = '0'")
    return found["events"] > 0 and "unrung" not in found and cloud.messages("EffectsQueue") > 0


def wakes_for_the_buffer(cloud: Deployed) -> bool:
    """Notices a buffered event while nothing else is due, and records it."""
    if not (looked(cloud)[0] and buffers(cloud)):
        return False
    return bool(cloud.invoke("relay")[1].get("drained") == 1)


def empties_the_buffer(cloud: Deployed) -> bool:
    """Takes what it recorded out of the buffer."""
    if not buffers(cloud):
        return False
    looked(cloud)
    return cloud.messages("BufferQueue") + cloud.messages("BufferQueue", "NotVisible") == 0


def waits(cloud: Deployed) -> None:
    """Let a wish wait that names no mail: it is taken out of the queue, and changes nothing."""
    wish = Wish(WishKind.WITHDRAW, uuid.uuid4(), uuid.uuid4(), None, datetime.now(UTC), {})
    cloud.purge("WishesQueue")
    cloud.aws("sqs").send_message(QueueUrl=cloud.names["WishesQueue"], MessageBody=waiting_wishes.dumps(wish))


def lets_postgres_sleep(cloud: Deployed) -> bool:
    """Lets Postgres sleep while no wish waits."""
    cloud.purge("WishesQueue")
    looked(cloud)
    return any("asleep" in cloud.invoke("relay")[1] for _ in range(3))


def empties_wishes(cloud: Deployed) -> bool:
    """Takes what it recorded out of the queue of wishes."""
    waits(cloud)
    looked(cloud)
    return cloud.messages("WishesQueue") + cloud.messages("WishesQueue", "NotVisible") == 0


def looked(cloud: Deployed) -> tuple[bool, Any]:
    """Clear the due index and run the relay; returns whether it succeeded, and its summary."""
    with redis.Redis.from_url(cloud.redis_url) as client:
        client.flushall()
    return cloud.invoke("relay")


# ---------------------------------------------------------------- campaigns


def fires(cloud: Deployed) -> bool:
    """Records a firing and notifies a worker."""
    ahead = timedelta(minutes=next(minutes))
    cloud.purge("EffectsQueue")
    with cloud.ledger() as ledger:
        ledger.execute("UPDATE clock SET shift = %s", [ahead])
        event = {"campaign": "tick", "scheduled": (datetime.now(UTC) + ahead).isoformat()}
        done, answer = cloud.invoke("campaign", event)
        ledger.execute("UPDATE clock SET shift = '0'")
    return done and answer.get("new") is True and cloud.messages("EffectsQueue") == 1


def aligns_schedules(cloud: Deployed) -> bool:
    """Makes, keeps, changes and removes the schedule of a campaign."""
    name = f"c{uuid.uuid4().hex[:8]}"
    failed = []
    for schedule in ("rate(1 hour)", "rate(1 hour) ", "rate(2 hours)", None):
        text = config(cloud)
        if schedule is not None:
            text += f'  {name}: {{schedule: "{schedule.strip()}"}}\n# {schedule}\n'
        status, _, applied = cloud.call("PUT", "/v1/config", {"document": text})
        assert status == 200, applied
        failed += applied["alarms"]["failed"]
    return not failed


# ---------------------------------------------------------------- console


def answers(cloud: Deployed) -> bool:
    """Answers questions about the ledger."""
    return cloud.call("GET", "/v1/events")[0] == 200


def redrives(cloud: Deployed) -> bool:
    """Sends a dead letter again, and removes it."""
    cloud.purge("EffectsQueue")
    dead_letter(cloud)
    status, _, answer = cloud.call("POST", "/v1/dlq/redrive")
    return status == 200 and answer["rung"] == 1 and answer["left"] == 0 and cloud.messages("EffectsQueue") == 1


def counts_dead_letters(cloud: Deployed) -> bool:
    """Counts dead letters."""
    return cloud.call("GET", "/v1/status")[2]["deadLetters"] is not None


def shows_dead_letters(cloud: Deployed) -> bool:
    """Shows dead letters and puts them back."""
    dead_letter(cloud)
    status, _, answer = cloud.call("GET", "/v1/dlq")
    return status == 200 and len(answer["items"]) == 1 and cloud.messages("EffectsDeadLetters") == 1


def finds(check: str, ok: bool = True) -> Step:
    """Return the step of asking the doctor about one part."""

    def checked(cloud: Deployed) -> bool:
        found = {each["name"]: each["ok"] for each in cloud.call("GET", "/v1/doctor")[2]["items"]}
        return bool(found[check] is ok)

    checked.__doc__ = f"Checks: {check}." if ok else f"Cannot read: {check}, which only the deploy hook may."
    return checked


def dead_letter(cloud: Deployed) -> None:
    """Leave one dead letter in its queue, and nothing else."""
    cloud.purge("EffectsDeadLetters")
    cloud.aws("sqs").send_message(
        QueueUrl=cloud.names["EffectsDeadLetters"], MessageBody=WakeUp(events=(uuid.uuid4(),)).dumps()
    )


# ---------------------------------------------------------------- migrate


def migrates(cloud: Deployed) -> bool:
    """Migrates and publishes the first key."""
    ssm = cloud.aws("ssm")
    ssm.delete_parameters(Names=[FIRST_KEY])
    done, _ = cloud.invoke("migrate")
    published = ssm.get_parameters(Names=[FIRST_KEY], WithDecryption=True)["Parameters"]
    return done and [each["Value"] for each in published] == [cloud.ready["api_key"]]

"""What has to be possible so that reports of providers may wait while the database sleeps; as in `steps`."""

import redis

from drumbeat.wakeups import due_index, ledger_rest
from tests.cloud.deployed import Deployed
from tests.cloud.steps import buffers, looked


def _keys(client: redis.Redis, name: str) -> list[bytes]:
    return [key for key in client.scan_iter() if key.endswith(name.encode())]


def puts_off(cloud: Deployed) -> bool:
    """Lets a report wait that need not wake a database that sleeps."""
    cloud.purge("FeedbackQueue")
    cloud.report("delivered")  # the function knows the source and its secret from now on
    cloud.purge("FeedbackQueue")
    with redis.Redis.from_url(cloud.redis_url) as client:
        client.delete(*_keys(client, ledger_rest.KEY) or [b"none"])
        for key in _keys(client, due_index.KEY):
            client.zremrangebyscore(key, "-inf", client.time()[0] + 3600)  # work that is due would have it recorded
    return cloud.report("delivered") == 200 and cloud.messages("FeedbackQueue") == 1


def records_reports(cloud: Deployed) -> bool:
    """Records the reports that wait, while the ledger is read for something else."""
    if not (looked(cloud)[0] and buffers(cloud) and puts_off(cloud)):
        return False
    return bool(cloud.invoke("relay")[1].get("drained") == 2)


def empties_reports(cloud: Deployed) -> bool:
    """Takes the reports that it recorded out of their queue."""
    if not puts_off(cloud):
        return False
    looked(cloud)
    return cloud.messages("FeedbackQueue") + cloud.messages("FeedbackQueue", "NotVisible") == 0


def shows_reports(cloud: Deployed) -> bool:
    """Moves what is no report to the buffer, where an alarm sees it."""
    cloud.purge("FeedbackQueue", "BufferQueue")
    cloud.aws("sqs").send_message(QueueUrl=cloud.names["FeedbackQueue"], MessageBody="no report")
    looked(cloud)
    moved = cloud.messages("BufferQueue") + cloud.messages("BufferQueue", "NotVisible") > 0
    cloud.purge("FeedbackQueue", "BufferQueue")
    return moved

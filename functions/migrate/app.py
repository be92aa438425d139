"""Deploy hook: bring the schema up to date before any other function changes, or stop the deployment."""

import json
import urllib.request
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from drumbeat.access import first_key
from drumbeat.core.errors import DrumbeatError, SettingsError
from drumbeat.ledger.database import encrypted
from drumbeat.ledger.migrate import migrate
from drumbeat.services import services, start

LONGEST_REASON = 1000  # characters; CloudFormation takes 4 KiB for the whole answer

logger = Logger()
start(lambda made: made.db)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Migrate, for CloudFormation (answers at its ResponseURL) or for a person who invokes it with `{}`.

    Deleting the stack deletes no data. Raises for a plain invocation what failed.
    """
    if "ResponseURL" not in event:
        return _migrate()
    data: dict[str, Any] = {}
    status, reason = "SUCCESS", "nothing to do: the data stays"
    if event["RequestType"] != "Delete":
        try:
            data = _migrate()
            reason = f"the schema is at step {data['version']:03d}"
        except DrumbeatError as error:
            status, reason = "FAILED", str(error)
        except Exception as error:  # without an answer CloudFormation would wait until its time limit
            logger.exception("migration_failed")
            status, reason = "FAILED", f"{type(error).__name__}; the log of the migrate function has the details"
    logger.info("migrated" if status == "SUCCESS" else "refused", extra={"reason": reason})
    _answer(event, status, reason, data)
    return data


def _migrate() -> dict[str, Any]:
    settings = services().settings
    if settings.admin_database_url is None:
        raise SettingsError("not set: ADMIN_DATABASE_URL (or ADMIN_DATABASE_URL_PARAM). Nothing was changed.")
    urls = (services().value(url) for url in (settings.admin_database_url, settings.database_url))
    done = migrate(*(encrypted(url, local=settings.local) for url in urls))
    first_key.publish(services())
    if done.advice:
        logger.warning("advice", extra={"advice": done.advice})
    return {"version": done.version, "applied": list(done.applied)}


def _answer(event: dict[str, Any], status: str, reason: str, data: dict[str, Any]) -> None:
    answer = {
        "Status": status,
        "Reason": reason[:LONGEST_REASON],
        "PhysicalResourceId": "drumbeat-schema",  # never another one: for a new id CloudFormation would delete the old
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"Version": str(data.get("version", ""))},
    }
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own presigned URL
        event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT", headers={"Content-Type": ""}
    )
    urllib.request.urlopen(request, timeout=20).close()  # noqa: S310

"""Handlers for a runtime to serve in tests."""

import json
import logging
import os
import signal
import time

import psycopg

from drumbeat.local.frames import Json
from drumbeat.local.runtime import Context


def handler(event: Json, context: Context) -> Json:
    match event.get("do"):
        case "raise":
            raise LookupError("no such thing")
        case "postgres away":
            raise psycopg.OperationalError("connection failed: 127.0.0.1, port 5432\nIs the server running?")
        case "postgres stops":
            raise psycopg.errors.AdminShutdown("terminating connection due to administrator command")
        case "no query":
            raise psycopg.errors.QueryCanceled("canceling statement due to statement timeout")
        case "log":
            logging.getLogger("drumbeat.somewhere").info("it waits")
            logging.getLogger("drumbeat.somewhere").warning("it rests", extra={"status": 503, "reason": "no answer"})
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "unserialisable":
            return object()
        case "sleep":
            time.sleep(event["seconds"])
        case "context":
            return {
                "name": context.function_name,
                "left": context.get_remaining_time_in_millis(),
                "id": context.aws_request_id,
            }
    return {"pid": os.getpid(), "event": event}


def web(event: Json, context: Context) -> Json:
    """Answer with the event, unless the path asks for something else."""
    match event["rawPath"].rsplit("/", 1)[-1]:
        case "raise":
            raise LookupError("no such thing")
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "nonsense":
            return {"statusCode": "x"}
        case "cookies":
            return {"statusCode": 204, "cookies": ["a=1", "b=2"], "headers": {"X-One": "1"}}
        case "slow":
            time.sleep(0.3)
        case "large":  # the text of an answer, quoted in it as Lambda does
            return {"statusCode": 200, "body": event["queryStringParameters"]["of"] * 3_500_000}
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"pid": os.getpid(), **event}),
    }


def feed(event: Json, context: Context) -> Json:
    """Fail the messages that say so, or die of them."""
    bodies = {record["messageId"]: record["body"] for record in event["Records"]}
    if "raise" in bodies.values():
        raise LookupError("no such thing")
    if "die" in bodies.values():
        os.kill(os.getpid(), signal.SIGKILL)
    return {"batchItemFailures": [{"itemIdentifier": id} for id, body in bodies.items() if body == "bad"]}

"""Requests to a stack that is being broken: each is made again until there is an answer to it."""

import json
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass

from drumbeat.local.frames import Json
from tests.chaos.environment import TIMEOUT_SECONDS, Environment

AGAIN_SECONDS = 0.2
PATIENCE_SECONDS = 240.0
NO_ANSWER = (429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Answered:
    """The first answer, and when it was there, in seconds of the epoch."""

    status: int
    body: Json
    at: float


def ask(environment: Environment, method: str, path: str, body: Json = None) -> Answered:
    """Make a request until it is answered; raises TimeoutError when it never is."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        with suppress(OSError, ValueError):
            answered = once(environment, method, path, body)
            if answered.status not in NO_ANSWER:
                return answered
        time.sleep(AGAIN_SECONDS)
    raise TimeoutError(f"{method} {path} was not answered")


def once(environment: Environment, method: str, path: str, body: Json = None) -> Answered:
    """Make a request; raises OSError without an answer."""
    base = environment.sandbox_url if path.startswith("/_sandbox") else environment.stack.ready["url"]
    headers = {"authorization": f"Bearer {environment.stack.ready['api_key']}", "content-type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, content, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as reply:
            return Answered(reply.status, json.loads(reply.read()), time.time())
    except urllib.error.HTTPError as error:
        with error:
            return Answered(error.code, json.loads(error.read()), time.time())

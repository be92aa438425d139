"""A sandbox in a process of its own, called over HTTP as an adapter would call it."""

import base64
import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

TIMEOUT_SECONDS = 10.0
NO_FIELDS: Mapping[str, object] = {}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class SandboxProcess:
    def __init__(self, home: Path, *arguments: str) -> None:
        self.timeout = TIMEOUT_SECONDS
        self.process = subprocess.Popen(
            [sys.executable, "-m", "drumbeat.sandbox", "--port", "0", "--home", str(home), *arguments],
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline())
        self.port = int(ready["url"].rpartition(":")[2])

    def with_timeout(self, seconds: float) -> "SandboxProcess":
        caller = copy(self)
        caller.timeout = seconds
        return caller

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.close()

    def kill(self) -> None:
        self.process.kill()
        self.close()

    def close(self) -> None:
        assert self.process.stdout is not None
        self.process.wait(timeout=TIMEOUT_SECONDS)
        self.process.stdout.close()

    def call(
        self,
        method: str,
        path: str,
        body: bytes | str | dict[str, Any] | None = None,
        **headers: str,
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        content = json.dumps(body) if isinstance(body, dict) else body
        try:
            connection.request(
                method, path, content, {name.replace("_", "-"): value for name, value in headers.items()}
            )
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def first_bytes(self, method: str, path: str, body: bytes, **headers: str) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_SECONDS) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            return connection.recv(65536)

    def mailgun(self, effect: str, *, domain: str = "mg.example.com", **fields: str) -> Reply:
        form = {
            "from": "Ada <ada@example.com>",
            "to": "bob@example.org",
            "subject": "Hello",
            "text": "It works.",
            "h:Message-Id": f"<{effect}@{domain}>",
            "v:effect-id": effect,
        } | fields
        return self.call(
            "POST",
            f"/mailgun/v3/{domain}/messages",
            urlencode({name: value for name, value in form.items() if value}),
            authorization=basic("key"),
            content_type="application/x-www-form-urlencoded",
        )

    def events(self, effect: str, *, domain: str = "mg.example.com", **query: str) -> Reply:
        search = urlencode(
            {"event": "accepted", "message-id": f"{effect}@{domain}", "begin": "1", "ascending": "yes"} | query
        )
        return self.call("GET", f"/mailgun/v3/{domain}/events?{search}", authorization=basic("key"))

    def resend(self, key: str | None, *, token: str = "re_1", mail: Mapping[str, object] = NO_FIELDS) -> Reply:
        whole = {
            "from": "ada@example.com",
            "to": ["bob@example.org"],
            "subject": "Hello",
            "text": "It works.",
            **mail,
        }
        named = {} if key is None else {"idempotency_key": key}
        return self.call("POST", "/resend/emails", whole, authorization=f"Bearer {token}", **named)

    def hubspot(self, *inputs: dict[str, Any], token: str = "pat-1") -> Reply:
        path = "/hubspot/crm/v3/objects/contacts/batch/upsert"
        return self.call("POST", path, {"inputs": list(inputs)}, authorization=f"Bearer {token}")

    def inject(self, fault: str, **settings: object) -> Reply:
        return self.call("POST", "/_sandbox/lies", {"lie": fault, **settings})

    def shift(self, seconds: float) -> None:
        assert self.call("POST", "/_sandbox/clock", {"shift": seconds}).status == 200

    def record(self, key: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.call("GET", f"/_sandbox/record?{urlencode({'key': key})}").json["items"]
        return items

    def done(self, effect: str) -> int:
        counts = self.call("GET", "/_sandbox/counts").json
        return sum(one["done"] for one in counts["effects"] if one["effect"] == effect)


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"api:{password}".encode()).decode()


def contact(email: str, trace: str, **properties: str) -> dict[str, Any]:
    return {"id": email, "idProperty": "email", "objectWriteTraceId": trace, "properties": properties}

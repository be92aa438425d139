"""Samples through every API: single events, batches, repeats, signed webhooks, the command line."""

import hashlib
import hmac
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from drumbeat.local.frames import Json

TIMEOUT_SECONDS = 40.0  # more than the front takes


@dataclass(frozen=True)
class Sent:
    """What was sent in one way."""

    door: str
    requests: int
    events: int  # different ones
    effects: int  # that follow from them


@dataclass(frozen=True)
class Keys:
    """The secrets of the demonstration, fresh each time."""

    account: str
    shop: bytes
    repository: str

    @classmethod
    def fresh(cls) -> "Keys":
        """Make new ones."""
        return cls(secrets.token_hex(16), secrets.token_bytes(24), secrets.token_hex(16))

    def environment(self) -> dict[str, str]:
        """Return them as the demonstration's configuration names them."""
        return {
            "DEMO_SECRET": self.account,
            "DEMO_SHOP_SECRET": "whsec_" + b64encode(self.shop).decode(),
            "DEMO_REPOSITORY_SECRET": self.repository,
        }


class Doors:
    """Every way to send events to one deployment."""

    def __init__(self, url: str, api_key: str, keys: Keys) -> None:
        self.url = url
        self._api_key = api_key
        self._keys = keys

    def all(self) -> Iterator[Callable[[], Sent]]:
        """Return the ways in the order in which the demonstration uses them."""
        yield from (self.single, self.batch, self.webhook, self.repeat, self.repository, self.command_line)

    def single(self) -> Sent:
        """One request, one event."""
        for number in range(12):
            self._post("/v1/events", lead("single", number))
        return Sent("single events", 12, 12, 36)

    def repeat(self) -> Sent:
        """The same events as before, as an impatient caller sends them."""
        for number in range(6):
            self._post("/v1/events", lead("single", number))
        return Sent("the same again", 6, 0, 0)

    def batch(self) -> Sent:
        """Many events in one request, one of them twice."""
        events = [lead("batch", number) for number in range(24)]
        results = self._post("/v1/events/batch", {"events": [*events, events[0]]})["results"]
        assert [result["status"] for result in results] == [202] * 24 + [200], results
        return Sent("a batch", 1, 24, 72)

    def webhook(self) -> Sent:
        """Signed by the Standard Webhooks scheme; each is delivered twice, as senders do."""
        for number in range(8):
            body = json.dumps({"type": "order.paid", "data": person("shop", number)}).encode()
            name, now = f"msg_{number}", str(int(time.time()))
            signature = hmac.digest(self._keys.shop, f"{name}.{now}.".encode() + body, hashlib.sha256)
            headers = {
                "webhook-id": name,
                "webhook-timestamp": now,
                "webhook-signature": "v1," + b64encode(signature).decode(),
            }
            for _ in range(2):
                self._deliver("shop", body, headers)
        return Sent("webhook, Standard Webhooks", 16, 8, 24)

    def repository(self) -> Sent:
        """Signed as GitHub does."""
        for number in range(5):
            release = {"name": f"v1.{number}", "html_url": f"https://github.example.com/releases/v1.{number}"}
            body = json.dumps({"action": "published", "release": release}).encode()
            signature = hmac.new(self._keys.repository.encode(), body, hashlib.sha256).hexdigest()
            headers = {"x-github-delivery": f"delivery-{number}", "x-hub-signature-256": f"sha256={signature}"}
            self._deliver("repository", body, headers)
        return Sent("webhook, GitHub", 5, 5, 5)

    def command_line(self) -> Sent:
        """By `drumbeat send`."""
        event = lead("cli", 0)
        command = [sys.executable, "-m", "drumbeat.cli.main", "--url", self.url, "--json", "send", event["type"]]
        command += ["--payload", json.dumps(event["payload"]), "--source", "cli", "--idempotency-key", "cli-0"]
        environment = {**os.environ, "DRUMBEAT_KEY": self._api_key}
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        return Sent("command line", 1, 1, 3)

    def get(self, path: str) -> Json:
        """Read something as the owner of the key."""
        return call("GET", self.url + path, headers=self._authorized())

    def _post(self, path: str, body: object) -> Json:
        headers = {"content-type": "application/json", **self._authorized()}
        return call("POST", self.url + path, json.dumps(body).encode(), headers)

    def _deliver(self, source: str, body: bytes, headers: Mapping[str, str]) -> None:
        call("POST", f"{self.url}/v1/webhooks/{source}", body, {"content-type": "application/json", **headers})

    def _authorized(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._api_key}"}


def call(method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Json:
    """Make one request to a loopback address and return its JSON; raises urllib.error.HTTPError for an error."""
    request = urllib.request.Request(url, body, dict(headers or {}), method=method)
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as reply:
        return json.loads(reply.read())


def lead(source: str, number: int) -> dict[str, Json]:
    """Return a lead as the API takes it."""
    return {
        "type": "LEAD_CAPTURE",
        "source": source,
        "payload": person(source, number),
        "idempotencyKey": f"{source}-{number}",
    }


def person(source: str, number: int) -> dict[str, str]:
    """Return a made-up person."""
    return {"email": f"{source}-{number}@example.com", "name": f"{source.title()} {number}"}

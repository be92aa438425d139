"""Samples through every API: single events, batches, repeats, signed webhooks, the command line."""

import hashlib
import hmac
import json
import os
import re
import secrets
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from drumbeat.core.errors import DrumbeatError
from drumbeat.local.frames import Json

TIMEOUT_SECONDS = 40.0  # more than the front takes
MAIL_SECONDS = 60.0  # until a mail has to be there
READING_SECONDS = 2.2  # what confirms a page sooner than in two seconds is taken for a program
SUBSCRIBERS = 4


class NoMail(DrumbeatError):
    """A mail that was to come has not come."""


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

    def __init__(self, url: str, api_key: str, keys: Keys, sandbox_url: str) -> None:
        self.url = url
        self._sandbox_url = sandbox_url
        self._api_key = api_key
        self._keys = keys

    def all(self) -> Iterator[Callable[[], Sent]]:
        """Return the ways in the order in which the demonstration uses them."""
        yield from (self.single, self.batch, self.form, self.webhook, self.repeat, self.repository, self.command_line)

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

    def form(self) -> Sent:
        """Each person posts a form twice, and confirms by the link in the mail that follows."""
        addresses = [person("form", number)["email"] for number in range(SUBSCRIBERS)]
        for address in addresses * 2:
            self._post_form(address)
        links = [self._confirm_link(address) for address in addresses]
        stamps = [re.findall(r'name="_page" value="([^"]+)"', page(link))[0] for link in links]
        time.sleep(READING_SECONDS)
        for link, stamp in zip(links, stamps, strict=True):
            page(link, {"_page": stamp})
        return Sent("form, then confirmed by mail", 3 * SUBSCRIBERS, 2 * SUBSCRIBERS, 5 * SUBSCRIBERS)

    def get(self, path: str) -> Json:
        """Read something as the owner of the key."""
        return call("GET", self.url + path, headers=self._authorized())

    def _post(self, path: str, body: object) -> Json:
        headers = {"content-type": "application/json", **self._authorized()}
        return call("POST", self.url + path, json.dumps(body).encode(), headers)

    def _post_form(self, address: str) -> None:
        body = urlencode({"email": address, "name": "Form"}).encode()
        call("POST", f"{self.url}/v1/forms/signup", body, {"content-type": "application/x-www-form-urlencoded"})

    def _confirm_link(self, address: str) -> str:
        """Wait for the mail that asks to confirm, and return its link."""
        until = time.monotonic() + MAIL_SECONDS
        while time.monotonic() < until:
            for mail in call("GET", f"{self._sandbox_url}/_sandbox/mail?q={quote(address)}")["items"]:
                if found := re.search(r"http://\S+/c/[\w-]+", mail["text"]):
                    return found[0]
            time.sleep(0.1)
        raise NoMail(f"no mail asked {address} to confirm within {MAIL_SECONDS:.0f} s")

    def _deliver(self, source: str, body: bytes, headers: Mapping[str, str]) -> None:
        call("POST", f"{self.url}/v1/webhooks/{source}", body, {"content-type": "application/json", **headers})

    def _authorized(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._api_key}"}


def call(method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Json:
    """Make one request to a loopback address and return its JSON; raises urllib.error.HTTPError for an error."""
    request = urllib.request.Request(url, body, dict(headers or {}), method=method)
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as reply:
        return json.loads(reply.read())


def page(url: str, fields: Mapping[str, str] | None = None) -> str:
    """Open a page, or send its form, and return what is shown then."""
    body = None if fields is None else urlencode(fields).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=TIMEOUT_SECONDS) as reply:
        return str(reply.read().decode())


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

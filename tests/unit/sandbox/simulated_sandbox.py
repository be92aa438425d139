"""A sandbox on simulated time, in this process and without a network: what is due is taken, and answered by hand."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from drumbeat.sandbox.feedback import Webhook
from drumbeat.sandbox.http_messages import HttpRequest
from drumbeat.sandbox.sandbox import Sandbox
from drumbeat.sandbox.vendors import registry

BEGIN = 1_790_000_000.0
SECRET = "whsec_" + base64.b64encode(b"a signing secret of 24 b").decode()
SECRETS = {"mailgun": "signing-key", "resend": SECRET, "postmark": "user:pass", "http": SECRET, "ses": ""}
TOPIC = "arn:aws:sns:eu-central-1:123456789012:drumbeat"
URL = "http://127.0.0.1:8787/v1/webhooks/mail"
KEY = "0191d5a0-0000-7000-8000-000000000001-1"


class SimulatedSandbox:
    def __init__(self, home: Path, begin: float = BEGIN) -> None:
        self.time = begin
        self.sandbox = Sandbox(home, lambda: self.time)

    def register(self, provider: str, **more: object) -> int:
        topic = {"topic": TOPIC} if provider == "ses" else {}
        command = {"provider": provider, "url": URL, "secret": SECRETS[provider], **topic, **more}
        return self.sandbox.command("webhook", command)

    def mailgun(self, key: str = KEY, **fields: str) -> int:
        form = {"from": "Ada <ada@mg.example.com>", "to": "bob@example.org", "subject": "Hello", "text": "It works.",
                "h:Message-Id": f"<{key}@mg.example.com>", "v:effect-id": key, "o:tag": "news"} | fields  # fmt: skip
        basic = "Basic " + base64.b64encode(b"api:key").decode()
        headers = {"authorization": basic, "content-type": "application/x-www-form-urlencoded"}
        return self._handle("mailgun", "/v3/mg.example.com/messages", headers, urlencode(form).encode())

    def resend(self, key: str = KEY, **fields: object) -> int:
        mail = {"from": "ada@example.com", "to": ["bob@example.org"], "subject": "Hello", "html": "<p>Hi",
                "headers": {"List-Id": "news"}, "tags": [{"name": "effect-id", "value": key}]} | fields  # fmt: skip
        headers = {"authorization": "Bearer re_1", "idempotency-key": key}
        return self._handle("resend", "/emails", headers, json.dumps(mail).encode())

    def call(self, key: str = KEY, body: Mapping[str, object] | None = None) -> int:
        content = json.dumps(body or {"email": "bob@example.org"}).encode()
        return self._handle("http", "/erp/mails", {"webhook-id": key}, content)

    def due(self, *, after: float = 0.0) -> list[Webhook]:
        self.time += after
        return self.sandbox.due()

    def answer(self, webhooks: list[Webhook], status: int | None = 200) -> None:
        for webhook in webhooks:
            self.sandbox.answered(webhook.number, status)

    def close(self) -> None:
        self.sandbox.record.close()

    def _handle(self, provider: str, path: str, headers: dict[str, str], body: bytes) -> int:
        request = HttpRequest("POST", f"/{provider}{path}", "", headers, body)
        return self.sandbox.handle(registry.get(provider), request, path, lambda _: None).status


def read(webhook: Webhook) -> Any:
    return json.loads(webhook.body)

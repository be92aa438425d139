"""Events and configurations for tests of flows."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from drumbeat.configuration.document import compile_document
from drumbeat.core.configuration import Config
from drumbeat.core.events import Event

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

DOCUMENT = """
version: 1
accounts:
  mail: {provider: mailgun, settings: {domain: mg.example.com, from: a@mg.example.com}, secrets: {api_key: env:MAIL}}
  crm: {provider: hubspot, secrets: {token: env:CRM}}
  site: {provider: http, settings: {base_url: "https://site.example.com"}, secrets: {signing_key: env:SITE}}
"""


def config(flows: str, *, templates: Mapping[str, str] | None = None, more: str = "", version: int = 1) -> Config:
    """Compile a document with the usual accounts and these flows."""
    compiled = compile_document(f"{DOCUMENT}{more}\nflows:\n{flows}", templates or {})
    return Config.load(version, json.loads(json.dumps(compiled)))


def event(
    payload: object,
    *,
    source: str = "website",
    type: str = "LEAD_CAPTURE",
    door: str = "api",
    scheduled_at: datetime | None = None,
    body: bytes | None = None,
) -> Event:
    """Return an event of the API with this payload; or one with exactly this body."""
    sent = {"type": type, "source": source, "payload": payload, "idempotencyKey": "k"}
    raw = json.dumps(sent).encode() if body is None else body
    return Event(UUID(int=7), source, "k", type, door, scheduled_at, NOON, raw)

"""A provider, a source and an action are one file and one registration each: nothing else knows them by name."""

import hashlib
import hmac
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import pytest

from drumbeat.configuration import yaml_lines
from drumbeat.configuration.document import compile_document, schema
from drumbeat.core.configuration import Config
from drumbeat.core.errors import ConfigError
from drumbeat.core.events import Event
from drumbeat.core.outcomes import Accepted
from drumbeat.core.request import Reply
from drumbeat.delivery.requests import freeze, thaw
from drumbeat.planning import actions
from drumbeat.planning.plan import plan
from drumbeat.planning.render import render
from drumbeat.providers import registry as providers
from drumbeat.providers.login import login
from drumbeat.sources import registry as schemes
from drumbeat.sources.signature import Allowed, Delivery, Unverified

ACTION = """
from dataclasses import dataclass

from drumbeat.core.actions import Action
from drumbeat.planning.actions.base import ActionType, Argument, Kind
from drumbeat.planning.arguments import line, some_text


@dataclass(frozen=True, slots=True)
class Parcel(Action):
    street: str
    note: str


class SendParcel(ActionType):
    name = "send_parcel"
    description = "One parcel to one door."
    arguments = {
        "street": Argument(Kind.TEXT, "where it goes", required=True, in_target=True),
        "note": Argument(Kind.TEXT, "what lies on top"),
        "size": Argument(Kind.VERBATIM, "how large it is", choices=("small", "large")),
    }
    needs_consent = True

    def target(self, step, config, seen):
        return line(step, "street", seen)

    def make(self, step, config, planned, seen):
        return Parcel(line(step, "street", planned), some_text(step, "note", seen))


ACTION = SendParcel()
"""

PROVIDER = """
import json
from datetime import timedelta

from new_action import Parcel

from drumbeat.core.outcomes import Accepted
from drumbeat.core.request import Request
from drumbeat.providers import base_url
from drumbeat.providers.base import NativeKey
from drumbeat.providers.credentials import bearer
from drumbeat.providers.replies import unsuccessful


class Courier:
    name = "acme_courier"
    base_url = "https://api.courier.example"
    actions = frozenset({"send_parcel"})
    settings = {"depot": True, "base_url": False}
    secrets = {"token": True}

    def problems(self, settings):
        return base_url.problems(settings)

    def repeat(self, target, request=None):
        return NativeKey(timedelta(hours=24))

    def identity(self, target):
        return f"{self.name} {target.base_url}"

    def build(self, target, action, *, key):
        assert isinstance(action, Parcel)
        parcel = {"from": target.settings["depot"], "to": action.street, "note": action.note}
        return Request("POST", f"{target.base_url}/parcels", {"idempotency-key": key}, json.dumps(parcel).encode())

    def sign(self, request, secrets, *, key, now):
        return bearer(request, secrets["token"])

    def read(self, reply):
        return Accepted("p-1") if reply.status == 201 else unsuccessful(reply, {})


PROVIDER = Courier()
"""

SOURCE = """
from drumbeat.sources.signature import Allowed, Delivery, Option, Scheme, digest, key_of, require


class Acme(Scheme):
    name = "acme"
    options = {
        "realm": Option("the part of Acme that signs", required=True, choices=("north", "south")),
        "salt": Option("what stands before the body", default="acme", problem=lambda value: None if value.islower()
                       else "salt must be in lower case"),
    }

    def verify(self, delivery, allowed):
        before = f"{allowed.options['realm']}{allowed.options.get('salt') or self.options['salt'].default}".encode()
        require((digest(one, before, delivery.body).hex() for one in allowed.secrets), [delivery.header("Acme")])
        return key_of(delivery.header("Acme-Id"))


SCHEME = Acme()
"""

DOCUMENT = """version: 1
accounts:
  parcels: {provider: acme_courier, settings: {depot: Kiel}, secrets: {token: env:TOKEN}}
  site: {provider: http, secrets: {signing_key: env:SITE}}
sources:
  shop:
    webhook: acme
    secrets: [env:ACME]
    type: LEAD_CAPTURE
    realm: north
flows:
  gift:
    on: LEAD_CAPTURE
    steps:
      - id: send
        account: parcels
        action: send_parcel
        with: {street: "{{ payload.street }}", note: "{{ payload.name }}, with love ({{ effect_id }})", size: small}
"""
BODY = b'{"street": "Main Street 1", "name": "Ada"}'
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def additions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    files = {"new_action": ACTION, "new_provider": PROVIDER, "new_source": SOURCE}
    for name, text in files.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    actions.register("send_parcel", "new_action:ACTION")
    providers.register("acme_courier", "new_provider:PROVIDER")
    schemes.register("acme", "new_source:SCHEME")
    yield
    actions.unregister("send_parcel")
    providers.unregister("acme_courier")
    schemes.unregister("acme")
    for name in files:
        sys.modules.pop(name, None)


def compiled(text: str = DOCUMENT) -> Config:
    return Config.load(1, json.loads(json.dumps(compile_document(text, {}, sandbox=True))))


def signed(body: bytes, realm: str = "north") -> Delivery:
    signature = hmac.new(b"sesame", f"{realm}acme".encode() + body, hashlib.sha256).hexdigest()
    return Delivery("POST", "https://a.example/x", {"acme": signature, "acme-id": "d-1"}, body)


def test_a_webhook_becomes_a_request_that_is_frozen_and_read() -> None:
    version = compiled()
    source = version.sources["shop"]
    key = schemes.get(source.scheme).verify(
        signed(BODY), Allowed(["sesame"], NOON.timestamp(), source.tolerance, source.options)
    )
    event = Event(UUID(int=7), "shop", key, source.type, "webhook", None, NOON, BODY)

    planned = plan(event, version)
    (effect,) = planned.effects
    action = render(event, version, effect.flow, effect.step, effect_id=effect.id)
    courier = login(version.accounts["parcels"], None)
    frozen, digest = freeze(courier.provider.build(courier.target, action, key="k-1"))
    request = courier.provider.sign(thaw(frozen, digest), {"token": "t"}, key="k-1", now=NOON)

    assert (key, planned.failed, effect.target, effect.needs_consent) == ("d-1", {}, "Main Street 1", True)
    assert (request.method, request.url) == ("POST", "https://api.courier.example/parcels")
    assert request.headers == {"idempotency-key": "k-1", "authorization": "Bearer t"}
    assert json.loads(request.body) == {
        "from": "Kiel",
        "to": "Main Street 1",
        "note": f"Ada, with love ({effect.id})",
    }
    assert courier.provider.read(Reply(201, {}, b"")) == Accepted("p-1")


def test_a_delivery_signed_under_another_option_is_refused() -> None:
    source = compiled().sources["shop"]

    with pytest.raises(Unverified):
        schemes.get("acme").verify(signed(BODY, "south"), Allowed(["sesame"], 0, source.tolerance, source.options))


@pytest.mark.parametrize(
    ("written", "instead", "expected"),
    [
        ("realm: north", "realm: nort", "10: there is no realm nort; did you mean north?"),
        ("realm: north", "realm: 5", "10: realm must be text; put quotes around it (it is a number)"),
        ("    realm: north\n", "", "6: realm is missing; acme needs it"),
        ("realm: north", "realm: north\n    salt: BIG", "11: salt must be in lower case"),
        ("realm: north", "realm: north\n    relm: a", "11: there is no field relm here; did you mean realm?"),
        ("webhook: acme", "webhook: stripe", "10: stripe has no options; delete realm"),
        ("depot: Kiel", "depo: Kiel", "3: acme_courier has no setting depo; did you mean depot?"),
        ("account: parcels", "account: site", "17: account site is at http, which can only call; send_parcel needs"),
        ("{{ payload.street }}", "{{ effect_id }}", "18: effect_id is not known yet where street is filled"),
        ("{{ payload.street }}", "{{ payload.street", "18: street: not a template"),
        ("size: small", "size: smal", "18: size: there is no smal; did you mean small?"),
        ("size: small", "weight: 3", "18: there is no field weight here"),
    ],
)
def test_what_is_wrong_with_them_is_said_with_its_line(written: str, instead: str, expected: str) -> None:
    with pytest.raises(ConfigError) as refused:
        compile_document(DOCUMENT.replace(written, instead), {})

    assert any(str(one).startswith(f"drumbeat.yaml:{expected}") for one in refused.value.mistakes), refused.value


def test_the_schema_for_editors_lists_them() -> None:
    made = schema()
    parts: dict[str, Any] = made["$defs"]

    assert "acme_courier" in parts["Account"]["properties"]["provider"]["enum"]
    assert "send_parcel" in parts["Step"]["properties"]["action"]["enum"]
    assert parts["SendParcel"]["properties"]["size"] == {
        "description": "how large it is",
        "enum": ["small", "large"],
        "type": "string",
    }
    check = jsonschema.Draft202012Validator(made)
    document = yaml_lines.read(DOCUMENT, "x").data
    assert check.is_valid(document)
    document["sources"]["shop"]["realm"] = "nort"
    assert not check.is_valid(document)
    del document["sources"]["shop"]["realm"]
    assert not check.is_valid(document)

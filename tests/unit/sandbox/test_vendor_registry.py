"""Vendors: loaded on first use, and added without touching anything else."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse
from drumbeat.sandbox.router import Router
from drumbeat.sandbox.sandbox import Sandbox
from drumbeat.sandbox.vendors import registry

ACME = """
from drumbeat.sandbox.actions import ACCEPTED, PerformedAction, RequestedAction
from drumbeat.sandbox.http_messages import json_response


class Acme:
    name = "acme"

    def read(self, request, path):
        key = request.headers["acme-key"]
        return RequestedAction(request, self.name, "main", "print", key=key, effect=key, to=(path,))

    def perform(self, requested, state, injection, now):
        return PerformedAction(ACCEPTED, json_response(201, {"printed": requested.key}))

    def error_response(self, status, *headers):
        return json_response(status, {"acme": "error"}, *headers)


VENDOR = Acme()
"""
CONTROL_HEADERS = {"host": "127.0.0.1"}


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "acme_sandbox_vendor.py").write_text(ACME)
    monkeypatch.syspath_prepend(tmp_path)
    registry.register("acme", "acme_sandbox_vendor:VENDOR")
    yield "acme"
    registry.unregister("acme")
    del sys.modules["acme_sandbox_vendor"]


def test_a_vendor_from_a_file_of_its_own_answers_is_recorded_and_meets_faults(tmp_path: Path, acme: str) -> None:
    sandbox = Sandbox(tmp_path / "home")
    router = Router(sandbox)

    def answered(request: HttpRequest) -> HttpResponse:
        response = router(request, lambda _: None)
        assert isinstance(response, HttpResponse)
        return response

    printed = answered(HttpRequest("POST", "/acme/print", "", CONTROL_HEADERS | {"acme-key": "p-1"}, b""))
    fault = json.dumps({"lie": "accept_then_500", "provider": acme, "status": 502}).encode()
    injected = answered(HttpRequest("POST", "/_sandbox/lies", "", CONTROL_HEADERS, fault))
    failed = answered(HttpRequest("POST", "/acme/print", "", CONTROL_HEADERS | {"acme-key": "p-2"}, b""))
    page = answered(HttpRequest("GET", "/lies", "", CONTROL_HEADERS, b""))

    assert (printed.status, json.loads(printed.body)) == (201, {"printed": "p-1"})
    assert injected.status == 201
    assert (failed.status, json.loads(failed.body)) == (502, {"acme": "error"})
    effects = sandbox.state.counts.to_json()["effects"]
    assert [(one["provider"], one["effect"], one["done"]) for one in effects] == [
        ("acme", "p-1", 1),
        ("acme", "p-2", 1),
    ]
    assert b'<option value="acme">' in page.body
    sandbox.record.close()


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="already"):
        registry.register("mailgun", "elsewhere:VENDOR")


def test_every_vendor_of_the_table_loads_under_its_own_name() -> None:
    assert [registry.get(name).name for name in registry.names()] == list(registry.names())


def test_a_start_loads_no_vendor() -> None:
    program = (
        "import sys, drumbeat.sandbox.router\n"
        "print([name for name in sys.modules if name.startswith('drumbeat.sandbox.vendors.')])"
    )

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "['drumbeat.sandbox.vendors.base', 'drumbeat.sandbox.vendors.registry']"

"""What a night leaves behind on a whole stack: something of every status, for pages to show in the morning."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from tests.flow.stacks import ROOT, Stack, eventually

CONFIG = """
version: 1
defaults:
  timezone: Europe/Berlin
  retry: {for: 7d, base: 1s, cap: 3s}
  public_url: "https://hooks.example.com"
  postal_address: "Fernwood GmbH, Am Wald 1, 10115 Berlin"
accounts:
  mail:
    provider: mailgun
    settings: {domain: mg.example.com, from: "Ada at Fernwood <ada@mg.example.com>"}
    secrets: {api_key: "env:FLOW_SECRET"}
    limits: ["50/s", "50000/d"]
    lookup: {looks: [1s, 2s], retention: 3d}
  crm: {provider: hubspot, secrets: {token: "env:FLOW_SECRET"}}
  partner: {provider: http, on_unknown: hold, secrets: {signing_key: "env:FLOW_SECRET"}}
  office: {provider: http, settings: {repeat: safe}, secrets: {signing_key: "env:FLOW_SECRET"}}
lists:
  newsletter: {title: The Monday note, description: One plant each Monday.}
  club: {title: The fern club, confirm: {account: mail, template: confirm}}
audiences:
  readers: {list: newsletter}
  berlin: {all: [{list: newsletter}, {field: city, is: Berlin}]}
sources:
  signup: {form: {fields: {email: required, name: optional}, honeypot: website}, list: club}
  reports: {webhook: mailgun, secrets: ["env:FLOW_SECRET"], type: FEEDBACK, speaks_for: mail}
  shop: {webhook: standard_webhooks, secrets: ["env:FLOW_WEBHOOK"], type: LEAD_CAPTURE, map: {email: data.email}}
flows:
  welcome:
    on: LEAD_CAPTURE
    when: "source == 'landing'"
    steps:
      - id: contact
        account: crm
        action: upsert_contact
        with: {email: "{{ payload.email }}", properties: {lifecyclestage: lead}}
      - id: hello
        account: mail
        action: send_email
        with: {to: "{{ payload.email }}", template: welcome}
      - id: tell-partner
        account: partner
        action: call
        after: hello
        with: {method: POST, path: /leads, body: {email: "{{ payload.email }}"}}
  later:
    on: LEAD_CAPTURE
    when: "source == 'landing'"
    steps:
      - id: reminder
        account: office
        action: call
        delay: 3d
        with: {method: POST, path: /reminders, body: {email: "{{ payload.email }}"}}
campaigns:
  monday-note:
    schedule: "cron(0 9 ? * MON *)"
    audience: berlin
    steps:
      - id: mail
        account: mail
        action: send_email
        with: {to: "{{ lead.email }}", list: newsletter, template: newsletter}
  offer: &offer
    audience: readers
    approve: true
    steps:
      - id: offer
        account: mail
        action: send_email
        with: {to: "{{ lead.email }}", list: newsletter, template: newsletter}
  reminder: *offer
"""
READERS = {"ada": "Berlin", "bob": "Bonn", "cleo": "Berlin", "dan": "Köln"}


class Night:
    """A stack after a night; the ids are of what a page is opened for."""

    def __init__(self, home: Path) -> None:
        folder = home / "campaigns"
        folder.mkdir(parents=True)
        (folder / "drumbeat.yaml").write_text(CONFIG)
        shutil.copytree(ROOT / "campaigns/templates", folder / "templates")
        self.stack = Stack(home / "stack", folder / "drumbeat.yaml")
        self.ids: dict[str, str] = {}

    def pass_by(self) -> "Night":
        """Start the stack, and let the night happen."""
        self.stack.start()
        for name, city in READERS.items():
            self._signed_up(name, city)
        self.ids["run"] = self._run("monday-note")
        eventually(lambda: self._state("run") == "finished")
        self.ids["waiting-run"] = self._run("offer")
        eventually(lambda: self._state("waiting-run") == "awaiting_approval")
        self.ids["event"] = self._lead("eve")
        eventually(lambda: Counter(each["status"] for each in self._effects("event"))["accepted"] == 3)
        self.ids["other-waiting-run"] = self._run("reminder")
        eventually(lambda: self._state("other-waiting-run") == "awaiting_approval")
        for event, name in (("held-event", "hal"), ("other-held-event", "han")):
            self._lie("accept_then_cut", "http", times=1)
            self.ids[event] = self._lead(name)
            eventually(lambda event=event: "held" in self._statuses(event))  # type: ignore[misc]
        self._ask("POST", "/v1/suppressions", {"email": "ida@example.com", "reason": "asked by telephone"})
        self.ids["suppressed-event"] = self._lead("ida")
        eventually(lambda: "cancelled" in self._statuses("suppressed-event"))
        self.ids["refused-event"] = self._lead("not an address")
        for effect in self._effects("held-event"):
            self.ids[f"{effect['status']}-effect"] = effect["effectId"]
        for effect in self._effects("other-held-event"):
            self.ids.setdefault(f"other-{effect['status']}-effect", effect["effectId"])
        for effect in self._effects("event"):
            self.ids.setdefault(f"{effect['status']}-effect", effect["effectId"])
        self._ask("POST", "/v1/accounts/office/pause", {"reason": "moving house"})
        self._complains("eve@example.com")
        return self

    def _signed_up(self, name: str, city: str) -> None:
        event = self.stack.send(
            f"reader-{name}", f"{name}@example.com", agrees_to=["newsletter"], name=name.title(), city=city
        )[2]["eventId"]
        eventually(lambda: "accepted" in {each["status"] for each in self._of(event)})

    def _lead(self, name: str) -> str:
        address = name if " " in name else f"{name}@example.com"
        return str(self.stack.send(f"lead-{name}", address, name=name.title())[2]["eventId"])

    def _complains(self, address: str) -> None:
        """Let a person press the button that says spam, which their provider reports."""
        complaint = {"key": self.stack.mails(address)[0]["marker"], "kind": "complained"}
        assert self.stack.call("POST", "/_sandbox/feedback", complaint, url=self.stack.ready["sandbox_url"])[0] < 300
        eventually(lambda: self._ask("GET", f"/v1/leads/{address}")["suppressed"] is not None)

    def _run(self, campaign: str) -> str:
        return str(self._ask("POST", f"/v1/campaigns/{campaign}/runs", {"idempotencyKey": campaign})["runId"])

    def _state(self, run: str) -> str:
        return str(self._ask("GET", f"/v1/runs/{self.ids[run]}")["state"])

    def _effects(self, event: str) -> list[dict[str, Any]]:
        return self._of(self.ids[event])

    def _of(self, event: str) -> list[dict[str, Any]]:
        found = self.stack.event(event)
        return list(found["effects"]) if isinstance(found, dict) else []

    def _statuses(self, event: str) -> set[str]:
        return {each["status"] for each in self._effects(event)}

    def _lie(self, lie: str, provider: str, **settings: object) -> None:
        said = {"lie": lie, "provider": provider, **settings}
        assert self.stack.call("POST", "/_sandbox/lies", said, url=self.stack.ready["sandbox_url"])[0] < 300

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        status, _, answer = self.stack.call(method, path, body)
        assert status < 300, answer
        return answer

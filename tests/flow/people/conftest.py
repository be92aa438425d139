"""One stack for the flows of people, on a Postgres that tests may stop."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from drumbeat.local.servers import Postgres
from tests.flow.people.ledger import People
from tests.flow.stacks import ROOT, Stack

TEMPLATES = ROOT / "campaigns/templates"
CONFIG = """
version: 1
defaults:
  retry: {base: 1s, cap: 3s}
  public_url: "https://hooks.example.com"
  postal_address: "Fernwood GmbH, Am Wald 1, 10115 Berlin"
accounts:
  mail:
    provider: mailgun
    settings: {domain: mg.example.com, from: "Ada <ada@example.com>"}
    secrets: {api_key: "env:FLOW_SECRET"}
    lookup: {looks: [1s, 2s], retention: 3d}
  crm: {provider: hubspot, secrets: {token: "env:FLOW_SECRET"}}
lists:
  newsletter:
    title: The Monday note
    description: One plant each Monday.
    confirm: {account: mail, template: confirm}
sources:
  signup:
    form: {fields: {email: required, name: optional}, honeypot: website}
    list: newsletter
flows:
  subscribed:
    on: LEAD_CAPTURE
    when: "source == 'signup'"
    steps:
      - id: contact
        account: crm
        action: upsert_contact
        with: {email: "{{ payload.email }}", properties: {lifecyclestage: subscriber}}
      - id: welcome
        account: mail
        action: send_email
        with: {to: "{{ payload.email }}", list: newsletter, template: first-note}
  news:
    on: LEAD_CAPTURE
    when: "source == 'landing'"
    steps:
      - id: news
        account: mail
        action: send_email
        with:
          to: "{{ payload.email }}"
          list: newsletter
          subject: News
          text: "A fern. {{ unsubscribe_url }} {{ postal_address }}"
"""


@pytest.fixture(scope="session")
def people_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the configuration and templates of a project that writes to people."""
    folder = tmp_path_factory.mktemp("people")
    (folder / "campaigns").mkdir()
    (folder / "campaigns/drumbeat.yaml").write_text(CONFIG)
    shutil.copytree(TEMPLATES, folder / "campaigns/templates")
    return folder


@pytest.fixture(scope="session")
def people(people_folder: Path) -> Iterator[People]:
    """A running stack, and its ledger."""
    with Postgres(people_folder / "postgres") as postgres:
        servers = {
            "DATABASE_URL": postgres.url("drumbeat", user="drumbeat_app"),
            "ADMIN_DATABASE_URL": postgres.url("drumbeat"),
        }
        stack = Stack(people_folder / "home", people_folder / "campaigns/drumbeat.yaml", servers).start()
        assert stack.process is not None
        assert stack.process.stdout is not None
        try:
            yield People(stack, postgres)
        finally:
            stack.end()
            stack.process.stdout.close()

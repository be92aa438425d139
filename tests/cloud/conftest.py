"""One deployment for all tests of this folder; it takes the better part of a minute."""

import os
import signal
from collections.abc import Iterator

import psutil
import pytest

from tests.build.conftest import tool
from tests.cloud.deployed import REPORTS_SECRET, WEBHOOK_SECRET, Deployed

# The account `mail` names the sandbox by another host name, so that its secret is needed, as it is on AWS.
CONFIG = """
version: 1
accounts:
  mail:
    provider: mailgun
    settings: {domain: mg.example.com, from: "Ada <ada@example.com>", base_url: SANDBOX/mailgun}
    secrets: {api_key: secret:mailgun}
  slow:
    provider: resend
    settings: {from: "Ada <ada@example.com>", base_url: SANDBOX/resend}
    secrets: {api_key: "ssm:/drumbeat/local/accounts/resend"}
    limits: [1/s]
sources:
  shop:
    webhook: standard_webhooks
    secrets: [secret:shop]
    type: LEAD_CAPTURE
    map: {email: data.email}
  mail-events: {webhook: mailgun, secrets: [secret:reports], type: FEEDBACK, speaks_for: mail}
  signup:
    form: {fields: {email: required, name: optional}}
flows:
  welcome:
    on: LEAD_CAPTURE
    steps:
      - {id: hello, account: mail, action: send_email, with: {to: "{{ payload.email }}", subject: Hello, text: Welcome}}
  digest:
    on: CONTENT_PUBLISH
    steps:
      - {id: send, account: slow, action: send_email, with: {to: "{{ payload.email }}", subject: News, text: Read}}
  tick:
    on: CAMPAIGN_TRIGGER
    steps:
      - {id: send, account: mail, action: send_email, with: {to: tick@example.com, subject: Tick, text: Tock}}
campaigns:
  tick: {schedule: rate(1 minute)}
"""


def config(cloud: Deployed) -> str:
    """Return the tests' configuration; what is added at its end is another campaign."""
    return CONFIG.replace("SANDBOX", cloud.ready["sandbox_url"].replace("127.0.0.1", "localhost"))


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The template as it is, deployed; ended as Ctrl-C would, and then nothing of it is left running."""
    os.environ["SAM"], os.environ["UV"] = tool("sam"), tool("uv")
    cloud = Deployed(tmp_path_factory.mktemp("cloud"))
    cloud.start()
    assert cloud.process is not None
    assert cloud.process.stdout is not None
    for name, value in {
        "mailgun": "key of the sandbox",
        "resend": "key of the sandbox",
        "shop": WEBHOOK_SECRET,
        "reports": REPORTS_SECRET,
    }.items():
        cloud.aws("ssm").put_parameter(Name=f"/drumbeat/local/accounts/{name}", Value=value, Type="SecureString")
    cloud.apply(config(cloud))
    yield cloud
    children = psutil.Process(cloud.process.pid).children(recursive=True)
    code, _ = cloud.end(signal.SIGINT)
    cloud.process.stdout.close()
    assert code == 0
    assert psutil.wait_procs(children, timeout=20)[1] == []
    assert list((cloud.home / "account").glob("tmp/*")) == []

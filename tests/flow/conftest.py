"""One stack for all flow tests that leave it whole."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.flow.stacks import Stack

CONFIG = """
version: 1
accounts:
  mail:
    provider: mailgun
    settings: {domain: mg.example.com, from: "Ada <ada@example.com>"}
    secrets: {api_key: "env:FLOW_SECRET"}
    lookup: {looks: [1s, 2s], retention: 3d}
sources:
  code: {webhook: github, secrets: [secret:flow-code], type: CONTENT_PUBLISH}
flows:
  welcome:
    on: LEAD_CAPTURE
    steps:
      - {id: hello, account: mail, action: send_email, with: {to: "{{ payload.email }}", subject: Hello, text: Welcome}}
"""


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration that answers each lead with one mail."""
    file = tmp_path_factory.mktemp("campaigns") / "drumbeat.yaml"
    file.write_text(CONFIG)
    return file


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, config: Path) -> Iterator[Stack]:
    """A running stack, shared."""
    stack = Stack(tmp_path_factory.mktemp("stack"), config).start()
    yield stack
    stack.end()


@pytest.fixture
def own_stack(tmp_path: Path, config: Path) -> Iterator[Callable[..., Stack]]:
    """Make stacks that a test may break; they are ended after it."""
    made: list[Stack] = []

    def make(**options: object) -> Stack:
        stack = Stack(tmp_path / "home", config, **options)  # type: ignore[arg-type]
        made.append(stack)
        return stack

    yield make
    for stack in made:
        if stack.process is not None and stack.process.poll() is None:
            stack.end()
        if stack.process is not None and stack.process.stdout is not None:
            stack.process.stdout.close()

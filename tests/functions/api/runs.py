"""A console over a deployment with a list, people who agreed to it, and the campaign `digest` that is sent to them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from drumbeat.access import sql as access_sql
from drumbeat.access.keys import mint
from drumbeat.delivery.deliver import deliver
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.functions.console import Console, build_services, close
from tests.store.runs.stage import Provider, Stage


class RunsConsole(Console):
    """Calls the handler, and works as the worker does."""

    def __init__(self, services: Services, provider: Provider) -> None:
        super().__init__(services)
        self.provider = provider

    def key_of(self, *scopes: str) -> str:
        """Make a key that has these scopes and no others, also in its row."""
        id = "-".join(scopes)
        access_sql.add(self.services.db, id, id, scopes, actor="test")
        return mint(self.services.key_secret, id, scopes)

    def apply(self, more: str = "", **changes: Any) -> int:
        return Stage.apply(self._stage, more, **changes)

    def people(self, *names: str, **said: Any) -> list[bytes]:
        return Stage.people(self._stage, *names, **said)

    def work(self, most: int = 30) -> None:
        """Take the messages that there are until there are none."""
        for _ in range(most):
            if not (wake_ups := self.notified()):
                return
            for one in wake_ups:
                deliver([one], self.services, lambda: 900.0)

    def ask(self, method: str, path: str, body: object = None, *, key: str | None = "", **query: str) -> Any:
        """Return the answer of a call that succeeds."""
        code, said, _ = self.call(method, path, body, key=key, **query)
        assert code < 300, said
        return said

    @property
    def _stage(self) -> Stage:
        return cast("Stage", self.services)


def at_night(hours: int = 3) -> tuple[str, datetime]:
    """Return fields of a campaign whose people are not mailed now, nor for these hours; and when that ends."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    end = now + timedelta(hours=hours)
    return f'timezone: UTC\n    quiet_hours: "{now - timedelta(hours=1):%H:%M}-{end:%H:%M}"', end


@contextmanager
def runs_console(
    database: TestDatabase, redis_url: str, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunsConsole]:
    monkeypatch.setenv("MAIL_KEY", "secret")
    services = build_services(database, redis_url, sqs_endpoint, monkeypatch)
    provider = Provider()
    services.calls = provider
    yield RunsConsole(services, provider)
    close(services)

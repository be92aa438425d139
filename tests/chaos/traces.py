"""A collector of traces beside the trial: away now and then; at the end it has one complete trace of everything."""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from random import Random

from drumbeat.ledger.database import Database
from drumbeat.local.invocation import invoke
from tests.chaos.environment import Environment
from tests.collectors import FakeCollector
from tests.faults.traces import TracesModel

REFUSED_SHARE = 0.25  # of requests, until the end
EXPORT_SECONDS = 180.0  # for all that is left then
NO_REST = "UPDATE trace_exports SET retry_at = '-infinity'"


class Traces:
    """What the relay exported, counted at the collector."""

    def __init__(self, random: Random) -> None:
        self._random = Random(random.random())
        self._lock = threading.Lock()
        self._model = TracesModel()
        self._model.wanted = True
        self._model.to_read = 20
        self._collector = FakeCollector()
        self._collector.takes = self._take
        self._collector.answers = self._answer
        self._refuses = True
        self.refused = 0

    @property
    def variables(self) -> Mapping[str, str]:
        """What the stack is told."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self._collector.url}

    @property
    def spans(self) -> int:
        """How many there are."""
        return len(self._model.spans)

    @property
    def counted(self) -> str:
        """Say it in a line."""
        return f"{self.spans} spans in {self._collector.posts} requests, of which {self.refused} were refused"

    def check(self, environment: Environment) -> list[str]:
        """Let the relay export what is left, and say which traces are not complete."""
        self.refuse_no_more()
        ledger = Database(environment.ledger_urls[0])
        until = time.monotonic() + EXPORT_SECONDS
        while (wrong := self.violations(ledger)) and time.monotonic() < until:
            ledger.run(NO_REST)
            with suppress(OSError, ValueError):
                invoke(environment.folder / "home", "relay", {})
            time.sleep(0.5)
        ledger.close()
        return [f"not one complete trace: {one}" for one in wrong]

    def refuse_no_more(self) -> None:
        """Let the collector take whatever comes."""
        with self._lock:
            self._refuses = False

    def violations(self, ledger: Database) -> list[str]:
        """Say which traces are not complete yet; meanwhile the collector waits with what it is sent."""
        with self._lock:
            return self._model.violations(ledger)

    def close(self) -> None:
        self._collector.close()

    def _answer(self) -> None:
        with self._lock:
            refuses = self._refuses and self._random.random() < REFUSED_SHARE
            self.refused += refuses
            self._collector.status = 503 if refuses else 200

    def _take(self, body: bytes) -> None:
        with self._lock:
            self._model.take(body)

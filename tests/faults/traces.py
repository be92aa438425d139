"""A collector of traces on simulated time, and what its traces have to say once nothing is left to do."""

import hashlib
import json
import sys
from collections import defaultdict

from drumbeat.infrastructure.collector import NONE, Answer
from drumbeat.infrastructure.deadline import Deadline
from drumbeat.ledger.database import Database
from tests.collectors import read, spans_of
from tests.faults.fault_points import ClientProcess, Operation

ENDED = """
    SELECT effect_id AS id,
           count(*) FILTER (WHERE to_status IN ('accepted', 'refused', 'cancelled')) AS ends,
           count(*) FILTER (WHERE to_status = 'sending') AS attempts
      FROM journal
      JOIN effects ON effects.id = effect_id
     WHERE effects.status IN ('accepted', 'refused', 'cancelled')
     GROUP BY effect_id
"""
FURTHER = """
    SELECT effect_id AS id, 'feedback ' || kind AS name FROM feedback WHERE effect_id IS NOT NULL
     UNION ALL
    SELECT effect_id, CASE origin WHEN 'look' THEN 'look-up' ELSE 'late answer' END
      FROM outcomes
     WHERE origin IN ('look', 'late')
"""
PLANNED = "SELECT plans.event_id AS id FROM plans"


class TracesModel:
    """What the collector has."""

    def __init__(self) -> None:
        self.wanted = False
        self.away = False
        self.to_read = sys.maxsize  # requests that are read as a collector does, which takes a while
        self.spans: dict[tuple[str, str], tuple[str, bytes]] = {}  # name, and a digest of the whole
        self.changed: list[str] = []  # spans that came again as something else

    def take(self, body: bytes) -> Answer:
        """Take a request, as an SDK's."""
        if self.away:
            return Answer(503)
        self.to_read -= 1
        if self.to_read >= 0:
            read(body)
        for span in spans_of(body):
            said = span["name"], hashlib.sha256(json.dumps(span).encode()).digest()
            if self.spans.setdefault((span["traceId"], span["spanId"]), said) != said:
                self.changed.append(f"a span {span['name']} came again, and not as it was")
        return Answer(200)

    def violations(self, ledger: Database) -> list[str]:
        """Say which traces are not complete."""
        if not self.wanted:
            return []
        traces: dict[str, list[str]] = defaultdict(list)
        for (trace, _), (name, _) in self.spans.items():
            traces[trace].append(name)
        found = list(self.changed)
        for row in ledger.run(ENDED):
            names = traces[row["id"].hex]
            told = sum(name.startswith("effect ") for name in names), names.count("attempt")
            if told != (row["ends"], row["attempts"]):
                found.append(f"{row['id']}: {row['ends']} ends and {row['attempts']} attempts are traced as {names}")
        for row in ledger.run(FURTHER):
            if row["name"] not in traces[row["id"].hex]:
                found.append(f"{row['id']}: {row['name']} is in no trace")
        found += [f"{row['id']}: not traced" for row in ledger.run(PLANNED) if len(traces[row["id"].hex]) != 3]
        return found


class SimulatedCollector:
    """The collector, as a process reaches it."""

    def __init__(self, process: ClientProcess, model: TracesModel) -> None:
        self._process = process
        self._model = model

    def post(self, body: bytes, deadline: Deadline) -> Answer:
        """Send a request through the fault point."""
        return self._process.through(
            Operation(
                "collector post", lambda: self._model.take(body), lambda done: Answer(NONE, "no answer"), twice=True
            )
        )

    def close(self) -> None:
        """Nothing is open."""

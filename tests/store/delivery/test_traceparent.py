"""The trace that a receiver of one's own is told: that of the effect, frozen with its request."""

from collections.abc import Sequence
from typing import override

from drumbeat.core import tracing
from drumbeat.core.outcomes import LookupResult, NotSent, Outcome
from drumbeat.core.request import Request
from drumbeat.providers.calls import Job, Send
from tests.store.delivery.workers import Accepting, Worker, effect


class Failing(Accepting):
    """Sends nothing, and keeps what it was to send."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Request] = []

    @override
    def run(self, jobs: Sequence[Job], deadline: float) -> list[Outcome | LookupResult]:
        self.sent += [job.request for job in jobs if isinstance(job, Send)]
        return [NotSent("no connection") for _ in jobs]


def test_a_request_names_the_trace_of_its_effect_and_the_attempt_that_froze_it(worker: Worker) -> None:
    calls = worker.calls = Failing()
    id = effect(worker.db)

    worker.deliver(effects=[id])
    worker.db.run("UPDATE effects SET due_at = drumbeat_now()")
    worker.deliver(effects=[id])

    first, second = calls.sent
    assert first.headers["traceparent"] == tracing.of_attempt(id, 1).traceparent
    assert first == second

"""The collector beside the trial counts what it has while the relay goes on exporting."""

import json
import threading
import urllib.request
from contextlib import closing
from random import Random

from tests.chaos.traces import Traces
from tests.conftest import TestDatabase

SPANS = 20_000


def test_more_may_come_while_the_traces_are_checked(database: TestDatabase) -> None:
    ending = threading.Event()
    with closing(Traces(Random(0))) as traces:
        address = f"{traces.variables['OTEL_EXPORTER_OTLP_ENDPOINT']}/v1/traces"
        exporting = threading.Thread(target=_export, args=(address, ending))
        traces.refuse_no_more()
        _post(address, range(SPANS))
        exporting.start()
        try:
            found = [traces.violations(database) for _ in range(50)]
        finally:
            ending.set()
            exporting.join()

        assert found == [[]] * 50
        assert traces.spans > SPANS


def _export(address: str, ending: threading.Event) -> None:
    first = SPANS
    while not ending.is_set():
        _post(address, range(first, first := first + 10))


def _post(address: str, numbers: range) -> None:
    spans = [
        {"traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "attempt", "kind": 1} for number in numbers
    ]
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()
    urllib.request.urlopen(urllib.request.Request(address, body, method="POST"), timeout=60).close()

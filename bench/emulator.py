"""A handler under the real Lambda runtime client and Lambda's own emulator, without containers."""

import http.client
import json
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.servers import Program
from drumbeat.local.servers import free_port

INVOKE = "/2015-03-31/functions/function/invocations"
INIT = re.compile(r"INIT REPORT\(durationMs: ([\d.]+)\)")


class Environment:
    """One Lambda environment: the emulator, the runtime client and the handler; one invocation at a time."""

    def __init__(
        self,
        emulator: Path,
        function: Path,
        layers: Sequence[Path],
        environment: Mapping[str, str],
        log: Path,
        python: Sequence[str] = (sys.executable,),
    ) -> None:
        self._log = log
        self._port = free_port()
        addresses = ["--runtime-interface-emulator-address", f"127.0.0.1:{self._port}"]
        addresses += ["--runtime-api-address", f"127.0.0.1:{free_port()}"]
        command = [
            str(emulator),
            *addresses,
            "--log-level",
            "info",
            *python,
            "-m",
            "awslambdaric",
            "app.handler",
        ]
        path = ":".join(map(str, [function, *layers]))
        variables = {**environment, "PYTHONPATH": path, "AWS_LAMBDA_FUNCTION_NAME": f"drumbeat-bench-{function.name}"}
        variables |= {"AWS_LAMBDA_FUNCTION_TIMEOUT": "60", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"}
        self._program = Program(command, log, variables)

    def __enter__(self) -> Self:
        self._program.wait_for_port(self._port)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._program.stop()

    def invoke(self, event: object) -> tuple[float, Any]:
        """Invoke the handler; returns milliseconds and its result. The first invocation contains the start."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        body = json.dumps(event).encode()
        begun = time.perf_counter()
        connection.request("POST", INVOKE, body)
        result = json.loads(connection.getresponse().read())
        took = (time.perf_counter() - begun) * 1000
        connection.close()
        return took, result

    def init_ms(self) -> float | None:
        """Return the emulator's figure for the start; None when it reports none."""
        found = INIT.search(self._log.read_text(errors="replace"))
        return float(found[1]) if found else None

"""One kept-alive connection to the stack's front."""

import http.client
import json
from collections.abc import Mapping
from contextlib import suppress

from drumbeat.local.frames import Json

TIMEOUT_SECONDS = 35.0  # for one answer: more than the API takes


class Connection:
    """Makes requests to one address, each with the same headers."""

    def __init__(self, address: str, headers: Mapping[str, str]) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=TIMEOUT_SECONDS)
        self._headers = headers

    def ask(self, path: str, body: Json) -> tuple[int, Json]:
        """Post JSON; status 0 when there was no complete answer."""
        status, answer = self.send("POST", path, json.dumps(body).encode())
        with suppress(ValueError):
            return status, json.loads(answer)
        return 0, None

    def send(self, method: str, path: str, body: bytes = b"") -> tuple[int, str]:
        """Make one request; status 0 when there was no complete answer."""
        with suppress(OSError, http.client.HTTPException, ValueError):
            self._connection.request(method, path, body, dict(self._headers))
            answer = self._connection.getresponse()
            return answer.status, answer.read().decode()
        self._connection.close()
        return 0, ""

    def close(self) -> None:
        """End it; the next request opens another."""
        self._connection.close()

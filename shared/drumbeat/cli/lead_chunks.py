"""Rows on their way to a deployment: in chunks that it takes, each sent until it is answered or given up."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import click

from drumbeat.cli.client import SERVER_ERROR, Client, Refusal
from drumbeat.cli.lead_rows import Refused, Row
from drumbeat.core.lead_limits import MAX_IMPORT_BYTES, MAX_IMPORT_ROWS

ENVELOPE_BYTES = 8 * 1024  # around the rows: file, list, words about consent
WAITS_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)  # between tries
BUSY = 429


def chunks(rows: Iterable[Row | Refused]) -> Iterator[Sequence[Row | Refused]]:
    """Put rows together as far as one request may hold them, with those that are not sent in their places."""
    chunk: list[Row | Refused] = []
    size = 0
    for row in rows:
        more = len(json.dumps(sent(row))) + 2 if isinstance(row, Row) else 0
        if chunk and (len(chunk) == MAX_IMPORT_ROWS or size + more > MAX_IMPORT_BYTES - ENVELOPE_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += more
    if chunk:
        yield chunk


def sent(row: Row) -> dict[str, object]:
    """Return a row as the API takes it."""
    return {"row": row.number, "fields": row.fields}


class Sender:
    """Sends chunks of one file. Before the first answer it tries once: then the address or the key may be wrong."""

    def __init__(
        self,
        client: Client,
        said: Mapping[str, object],
        *,
        waiting: Callable[[float], object] = lambda _: None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._client, self._said = client, said
        self._waiting, self._sleep = waiting, sleep
        self._answered = False

    def send(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Send some rows and return what became of them: sending them again is harmless.

        Raises click.ClickException: the deployment refused them all, or gave no answer.
        """
        body = {**self._said, "rows": [sent(row) for row in rows]}
        for wait in WAITS_SECONDS if self._answered else ():
            try:
                return self._post(body)
            except click.ClickException as error:
                if not _passes(error):
                    raise
            self._waiting(wait)
            self._sleep(wait)
        return self._post(body)

    def _post(self, body: Mapping[str, object]) -> dict[str, Any]:
        results: dict[str, Any] = self._client.post("/v1/leads/import", body)["results"]
        self._answered = True
        return results


def _passes(error: click.ClickException) -> bool:
    """Return whether it may go by itself."""
    if isinstance(error, click.UsageError):
        return False
    return not isinstance(error, Refusal) or error.status >= SERVER_ERROR or error.status == BUSY

"""Sending the webhooks that are due, beside the answers: no request waits for one, but where a fault asks for that.

A connection goes to the address that was registered, which is one of this machine; no redirect is followed.
"""

import asyncio
import traceback
from collections.abc import Iterable
from urllib.parse import urlsplit

import httptools

from drumbeat.sandbox.feedback import Webhook
from drumbeat.sandbox.sandbox import Sandbox

ANSWER_SECONDS = 35.0  # longer than the front lets a handler take
FIRST_SECONDS = 5.0  # for which an answer waits at most for what is to be reported before it
LONGEST_WAIT_SECONDS = 60.0  # between two looks: the clock of the machine may have been set
MOST_AT_ONCE = 16
PIECE_BYTES = 64 * 1024


class Sender:
    """Sends what is due, and says in the record how it was answered."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._wakeup = asyncio.Event()
        self._room = asyncio.Semaphore(MOST_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def prepare(self) -> None:
        """Make now what would hold up an answer later: a key of SNS's takes some tenths of a second."""
        if any(one.provider == "ses" for one in self._sandbox.state.feedback.destinations):
            from drumbeat.sandbox.reports import sns

            sns.certificate()

    async def run(self) -> None:
        """Send whatever becomes due, until it is cancelled."""
        self._sandbox.wake = self._wakeup.set
        while True:
            self._wakeup.clear()
            self._start(self._sandbox.due())
            try:
                async with asyncio.timeout(self._wait_seconds()):
                    await self._wakeup.wait()
            except TimeoutError:
                continue

    async def send_first(self, webhooks: Iterable[Webhook]) -> None:
        """Send these and wait for their answers, for a few seconds at most."""
        if started := self._start(webhooks):
            await asyncio.wait(started, timeout=FIRST_SECONDS)

    def _wait_seconds(self) -> float:
        due = self._sandbox.state.feedback.next_at()
        return LONGEST_WAIT_SECONDS if due is None else min(LONGEST_WAIT_SECONDS, max(0.0, due - self._sandbox.now()))

    def _start(self, webhooks: Iterable[Webhook]) -> list["asyncio.Task[None]"]:
        """Begin to send; a task of its own goes on when the connection that waits for it is closed."""
        started = [asyncio.get_running_loop().create_task(self._send(webhook)) for webhook in webhooks]
        for task in started:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return started

    async def _send(self, webhook: Webhook) -> None:
        async with self._room:
            status = await post(webhook)
        try:
            self._sandbox.answered(webhook.number, status)
        except OSError:
            traceback.print_exc()  # the record is full: it is sent again after the next start


async def post(webhook: Webhook) -> int | None:
    """Post it; return the status of the answer, or None where there was none."""
    url = urlsplit(webhook.url)
    answer = _Answer()
    parser = httptools.HttpResponseParser(answer)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(url.hostname, url.port)
            try:
                writer.write(_head(webhook) + webhook.body)
                while not answer.complete and (piece := await reader.read(PIECE_BYTES)):
                    parser.feed_data(piece)
            finally:
                writer.close()
        return int(parser.get_status_code()) if answer.began else None
    except (OSError, TimeoutError, httptools.HttpParserError):
        return None


class _Answer:
    """What the parser has seen."""

    began = complete = False

    def on_headers_complete(self) -> None:
        self.began = True

    def on_message_complete(self) -> None:
        self.complete = True


def _head(webhook: Webhook) -> bytes:
    url = urlsplit(webhook.url)
    target = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
    fields = {
        "Host": url.netloc.rpartition("@")[2],
        **webhook.headers,
        "Content-Length": str(len(webhook.body)),
        "Connection": "close",
    }
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")

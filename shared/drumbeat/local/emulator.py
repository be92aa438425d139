"""MiniStack, corrected where the local stack relies on it: python -m drumbeat.local.emulator

No web page may use it (`gate`); MiniStack answers every origin. Its long polls wake at once (`long_polls`), and its
buffer queue and its queues of wishes and reports survive a kill. MiniStack keeps its state in memory and writes it down
when it ends in order. These hold what exists nowhere else, so here each of their messages is on disk before the sender
gets its answer. `restore` sends them again.
"""

import errno
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.local.gate import Gate, Signed
from drumbeat.local.long_polls import LongPolls

KEY_VARIABLE = "EMULATOR_KEY"  # the access key that every request has to name
LOG_VARIABLE = "BUFFER_LOG"  # the file; without it MiniStack is as it is
# The ends of the names of queues whose messages are kept.
BUFFER, WISHES, FEEDBACK = "BufferQueue", "WishesQueue", "FeedbackQueue"

type Send = Callable[[Mapping[str, Any], str], dict[str, Any]]


def kept(send: Send, log: Path) -> Send:
    """Wrap a send so that it writes what these queues took to a log: a line each, of the queue and the message."""

    def sent(data: Mapping[str, Any], url: str) -> dict[str, Any]:
        answer = send(data, url)
        named = str(data.get("QueueUrl", url))
        if queue := next((each for each in (BUFFER, WISHES, FEEDBACK) if named.endswith(each)), None):
            lines = [json.dumps([queue, each["MessageBody"]]) + "\n" for each in data.get("Entries", [data])]
            append(log, "".join(lines))
        return answer

    return sent


def append(log: Path, lines: str) -> None:
    """Write lines to disk, all or none of them; raises OSError when there is no room."""
    with log.open("ab", buffering=0) as file:
        end = file.tell()
        try:
            if file.write(lines.encode()) != len(lines.encode()):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)  # half a line would spoil the next one
            raise


def restore(log: Path, state: Path, sqs: Sqs, urls: Mapping[str, str]) -> int:
    """Send again what queues that were killed had taken; returns how many messages. `urls`: of each queue.

    `state` is what MiniStack writes when it ends in order: if it is the younger, it holds all of them. A message that
    was drained before is sent again, too, and changes nothing.
    """
    earlier = log.with_suffix(".earlier")  # what is sent again is written down again, and this may be cut, too
    if log.exists():
        if state.exists() and state.stat().st_mtime_ns > log.stat().st_mtime_ns:
            log.unlink()
        else:
            with earlier.open("a") as file:
                file.write(log.read_text() + "\n")  # its last line may be cut
            log.unlink()
    if not earlier.exists():
        return 0
    messages = [_message(line) for line in earlier.read_text().splitlines()]
    whole = [message for message in messages if message is not None]
    for queue, body in whole:
        sqs.call("SendMessage", QueueUrl=urls[queue], MessageBody=body)
    earlier.unlink()
    return len(whole)


def _message(line: str) -> tuple[str, str] | None:
    try:
        match json.loads(line):
            case [str(queue), str(body)]:
                return queue, body
            case body:  # as the release before wrote it
                return BUFFER, str(body)
    except ValueError:
        return None  # cut by the kill, before its sender had an answer


def main() -> None:
    """Run the emulator until a signal ends it."""
    from ministack import app
    from ministack.services import sqs

    app.app = Gate(app.app, signed=Signed(os.environ.get(KEY_VARIABLE)))
    LongPolls().install(sqs)
    if log := os.environ.get(LOG_VARIABLE):
        for operation in ("SendMessage", "SendMessageBatch"):
            sqs._HANDLERS[operation] = kept(sqs._HANDLERS[operation], Path(log))
    run: Callable[[], None] = app.main
    run()


if __name__ == "__main__":
    main()

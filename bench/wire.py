"""HTTP/1.1 as far as the bench needs it: messages with a Content-Length, split from a stream of bytes."""

from collections.abc import Iterator
from typing import NamedTuple

END = b"\r\n\r\n"


class Message(NamedTuple):
    """One request or response; `head` is everything before the body, in the case it came in."""

    start: bytes
    head: bytes
    body: bytes

    def header(self, name: bytes) -> str | None:
        """Return a header by its lower-case name."""
        at = self.head.lower().find(b"\r\n" + name + b":")
        if at < 0:
            return None
        value = self.head[at + len(name) + 3 : self.head.index(b"\r\n", at + 2)]
        return value.strip().decode("latin-1")


class Parser:
    """Cuts a stream into messages. Chunked bodies are not supported."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take what arrived and yield the messages that are complete by now."""
        self._data += data
        while (end := self._data.find(END)) >= 0:
            head = self._data[: end + 2]
            message = Message(head[: head.index(b"\r\n")], head, b"")
            size = int(message.header(b"content-length") or 0)
            stop = end + len(END) + size
            if len(self._data) < stop:
                return
            body, self._data = self._data[stop - size : stop], self._data[stop:]
            yield message._replace(body=body)

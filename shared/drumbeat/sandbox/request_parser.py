"""httptools' parser of requests, for both of this machine's HTTP servers: heads have a limit, Upgrade is ignored.

httptools drops the body of a request that asks for an upgrade, as curl does for HTTP/2. A server may go on in HTTP/1.1
instead (RFC 9110, 7.8), so such a head is read again without the wish.
"""

from typing import Protocol

import httptools


class HeadTooLarge(Exception):
    """The request line and the headers, or the trailers, are over the limit."""


class Callbacks(Protocol):
    """What is called for each request, as httptools would call it, once its head is whole and in one piece."""

    def on_message_begin(self) -> None: ...  # noqa: D102
    def on_url(self, url: bytes, /) -> None: ...  # noqa: D102
    def on_header(self, name: bytes, value: bytes, /) -> None: ...  # noqa: D102
    def on_headers_complete(self) -> None: ...  # noqa: D102
    def on_body(self, body: bytes, /) -> None: ...  # noqa: D102
    def on_message_complete(self) -> None: ...  # noqa: D102


class RequestParser:
    """Feeds one connection's bytes to httptools; used in place of `httptools.HttpRequestParser`."""

    def __init__(self, callbacks: Callbacks, max_head_bytes: int, *, data_after_close: bool = False) -> None:
        self._callbacks = callbacks
        self._max_head_bytes = max_head_bytes
        self._data_after_close = data_after_close
        self._parser = self._fresh()
        self._messages = 0
        self.on_message_begin()
        self.under_way = False  # some of a request has come, but not all

    def feed_data(self, data: bytes) -> None:
        """Read what came.

        Raises:
            HeadTooLarge: a head is over the limit, or does not end within it.
            httptools.HttpParserError: it is not HTTP/1, or a method that no server of ours has.
        """
        message, fed = self._messages, len(data)
        while data:
            try:
                self._parser.feed_data(data)
                data = b""
            except httptools.HttpParserUpgrade as upgrade:
                data = self._head_without_upgrade() + data[upgrade.args[0] :]
                self._parser = self._fresh()
            except httptools.HttpParserCallbackError as error:
                raise (error.__context__ or error) from None
        if self._in_head and self._messages == message:  # what came before this head's first bytes is not counted
            self._fed += fed
            if self._fed > self._max_head_bytes:
                raise HeadTooLarge

    def should_keep_alive(self) -> bool:
        """Return whether the connection stays open after this request."""
        return bool(self._parser.should_keep_alive())

    def should_upgrade(self) -> bool:
        """Return False: nothing but HTTP/1 is spoken here."""
        return False

    def get_method(self) -> bytes:
        """Return the method of this request."""
        return bytes(self._parser.get_method())

    def get_http_version(self) -> str:
        """Return the version of this request, such as 1.1."""
        return str(self._parser.get_http_version())

    # -- httptools' callbacks

    def on_message_begin(self) -> None:
        """Start an empty head."""
        self._messages += 1
        self._in_head = self.under_way = True
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._size = self._fed = 0

    def on_url(self, url: bytes) -> None:
        """Collect the target, which may come in pieces."""
        self._url += url
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect one header; a trailer is counted and dropped."""
        self._count(len(name) + len(value))
        if self._in_head:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Pass the head on, unless it is to be read again."""
        if self._parser.should_upgrade():
            if self.get_method() == b"CONNECT":
                raise httptools.HttpParserInvalidMethodError("CONNECT")
            return
        self._in_head = False
        self._callbacks.on_message_begin()
        self._callbacks.on_url(self._url)
        for name, value in self._headers:
            self._callbacks.on_header(name, value)
        self._callbacks.on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass a piece of the body on."""
        self._callbacks.on_body(body)

    def on_message_complete(self) -> None:
        """Pass the end on; httptools ends a request that it will not read as if it had no body."""
        if not self._in_head:
            self.under_way = False
            self._callbacks.on_message_complete()

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > self._max_head_bytes:
            raise HeadTooLarge

    def _head_without_upgrade(self) -> bytes:
        first = b"%s %s HTTP/%s" % (self.get_method(), self._url, self.get_http_version().encode())
        kept = [b"%s: %s" % header for header in self._headers if header[0].lower() != b"upgrade"]
        return b"\r\n".join((first, *kept, b"", b""))

    def _fresh(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        if self._data_after_close:  # what a caller announced to be its last request is answered all the same
            parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

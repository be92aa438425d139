"""Requests whose bytes are frozen: made once per generation, repeated to the letter."""

import hashlib
import json
import zlib

from drumbeat.core.request import Request


def freeze(request: Request) -> tuple[bytes, bytes]:
    """Return what is stored and the SHA-256 of it before compression."""
    head = {"method": request.method, "url": request.url, "headers": dict(request.headers)}
    plain = json.dumps(head, separators=(",", ":")).encode() + b"\n" + request.body
    return zlib.compress(plain, 1), hashlib.sha256(plain).digest()


def thaw(frozen: bytes, expected: bytes) -> Request:
    """Return the request as it was frozen.

    Raises:
        ValueError: the stored bytes are not the ones that were hashed; they must not be sent.
    """
    try:
        plain = zlib.decompress(frozen)
    except zlib.error:
        plain = b""
    if hashlib.sha256(plain).digest() != expected:
        raise ValueError("the frozen request does not match its hash")
    head, _, body = plain.partition(b"\n")
    return Request(**json.loads(head), body=body)

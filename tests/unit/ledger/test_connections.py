"""Whom a connection to Postgres is made to: a server that asks for TLS with a certificate of its own."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from drumbeat.ledger.database import Database, verified
from tests.unit.infrastructure.certificates import certificate


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A certificate for localhost that only its own file vouches for."""
    return certificate(tmp_path / "own.pem", "localhost")


@pytest.fixture
def port(own: Path) -> Iterator[int]:
    """A server that agrees to TLS as Postgres does, and then closes the connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)

    def answer(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(8)  # SSLRequest
                connection.sendall(b"S")
                with contextlib.suppress(OSError):
                    context.wrap_socket(connection, server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def refusal(url: str) -> str:
    with pytest.raises(psycopg.OperationalError) as failed:
        Database(url).run("SELECT 1")
    return str(failed.value)


def test_an_unverified_server_gets_no_password(port: int) -> None:
    said = refusal(f"postgresql://ada:p@localhost:{port}/drumbeat?sslmode=verify-full")

    assert "certificate verify failed" in said


def test_a_server_that_the_urls_own_authority_vouches_for_is_talked_to(port: int, own: Path) -> None:
    said = refusal(f"postgresql://ada:p@localhost:{port}/drumbeat?sslmode=verify-full&sslrootcert={own}")

    assert "certificate" not in said  # it hung up later


def test_a_url_that_asks_for_no_proof_stays_as_it_is() -> None:
    url = "postgresql://ada:p@db.example.com/drumbeat?sslmode=require"

    assert verified(url) == url

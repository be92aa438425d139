"""Whom a connection to Postgres is made to: a server that asks for TLS with a certificate of its own."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from drumbeat.ledger.database import Database, encrypted, verified
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


@pytest.mark.parametrize(
    "mode", ["", "?sslmode=disable", "?sslmode=allow", "?sslmode=prefer", "?sslmode=&hostaddr=8.8.8.8"]
)
@pytest.mark.parametrize("local", [True, False])
def test_another_machine_is_reached_by_tls_or_not_at_all(mode: str, local: bool) -> None:
    url = encrypted(f"postgresql://u:p@db.example.com/drumbeat{mode}", local=local)

    assert conninfo_to_dict(url)["sslmode"] == "require"


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", False), ("[::1]", False), ("localhost", False), ("", False), ("db", True), ("192.168.1.7", True)],
)
def test_this_machine_and_one_beside_a_local_stack_may_do_without(host: str, local: bool) -> None:
    url = f"postgresql://u:p@{host}/drumbeat"

    assert encrypted(url, local=local) == url


@pytest.mark.parametrize("url", ["postgresql://u:p@db/d", "postgresql://u:p@10.0.0.1,127.0.0.1/d", "not a url"])
def test_on_aws_there_is_no_machine_beside(url: str) -> None:
    assert ("sslmode" in encrypted(url, local=False)) == url.startswith("postgresql")


def test_what_is_asked_for_stays() -> None:
    url = "postgresql://u:p@db.example.com/d?sslmode=verify-full"

    assert encrypted(url, local=False) == url

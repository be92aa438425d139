"""The connection to the ledger."""

import socket

import pytest

from tests.conftest import TestDatabase


@pytest.mark.point(10)
@pytest.mark.point(64)
def test_a_server_that_vanishes_is_given_up_before_the_function_is(database: TestDatabase) -> None:
    database.run("SELECT 1")
    wire = socket.socket(fileno=database._usable().fileno())

    idle, pause, tries, silence = (
        wire.getsockopt(socket.IPPROTO_TCP, option)
        for option in (
            socket.TCP_KEEPIDLE,
            socket.TCP_KEEPINTVL,
            socket.TCP_KEEPCNT,
            socket.TCP_USER_TIMEOUT,
        )
    )
    wire.detach()

    assert idle + pause * tries <= silence / 1000 <= 10.0


def test_rows_without_columns_are_rows(database: TestDatabase) -> None:
    assert database.run("SELECT FROM generate_series(1, 3)") == [{}, {}, {}]
    assert database.run("SELECT WHERE false") == []
    assert database.run("UPDATE effects SET status = status") == []

"""Statements that wait for locks."""

import threading

import psycopg

BLOCKED = "SELECT FROM pg_locks WHERE NOT granted"


def wait_for_lock(other: psycopg.Connection) -> None:
    """Wait until a statement waits for a lock."""
    for _ in range(500):
        if other.execute(BLOCKED).rowcount:
            return
        threading.Event().wait(0.01)
    raise AssertionError("nothing waits")

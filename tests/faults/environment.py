"""Where runs happen: real servers, shared by all runs and emptied in between."""

import itertools
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.pq import TransactionStatus
from redis import ConnectionPool, Redis

from drumbeat.ledger.database import Database, Row
from tests.faults.clock import STILL
from tests.faults.processes import Process

EMPTY = """
    TRUNCATE configs, api_keys, events, event_aliases, payloads, conflicts, plans, replans, contacts, suppressions,
             effects, journal, requests, attempts, outcomes, account_states, dismissals, dismissed_effects,
             unplanned, uncounted, minutes, effect_counts, parked, recipients RESTART IDENTITY CASCADE
"""
# Keys that expire do so by simulated time.
AGE_KEYS = """
    for _, key in ipairs(redis.call('KEYS', '*')) do
        local left = redis.call('PTTL', key)
        if left >= 0 then
            if left <= tonumber(ARGV[1]) then redis.call('DEL', key)
            else redis.call('PEXPIRE', key, left - tonumber(ARGV[1])) end
        end
    end
"""


@dataclass(frozen=True, slots=True)
class Servers:
    """The addresses of one environment's servers."""

    database_url: str
    owner_url: str
    redis_url: str
    home: Path


class Environment:
    """What all runs of a process share: connections to the servers, and a database whose clock stands still."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self.owner = Database(servers.owner_url, direct=True)
        self.pool = ConnectionPool.from_url(servers.redis_url, protocol=2)
        self.redis = Redis(connection_pool=self.pool)
        self.control = Database(self.owner.url)  # asks about locks while others hold them
        self._runs = itertools.count()
        self._connections: list[psycopg.Connection[Row]] = []
        self.owner.run(STILL)

    def clear(self) -> Path:
        """Empty the servers; return a new folder."""
        self.owner.run(EMPTY)
        self.owner.run("UPDATE relay_state SET planned_until = '-infinity', searched_until = '-infinity'")
        self.owner.run("UPDATE clock SET shift = '0'")
        self.redis.flushall()
        self.redis.script_flush()
        return self.servers.home / str(next(self._runs))

    def close(self) -> None:
        """Close every connection."""
        for connection in self._connections:
            connection.close()
        self.control.close()
        self.pool.disconnect()
        self.owner.close()

    def age_keys(self, seconds: float) -> None:
        """Let the keys of Redis grow older by so many seconds."""
        self.redis.eval(AGE_KEYS, 0, round(seconds * 1000))

    def reuse_connection(self, process: Process) -> Process:
        """Give a new process a connection of an ended one, which is faster than a new one."""
        if self._connections:
            process.db._connection = self._connections.pop()
        return process

    def discard(self, process: Process) -> None:
        """Do what the kernel and Postgres do when a process has ended: no open transaction commits."""
        connection, process.db._connection = process.db._connection, None
        if connection is None:
            return
        if connection.closed or connection.info.transaction_status is not TransactionStatus.IDLE:
            connection.close()
        else:
            self._connections.append(connection)

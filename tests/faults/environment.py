"""Where runs happen: real servers, shared by all runs and emptied in between."""

import itertools
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.sql import SQL, Identifier
from redis import ConnectionPool, Redis

from drumbeat.ledger.database import Database, Row
from tests.faults.clock import STILL
from tests.faults.processes import Process

# Deleting keeps the plans of prepared statements, which are a third of a run's time; truncating frees the space.
RUNS_PER_TRUNCATE = 50
TABLES = """
    SELECT relname AS name
      FROM pg_class
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
       AND relname NOT IN ('migrations', 'clock', 'relay_state', 'gate', 'trace_exports')
     ORDER BY relname
"""
AS_NEW = SQL("""
    SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace;
    UPDATE relay_state SET planned_until = '-infinity', searched_until = '-infinity';
    UPDATE gate SET stops = '[]';
    UPDATE trace_exports SET tx = '0', id = DEFAULT, n = 0, failures = 0, retry_at = '-infinity';
    UPDATE clock SET shift = '0'
""")
WITHOUT_TRIGGERS = SQL("SELECT set_config('session_replication_role', 'replica', true)")  # and without references
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
        self._tables = [Identifier(row["name"]) for row in self.owner.run(TABLES)]

    def clear(self) -> Path:
        """Empty the servers; return a new folder."""
        run = next(self._runs)
        if run % RUNS_PER_TRUNCATE == 0:
            empty = SQL("TRUNCATE {}").format(SQL(", ").join(self._tables))
        else:
            empty = SQL("; ").join([WITHOUT_TRIGGERS, *map(SQL("DELETE FROM {}").format, self._tables)])
        self.owner.run(SQL("; ").join([empty, AS_NEW]))
        self.redis.flushall()
        self.redis.script_flush()
        return self.servers.home / str(run)

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

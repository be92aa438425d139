"""A lead service on Celery: Redis as broker, late acknowledgement, a thread pool, a row in Postgres for each lead.

uvicorn celery_app:web
celery -A celery_app worker -P threads -c 16
"""

import threading
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import leads
import psycopg
from celery import Celery, group
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

app = Celery("celery_app", broker=leads.REDIS_URL)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
)
if leads.RECOVERS:
    app.conf.broker_transport_options = {"visibility_timeout": 30}  # the default is an hour


class Clients:
    """The worker's HTTP client and connections, made when the first task needs them."""

    lock = threading.Lock()
    http: httpx.Client | None = None
    pool: ConnectionPool | None = None

    @classmethod
    def get(cls) -> tuple[httpx.Client, ConnectionPool]:
        """Return both, shared by all threads."""
        with cls.lock:
            if cls.http is None or cls.pool is None:
                cls.http = httpx.Client(timeout=leads.TIMEOUT)
                cls.pool = ConnectionPool(leads.DATABASE_URL, min_size=1, max_size=16, open=True)
            return cls.http, cls.pool


@app.task(name="send", autoretry_for=(httpx.HTTPError,), retry_backoff=True, max_retries=leads.TRIES - 1)
def send(row: str, lead: dict[str, object]) -> None:
    """Send one lead to the provider and store that it was sent."""
    http, pool = Clients.get()
    http.post(leads.PROVIDER_URL, json=lead).raise_for_status()
    with pool.connection() as connection:
        connection.execute(leads.DONE, (row,))


def send_all(beginning: str) -> None:
    """Queue a task for each lead whose id begins so, as one group."""
    with psycopg.connect(leads.DATABASE_URL) as connection:
        rows = connection.execute(leads.TO_SEND, (beginning,)).fetchall()
    group(send.s(row, lead) for row, lead in rows).apply_async()


async def post(request: Request) -> JSONResponse:
    """Store one lead and queue its task."""
    lead, row = await request.json(), str(uuid.uuid4())
    async with request.app.state.pool.connection() as connection:
        await connection.execute(leads.INSERT, (row, Jsonb(lead)))
    await run_in_threadpool(send.delay, row, lead)
    return JSONResponse({"id": row}, 202)


@asynccontextmanager
async def lifespan(web: Starlette) -> AsyncIterator[None]:
    """Hold the door's connections."""
    async with AsyncConnectionPool(leads.DATABASE_URL, min_size=4, max_size=16) as pool:
        web.state.pool = pool
        yield


web = Starlette(routes=[Route("/lead", post, methods=["POST"])], lifespan=lifespan)

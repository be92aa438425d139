"""A lead service on Procrastinate: the lead's row and its job in one transaction, an asynchronous worker.

uvicorn procrastinate_app:web
procrastinate --app=procrastinate_app.app worker --concurrency 16
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import leads
import procrastinate
import psycopg
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=leads.DATABASE_URL, max_size=20))
# The documentation's example runs every ten minutes.
STALLED = "* * * * *" if leads.RECOVERS else "*/10 * * * *"


class Clients:
    """The worker's HTTP client, made when the first job needs it."""

    http: httpx.AsyncClient | None = None

    @classmethod
    def get(cls) -> httpx.AsyncClient:
        """Return it."""
        cls.http = cls.http or httpx.AsyncClient(timeout=leads.TIMEOUT)
        return cls.http


@app.task(name="send", retry=procrastinate.RetryStrategy(max_attempts=leads.TRIES, wait=1))
async def send(row: str, lead: dict[str, object]) -> None:
    """Send one lead to the provider and store that it was sent."""
    (await Clients.get().post(leads.PROVIDER_URL, json=lead)).raise_for_status()
    async with app.connector.pool.connection() as connection:
        await connection.execute(leads.DONE, (row,))


@app.periodic(cron=STALLED)
@app.task(queueing_lock="retry_stalled_jobs", pass_context=True)
async def retry_stalled_jobs(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001
    """Run the jobs of workers that died again, as the documentation shows."""
    for job in await app.job_manager.get_stalled_jobs():
        await app.job_manager.retry_job(job)


def send_all(beginning: str) -> None:
    """Queue a job for each lead whose id begins so, all in one call."""
    asyncio.run(_send_all(beginning))


async def _send_all(beginning: str) -> None:
    async with app.open_async(), await psycopg.AsyncConnection.connect(leads.DATABASE_URL) as connection:
        rows = await (await connection.execute(leads.TO_SEND, (beginning,))).fetchall()
        await send.batch_defer_async(*({"row": row, "lead": lead} for row, lead in rows))


async def post(request: Request) -> JSONResponse:
    """Store one lead and queue its job, both or neither."""
    lead, row = await request.json(), str(uuid.uuid4())
    async with request.app.state.pool.connection() as connection:
        await connection.execute(leads.INSERT, (row, Jsonb(lead)))
        await send.configure(connection=connection).defer_async(row=row, lead=lead)
    return JSONResponse({"id": row}, 202)


@asynccontextmanager
async def lifespan(web: Starlette) -> AsyncIterator[None]:
    """Hold the door's connections."""
    async with app.open_async(), AsyncConnectionPool(leads.DATABASE_URL, min_size=4, max_size=16) as pool:
        web.state.pool = pool
        yield


web = Starlette(routes=[Route("/lead", post, methods=["POST"])], lifespan=lifespan)

"""`drumbeat invoke`: pass one event to a function of the local stack, as `sam local invoke` does, without a container.

The samples in `events/` were made for tests: your stack does not know their API key. An HTTP request that
carries one gets yours instead.
"""

import json
from pathlib import Path
from typing import Any, TextIO

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import print_json


@click.command()
@click.argument("function")
@click.argument("event", type=click.File("r", encoding="utf-8"))
@click.option(
    "--home", type=click.Path(path_type=Path), default=".drumbeat", show_default=True, help="The stack's folder."
)
@with_client
def command(client: Client, function: str, event: TextIO, home: Path) -> int:
    """Invoke FUNCTION (ingest, worker, relay...) of a running `drumbeat dev` with EVENT, a file of JSON or -.

    A process of its own is started, with the environment of the stack's; what it logs goes to standard error, what it
    returns to standard output. Exit 1 when it raised.
    """
    from drumbeat.local.frames import HandlerFailed, HandlerGone
    from drumbeat.local.invocation import invoke

    document = _with_key(_read(event), client.key)
    try:
        print_json(invoke(home, function, document))
    except HandlerFailed as failed:
        print_json(failed.error)
        return 1
    except HandlerGone as gone:
        raise click.ClickException(f"the function ended before it answered: {gone}") from None
    return 0


def _read(file: TextIO) -> dict[str, Any]:
    try:
        event = json.load(file)
    except ValueError as error:
        raise click.UsageError(f"{file.name} is not JSON: {error}") from None
    if not isinstance(event, dict):
        raise click.UsageError(f"{file.name} is not a JSON object")
    return event


def _with_key(event: dict[str, Any], key: str | None) -> dict[str, Any]:
    headers = event.get("headers", {})
    if key is None or "authorization" not in headers:
        return event
    return {**event, "headers": {**headers, "authorization": f"Bearer {key}"}}

"""`drumbeat send`: send an event, or many from a file with one JSON object a line."""

import json
import sys
import uuid
from collections.abc import Mapping
from itertools import batched
from typing import Any, TextIO

import click
from rich.console import Console
from rich.progress import track

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count, plain, print_json, show, status, table
from drumbeat.core.events import EventType

EVENTS_PER_REQUEST = 200  # the API takes 500
MAX_REFUSALS_SHOWN = 20


@click.command()
@click.argument("kind", metavar="TYPE", type=click.Choice([each.value for each in EventType]), required=False)
@click.option("--payload", help='The payload as JSON, or "-" to read it from standard input.  [default: {}]')
@click.option("--source", default="cli", show_default=True, help="Where the event comes from.")
@click.option("--idempotency-key", help="The same key again is the same event. Default: a new one.")
@click.option("--at", "scheduled_at", help="Not before this instant (ISO 8601).")
@click.option("--file", "lines", type=click.File("r", encoding="utf-8"), help="Events, one JSON object a line.")
@with_client
def command(
    client: Client,
    kind: str | None,
    payload: str | None,
    source: str,
    idempotency_key: str | None,
    scheduled_at: str | None,
    lines: TextIO | None,
) -> int:
    """Send an event of TYPE, or those of a file. Sending again with the same key is harmless.

    Each line of the file is an event as POST /v1/events takes it: {"type": ..., "payload": {...}, "idempotencyKey":
    ...}. What a line leaves out is TYPE, --source, --at and a new key.
    """
    rest = (
        {"source": source} | ({"type": kind} if kind else {}) | ({"scheduledAt": scheduled_at} if scheduled_at else {})
    )
    if lines is not None:
        if payload is not None or idempotency_key is not None:
            raise click.UsageError("--payload and --idempotency-key are for one event; a --file's lines have their own")
        return _send_lines(client, _events(lines, rest))
    if kind is None:
        raise click.UsageError("say which TYPE of event, or give --file")
    text = sys.stdin.read() if payload == "-" else payload or "{}"
    event = rest | {"payload": _object(text, "--payload"), "idempotencyKey": idempotency_key or str(uuid.uuid4())}
    answer = client.ask("POST", "/v1/events", event)
    if client.json:
        print_json(answer.body)
    else:
        repeated = " (known already; nothing new was recorded)" if "idempotent-replayed" in answer.headers else ""
        show(f"{status(answer.body['status'])} {answer.body['eventId']}{repeated}")
        show(f"[dim]see what happens: drumbeat event {answer.body['eventId']}[/]")
    return 0


def _send_lines(client: Client, events: list[dict[str, Any]]) -> int:
    sent: list[Any] = []
    groups = list(batched(events, EVENTS_PER_REQUEST, strict=False))
    terminal = Console(stderr=True)
    silent = client.json or not terminal.is_terminal
    try:
        for group in track(groups, "sending", console=terminal, transient=True, disable=silent):
            sent += client.post("/v1/events/batch", {"events": list(group)})["results"]
    except click.ClickException:
        if sent and not client.json:
            show(f"{count(len(sent), 'event')} had been answered before; sending the file again is harmless with keys")
        raise
    failed = [(line, result) for line, result in enumerate(sent, 1) if result["status"] not in (200, 202)]
    if client.json:
        print_json({"results": sent})
    else:
        show(f"{count(len(sent) - len(failed), 'event')} recorded, {len(failed)} refused")
        rows = [(line, result["status"], plain(result["problem"].get("detail", ""))) for line, result in failed]
        if rows:
            show(table(("event", "status", "why"), rows[:MAX_REFUSALS_SHOWN]))
        if len(rows) > MAX_REFUSALS_SHOWN:
            show(f"and {len(rows) - MAX_REFUSALS_SHOWN} more; --json shows all")
    return 1 if failed else 0


def _events(lines: TextIO, rest: Mapping[str, str]) -> list[dict[str, Any]]:
    """Read a whole file before anything of it is sent; `rest` is what its lines leave out."""
    try:
        return [
            {**rest, "idempotencyKey": str(uuid.uuid4()), **_object(line, f"line {number}")}
            for number, line in enumerate(lines, 1)
            if line.strip()
        ]
    except UnicodeDecodeError:
        raise click.UsageError("the file is not UTF-8. Nothing of it was sent.") from None


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{where} is not JSON: {error}. Nothing of it was sent.") from None
    if not isinstance(value, dict):
        raise click.UsageError(f"{where} is not a JSON object. Nothing of it was sent.")
    return value

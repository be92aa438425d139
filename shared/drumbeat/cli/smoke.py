"""`drumbeat smoke`: send one event through a deployment and say what is wrong with it.

The event comes from a source of its own and is about an address that belongs to no person, so that flows for real
sources and real people do not act on it. What the configuration in force would do all the same is computed and shown
before anything is sent, and has to be confirmed.
"""

import json
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TextIO

import click

from drumbeat.cli.checks import Check, check, print_checks, verdict
from drumbeat.cli.client import Client, Refusal, with_client
from drumbeat.cli.doctor import diagnose
from drumbeat.cli.output import count, plain, print_json, show, span
from drumbeat.cli.waiting import POLL_SECONDS, wait
from drumbeat.core.errors import DrumbeatError
from drumbeat.core.events import EventType
from drumbeat.core.status import Status

SOURCE = "drumbeat-smoke"
PAYLOAD = {"email": "smoke@example.com", "name": "Smoke test"}  # example.com is reserved
FIRST_RUN_SECONDS = 90.0  # within which a relay that runs every minute has run once
NUMBERS_SECONDS = 30.0  # longer than a run of the relay goes on after it has checked everything
STUCK_SECONDS = 300.0  # something due for longer is stuck


@click.command()
@click.option("--event", "file", type=click.File("r", encoding="utf-8"), help="The payload, a JSON object.")
@click.option(
    "--type", "kind", type=click.Choice([*EventType]), default=EventType.LEAD_CAPTURE, show_default=True, help="Of it."
)
@click.option("--source", default=SOURCE, show_default=True, help="Where the event says it comes from.")
@click.option("--yes", is_flag=True, help="Carry out what follows from the event, without asking.")
@click.option("--within", type=click.FloatRange(1), default=60.0, show_default=True, help="Seconds to wait for it.")
@with_client
def command(client: Client, file: TextIO | None, kind: str, source: str, yes: bool, within: float) -> int:
    """Check a deployment and send one event through it; exit 1 when something is wrong.

    By default the event is a LEAD_CAPTURE of source drumbeat-smoke about smoke@example.com. When the configuration in
    force has flows that act on it, it shows what they would do and asks (or give --yes). To keep flows from acting
    on it, write `source != 'drumbeat-smoke'` into their `when`.
    """
    event = {
        "type": kind,
        "source": source,
        "payload": PAYLOAD if file is None else _object(file.read()),
        "idempotencyKey": f"smoke-{uuid.uuid4()}",
    }
    checks: list[Check] = []
    for each in _checks(client, event, yes=yes, within=within):
        checks.append(each)
        if not client.json:
            print_checks([each])
    ok = all(each["ok"] for each in checks)
    if client.json:
        print_json({"ok": ok, "checks": checks})
    else:
        show("", verdict(checks))
    return 0 if ok else 1


def _checks(client: Client, event: dict[str, Any], *, yes: bool, within: float) -> Iterator[Check]:
    found = diagnose(client)
    yield from found
    if not all(each["ok"] for each in found if each["name"] in ("deployment", "API key")):
        return
    yield from _health(client)
    yield from _state(client)
    yield _relay_ran(client)
    yield _metrics(client)
    yield from _through(client, event, yes=yes, within=within)


def _health(client: Client) -> Iterator[Check]:
    """Call what monitoring calls."""
    fix = "each part above says how to repair it; `drumbeat doctor` asks again"
    try:
        parts = client.get("/healthz", deep=1)["checks"]
        yield check("deep health", True, f"{count(len(parts), 'part')} answer")
    except Refusal as error:
        yield check("deep health", False, error.message, fix)


def _state(client: Client) -> Iterator[Check]:
    """Check what the status screen shows."""
    answer = client.get("/v1/status")
    totals = answer["totals"]
    letters = answer["deadLetters"]
    fix = "`drumbeat dlq list`, repair the cause (the worker's log), then `drumbeat dlq redrive`"
    yield check("dead letters", letters == 0, "cannot be counted" if letters is None else str(letters), fix)
    late = max(totals["oldestDue"] or 0.0, totals["oldestUnplanned"] or 0.0 if answer["configVersion"] else 0.0)
    fix = "the worker does not keep up or fails: its log, `drumbeat accounts`, the worker's event source mapping"
    yield check(
        "nothing is stuck",
        late <= STUCK_SECONDS,
        f"oldest that is due: {span(late)}" if late else "nothing is due",
        fix,
    )
    if held := totals["effects"].get("held"):
        yield check("held", True, f"{count(held, 'effect')} to decide about: drumbeat effects --status held")


def _relay_ran(client: Client) -> Check:
    """Wait for the first run of a relay that has just been deployed."""
    ran = _within(FIRST_RUN_SECONDS, lambda: client.get("/v1/status")["relay"]["nextFull"] is not None)
    detail = "has run by its schedule" if ran else f"did not run within {span(FIRST_RUN_SECONDS)}"
    fix = (
        "on AWS: EventBridge Scheduler, group drumbeat-<stage>, and the relay's log; the same is seen while Redis"
        " does not keep what is written (an eviction policy, or a replica)"
    )
    return check("schedule of the relay", ran, detail, fix)


def _metrics(client: Client) -> Check:
    """Read what a scraper reads; the relay writes it at the end of its first run."""
    samples: list[str] = []

    def are_there() -> bool:
        samples[:] = [line for line in str(client.get("/metrics")).splitlines() if line.startswith("drumbeat_")]
        return bool(samples)

    there = _within(NUMBERS_SECONDS, are_there)
    fix = "the relay's log says why it wrote no numbers to Redis; without them a scraper gets no metric at all"
    return check("metrics", there, f"{count(len(samples), 'sample')}", fix)


def _within(seconds: float, asked: Callable[[], bool]) -> bool:
    """Ask again and again until it is so, or the time is over; return whether it is."""
    until = time.monotonic() + seconds
    while not (so := asked()) and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
    return so


# ---------------------------------------------------------------- the event


def _through(client: Client, event: dict[str, Any], *, yes: bool, within: float) -> Iterator[Check]:
    if (refusal := _why_not(client, event, yes=yes)) is not None:
        yield refusal
        return
    began = time.monotonic()
    try:
        first = client.ask("POST", "/v1/events", event).body
        answered = time.monotonic() - began
        again = client.ask("POST", "/v1/events", event)
    except Refusal as error:
        yield check("event is accepted", False, error.message, "the message says what; for 5xx read the ingest's log")
        return
    yield check("event is accepted", True, f"{first['eventId']} {first['status']}, answered after {span(answered)}")
    same = again.body["eventId"] == first["eventId"] and "idempotent-replayed" in again.headers
    yield check(
        "a repeat is the same event", same, "recognised" if same else "it was recorded as another", "report this"
    )
    story = wait(client, first["eventId"], within)
    yield from _end(story, time.monotonic() - began)


def _why_not(client: Client, event: Mapping[str, Any], *, yes: bool) -> Check | None:
    """Return why the event is not sent; None: it may be."""
    try:
        stored = client.get("/v1/config")
    except Refusal as error:
        return check("event", False, f"not sent: {error.message}", "drumbeat apply campaigns")
    foreseen = _foresee(stored, event)
    if foreseen and not client.json:
        show(f"this event would cause, by configuration {stored['version']}:", *(f"  {line}" for line in foreseen))
    if not foreseen or yes:
        return None
    if sys.stdin.isatty() and not client.json and click.confirm("Go on?", err=True):
        return None
    fix = f"write `source != '{event['source']}'` into the `when` of those flows, or give --yes to carry it out"
    return check("event", False, "not sent: flows would act on it", fix)


def _foresee(stored: Mapping[str, Any], event: Mapping[str, Any]) -> list[str]:
    """Return what would be carried out, one line each."""
    from drumbeat.cli.forecast import forecast

    try:
        made = forecast(stored, event)
    except DrumbeatError:
        return ["unknown: this `drumbeat` cannot read that configuration"]
    return [
        f"{plain(each.flow)}.{plain(each.step)}: {each.action} to {plain(each.target)} through account"
        f" {plain(each.account)} ({plain(made.providers[each.account])})"
        for each in made.effects
    ]


def _end(story: dict[str, Any] | None, took: float) -> Iterator[Check]:
    if story is None or story["plan"] is None:
        what = "waits in the buffer queue" if story is None else "is recorded and was not planned"
        fix = "nothing is lost; read the log of the worker (of the relay, if it is in the buffer) and `drumbeat doctor`"
        yield check("event is planned", False, f"it {what} after {span(took)}", fix)
        return
    failed = story["plan"]["failed"]
    what = "no flow acts on it" if not story["effectsTotal"] else count(story["effectsTotal"], "effect")
    yield check("event is planned", True, f"{what}; at rest {span(took)} after it was sent")
    for flow, reason in failed.items():
        fix = "give --event with a payload that the flow can use, or keep it from acting on this source"
        yield check(f"flow {flow}", False, f"cannot be planned: {reason}", fix)
    for effect in story["effects"]:
        yield _of_effect(effect)


def _of_effect(effect: Mapping[str, Any]) -> Check:
    name = f"effect {effect['flow']}.{effect['step']} (account {effect['account']})"
    reason = f": {effect['reason']}" if effect["reason"] else ""
    if effect["status"] == Status.ACCEPTED:
        return check(name, True, f"{effect['status']} after {count(len(effect['attempts']), 'attempt')}")
    if effect["status"] == Status.WAITING and effect["plannedFor"] > effect["updatedAt"]:
        return check(name, True, f"waits until {effect['plannedFor']}")
    fix = f"drumbeat event shows its attempts; `drumbeat effects --account {effect['account']}` those of the others"
    return check(name, False, f"{effect['status']}{reason}", fix)


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"--event is not JSON: {error}. Nothing was sent.") from None
    if not isinstance(value, dict):
        raise click.UsageError("--event is not a JSON object. Nothing was sent.")
    return value

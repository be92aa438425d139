"""`drumbeat smoke`: send one event through a deployment and say what is wrong with it.

The event comes from a source of its own and is about an address that nobody has, so that flows for real sources and
real people do not act on it. What the configuration in force would do all the same is worked out before anything is
sent, shown, and asked about.
"""

import json
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

import click

from drumbeat.cli.checks import Check, check, print_checks, verdict
from drumbeat.cli.client import Client, Refusal, with_client
from drumbeat.cli.doctor import diagnose
from drumbeat.cli.output import count, plain, print_json, show, span
from drumbeat.core.errors import DrumbeatError
from drumbeat.core.events import EventType
from drumbeat.core.status import FINAL, Status

SOURCE = "drumbeat-smoke"
PAYLOAD = {"email": "smoke@example.com", "name": "Smoke test"}  # example.com is reserved: nobody reads mail there
FIRST_LOOK = 90.0  # seconds until a relay that runs every minute has looked for the first time
LATE = 300.0  # seconds after which something due that did not move is a fault
LOOK = 0.5  # seconds between looks


@click.command()
@click.option("--event", "file", type=click.File("r", encoding="utf-8"), help="The payload, a JSON object.")
@click.option(
    "--type", "kind", type=click.Choice([*EventType]), default=EventType.LEAD_CAPTURE, show_default=True, help="Of it."
)
@click.option("--source", default=SOURCE, show_default=True, help="Where the event says it comes from.")
@click.option("--yes", is_flag=True, help="Have what follows from the event carried out, without asking.")
@click.option("--within", type=click.FloatRange(1), default=60.0, show_default=True, help="Seconds to wait for it.")
@with_client
def command(client: Client, file: TextIO | None, kind: str, source: str, yes: bool, within: float) -> int:
    """Check a deployment and send one event through it; exit 1 when something is wrong.

    By default the event is a LEAD_CAPTURE of source drumbeat-smoke about smoke@example.com. When the configuration in
    force has flows that act on it, you are told what they would do and asked (or give --yes). To keep flows from acting
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
    yield from _standing(client)
    yield _relay_looked(client)
    yield from _through(client, event, yes=yes, within=within)


def _health(client: Client) -> Iterator[Check]:
    """Ask what monitoring would ask."""
    fix = "each part above says what mends it; `drumbeat doctor` asks again"
    try:
        parts = client.get("/healthz", deep=1)["checks"]
        yield check("deep health", True, f"{count(len(parts), 'part')} answer")
    except Refusal as error:
        yield check("deep health", False, error.message, fix)
    samples = [line for line in str(client.get("/metrics")).splitlines() if line.startswith("drumbeat_")]
    yield check("metrics", bool(samples), f"{count(len(samples), 'sample')}", "read the console function's log")


def _standing(client: Client) -> Iterator[Check]:
    """Judge what the status screen shows."""
    answer = client.get("/v1/status")
    totals = answer["totals"]
    letters = answer["deadLetters"]
    fix = "`drumbeat dlq list`, mend the cause (the worker's log), then `drumbeat dlq redrive`"
    yield check("dead letters", letters == 0, "cannot be counted" if letters is None else str(letters), fix)
    late = max(totals["oldestDue"] or 0.0, totals["oldestUnplanned"] or 0.0 if answer["configVersion"] else 0.0)
    fix = "the worker does not keep up or fails: its log, `drumbeat accounts`, the worker's event source mapping"
    yield check(
        "nothing is stuck", late <= LATE, f"oldest that is due: {span(late)}" if late else "nothing is due", fix
    )
    if held := totals["effects"].get("held"):
        yield check("held", True, f"{count(held, 'effect')} to decide about: drumbeat effects --status held")


def _relay_looked(client: Client) -> Check:
    """Wait for the first look of a relay that has just been deployed."""
    until = time.monotonic() + FIRST_LOOK
    while (looked := client.get("/v1/status")["relay"]["nextFull"] is not None) is False and time.monotonic() < until:
        time.sleep(LOOK)
    detail = "has run by its schedule" if looked else f"did not run within {span(FIRST_LOOK)}"
    fix = (
        "on AWS: EventBridge Scheduler, group drumbeat-<stage>, and the relay's log; it also looks so while Redis"
        " does not keep what is written (an eviction policy, or a replica)"
    )
    return check("schedule of the relay", looked, detail, fix)


# ---------------------------------------------------------------- the event's way


def _through(client: Client, event: dict[str, Any], *, yes: bool, within: float) -> Iterator[Check]:
    if (refusal := _hesitation(client, event, yes=yes)) is not None:
        yield refusal
        return
    began = time.monotonic()
    try:
        first = client.ask("POST", "/v1/events", event).body
        answered = time.monotonic() - began
        again = client.ask("POST", "/v1/events", event)
    except Refusal as error:
        yield check("event is taken", False, error.message, "the message says what; for 5xx read the ingest's log")
        return
    yield check("event is taken", True, f"{first['eventId']} {first['status']}, answered after {span(answered)}")
    same = again.body["eventId"] == first["eventId"] and "idempotent-replayed" in again.headers
    yield check("a repeat is the same event", same, "recognised" if same else "it was taken as another", "report this")
    story = _wait(client, first["eventId"], within)
    yield from _end(story, time.monotonic() - began)


def _hesitation(client: Client, event: Mapping[str, Any], *, yes: bool) -> Check | None:
    """Say why the event is not sent; None: it may be."""
    try:
        stored = client.get("/v1/config")
    except Refusal as error:
        return check("event", False, f"not sent: {error.message}", "drumbeat apply campaigns")
    foreseen = _foresee(stored, event)
    if foreseen and not client.json:
        show(
            f"from this event would follow, by configuration {stored['version']}:", *(f"  {line}" for line in foreseen)
        )
    if not foreseen or yes:
        return None
    if sys.stdin.isatty() and not client.json and click.confirm("Go on?", err=True):
        return None
    fix = f"write `source != '{event['source']}'` into the `when` of those flows, or give --yes to have it carried out"
    return check("event", False, "not sent: flows would act on it", fix)


def _foresee(stored: Mapping[str, Any], event: Mapping[str, Any]) -> list[str]:
    """Say in lines what would be carried out."""
    from drumbeat.cli.forecast import forecast

    try:
        made = forecast(stored, event)
    except DrumbeatError:
        return ["nobody knows what: this `drumbeat` does not read that configuration"]
    return [
        f"{plain(each.flow)}.{plain(each.step)}: {each.action} to {plain(each.target)} through account"
        f" {plain(each.account)} ({plain(made.providers[each.account])})"
        for each in made.effects
    ]


def _wait(client: Client, event_id: str, within: float) -> dict[str, Any] | None:
    """Return the event when all that is due within the time has come to rest, or as it stands then."""
    until = time.monotonic() + within
    story: dict[str, Any] | None = None
    while True:
        try:
            story = client.get(f"/v1/events/{event_id}")
        except Refusal as error:
            if error.status != 404:
                raise
        if story is not None and story["plan"] is not None and not _moving(story):
            return story
        if time.monotonic() > until:
            return story
        time.sleep(LOOK)


def _moving(story: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the effects that are not at rest; what is planned for later rests until then."""
    at_rest = {*FINAL, Status.HELD}
    return [
        each for each in story["effects"] if each["status"] not in at_rest and each["plannedFor"] <= story["recordedAt"]
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
    fix = f"drumbeat event shows its attempts; `drumbeat effects --account {effect['account']}` how the others fare"
    return check(name, False, f"{effect['status']}{reason}", fix)


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"--event is not JSON: {error}. Nothing was sent.") from None
    if not isinstance(value, dict):
        raise click.UsageError("--event holds no JSON object. Nothing was sent.")
    return value

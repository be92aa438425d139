"""The mails of a campaign, really sent, to one address: to look at what arrives."""

import json
import uuid
from typing import Any, TextIO

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import plain, print_json, show, status
from drumbeat.cli.waiting import wait


@click.command("preview")
@click.argument("name")
@click.option("--to", required=True, help="Your own address. What is known of it fills the mail.")
@click.option("--sample", type=click.File("r", encoding="utf-8"), help="A JSON object: attributes of the lead instead.")
@click.option("--within", type=click.FloatRange(0), default=30.0, show_default=True, help="Seconds to wait for it.")
@with_client
def command(client: Client, name: str, to: str, sample: TextIO | None, within: float) -> int:
    """Send the mails of campaign NAME to one address, as its run would: through its account, with its links.

    It is a mail as any other: one of a list goes to an address that agreed to that list.
    """
    wish: dict[str, Any] = {"to": to, "campaign": name, "idempotencyKey": f"preview-{uuid.uuid4()}"}
    if sample is not None:
        wish["payload"] = _object(sample.read())
    asked = client.post("/v1/doctor/mail", wish)
    story = wait(client, asked["eventId"], within)
    if client.json:
        print_json({"asked": asked, "event": story})
    else:
        _say(asked, story, to)
    effects = story["effects"] if story else []
    return 0 if effects and all(each["status"] == "accepted" for each in effects) else 1


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"no JSON: {error}", param_hint="--sample") from None
    if not isinstance(value, dict):
        raise click.BadParameter("has to be a JSON object", param_hint="--sample")
    return value


def _say(asked: dict[str, Any], story: dict[str, Any] | None, to: str) -> None:
    for each in story["effects"] if story else []:
        why = f": {plain(each['reason'])}" if each["reason"] else ""
        show(f"step {plain(each['step'])} by account {plain(each['account'])} is {status(each['status'])}{why}")
    if story is None or not story["effects"]:
        show(f"it is recorded and not sent yet: drumbeat event {asked['eventId']}")
    elif asked["sandbox"]:
        show(f"it is in the sandbox's inbox: {plain(asked['sandbox'])}")
    else:
        show(f"look into the mailbox of {plain(to)}; all that happened: drumbeat event {asked['eventId']}")

"""The mails of a campaign, really sent, to one address: to look at what arrives."""

import json
import uuid
from typing import Any, TextIO

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import plain, print_json, show, status
from drumbeat.cli.waiting import wait
from drumbeat.core.check_mails import SOURCE
from drumbeat.core.reasons import ReasonCode
from drumbeat.core.status import FINAL, Status


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
    look = f"The mails may be recorded, and are sent then: drumbeat events --source {SOURCE}"
    asked = client.post("/v1/doctor/mail", wish, look=look)
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
    effects = story["effects"] if story else []
    for each in effects:
        why = f": {plain(each['reason'])}" if each["reason"] else ""
        show(f"step {plain(each['step'])} by account {plain(each['account'])} is {status(each['status'])}{why}")
        if each["reasonCode"] == ReasonCode.NO_CONSENT:
            show(_agreeing(each["reasonDetail"] or ""))
    reached = {each["status"] for each in effects}
    if Status.ACCEPTED in reached:
        show(f"it is in the sandbox's inbox: {plain(asked['sandbox'])}" if asked["sandbox"] else
             f"look into the mailbox of {plain(to)}; all that happened: drumbeat event {asked['eventId']}")  # fmt: skip
    elif reached and reached <= {*FINAL, Status.HELD}:
        show(f"nothing arrives; all that happened: drumbeat event {asked['eventId']}")
    else:
        show(f"it is recorded and not sent yet: drumbeat event {asked['eventId']}")


def _agreeing(stands: str) -> str:
    """Say what to do about a consent of which this is said: the list, and how it stands."""
    name, _, state = stands.rpartition(": ")
    match state:
        case "pending":
            return "  the address has not confirmed yet: press the button of the mail that asks for it"
        case "withdrawn":
            return (
                "  the address left the list, and no import undoes that: sign up again, or preview to another address"
            )
    words = f'--list {plain(name)} --consent "where it comes from"'
    return f"  if it is yours, agree to the list: drumbeat leads import FILE.csv {words}"

"""The command `drumbeat leads erase`: delete what is kept of a person, and never mail them again."""

from typing import Any

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count, moment, print_json, show

STAYS = (
    "What stays says nothing of the person: ids, keyed hashes, times, statuses, counts, how consent stood, and a "
    "suppression that is never lifted."
)
UNKNOWN = (
    "nothing is known of this address: check how it is spelt. To erase it nevertheless looks into what could not be "
    "read or is parked, and it is mailed no more"
)
ELSEWHERE = (
    "Not reached from here: what providers keep, the backups of the database, and dead letters; "
    "docs/people.md says for how long."
)


@click.command("erase")
@click.argument("email")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_client
def command(client: Client, email: str, *, dry_run: bool, yes: bool) -> None:
    """Delete what is kept of EMAIL: the bodies of all events that name it, what was sent because of them, and the lead.

    There is no way back. Ended half-way, it is simply run again.
    """
    held = client.post("/v1/leads/erase", {"email": email, "dryRun": True})
    if dry_run and client.json:
        print_json(held)
        return
    if not client.json:
        _show(held)
    if dry_run:
        return
    if not yes:
        click.confirm("Delete this for ever?", abort=True, err=True)
    erased = _erase(client, email)
    if client.json:
        print_json(erased | {"known": held["known"]})
        return
    show(f"[green]erased[/]: {count(erased['events'], 'event')}{_copies(erased)}. This address is mailed no more")
    show(ELSEWHERE)


def _copies(erased: dict[str, Any]) -> str:
    return f", {erased['copies']:,} parked or late bodies" if erased["copies"] else ""


def _erase(client: Client, email: str) -> dict[str, Any]:
    """Ask for one part after another; return how much it was."""
    erased = {"events": 0, "copies": 0}
    after = None
    while True:
        part = client.post("/v1/leads/erase", {"email": email, "after": after})
        erased = {name: number + part[name] for name, number in erased.items()}
        if (after := part["next"]) is None:
            return erased


def _show(held: dict[str, Any]) -> None:
    if not held["known"]:
        show(f"[yellow]{UNKNOWN}[/]")
        return
    if held["erasedAt"]:
        show(f"this address was erased {moment(held['erasedAt'])}; what came since, or was left, is erased now")
    lead = "the lead" if held["lead"] else "no lead"
    show(
        f"to be deleted: the bodies of {count(held['events'], 'event')}, {count(held['requests'], 'request')} that "
        f"{'was' if held['requests'] == 1 else 'were'} sent (mails and calls), {lead}"
    )
    if held["unfinished"]:
        show(f"{count(held['unfinished'], 'effect')} not carried out yet: cancelled")
    show(STAYS)

"""`drumbeat suppress`: stop mailing an address, let it be mailed again, look one up, list suppressions."""

from collections.abc import Sequence

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.listing import Column, Form, Item, age, listed, print_list
from drumbeat.cli.output import moment, plain, print_json, show

READINGS = {
    "today": "the address as it is read",
    "first": "the address as releases before read it",
    "as typed": "that text as releases before kept it; it stops no mail: add the address again",
}


@click.group()
def command() -> None:
    """Addresses that must not be mailed. They are kept as keyed hashes only."""


@command.command()
@click.argument("email")
@click.option("--reason", required=True, help="Why; kept with the suppression.")
@with_client
def add(client: Client, email: str, reason: str) -> None:
    """Stop mailing EMAIL, through any account."""
    _change(client, email, reason, lift=False)


@command.command()
@click.argument("email")
@click.option("--reason", required=True, help="Why; kept with the suppression.")
@with_client
def lift(client: Client, email: str, reason: str) -> None:
    """Let EMAIL be mailed again. What was cancelled meanwhile stays cancelled."""
    _change(client, email, reason, lift=True)


@command.command()
@click.argument("email")
@with_client
def check(client: Client, email: str) -> None:
    """Say whether EMAIL is suppressed, since when and why."""
    answer = client.post("/v1/suppressions/check", {"email": email})
    if client.json:
        print_json(answer)
        return
    complained = any(entry["effective"] and entry.get("marketingOnly") for entry in answer["entries"])
    may_be = "may be mailed, but no list" if complained else "may be mailed"
    show(f"{plain(answer['address'])} {'is suppressed' if answer['suppressed'] else may_be}")
    for entry in answer["entries"]:
        why = f"{plain(entry['reason'])}, by {plain(entry['actor'])}"
        show(f"  since {moment(entry['since'])}: {why} ({READINGS[entry['reading']]})")


@command.command("list")
@click.option("--unmatched", is_flag=True, help="Only those that no effect was ever planned for.")
@listed
@with_client
def list_suppressions(client: Client, form: Form, *, unmatched: bool) -> None:
    """List suppressed contacts."""
    none = "no such suppression" if unmatched else "no address is suppressed"
    wanted = "true" if unmatched else None
    print_list(client, "/v1/suppressions", form, _columns, none=none, unmatched=wanted)


def _columns(_: Sequence[Item]) -> Sequence[Column]:
    return (
        Column("contact", lambda e: str(e["contact"])[:16]),
        Column("age", lambda e: age(e["since"])),
        Column("since", lambda e: str(e["since"]), only_wide=True),
        Column("by", lambda e: str(e["actor"]), least=9),
        Column("why", lambda e: str(e["reason"]), least=12),
    )


def _change(client: Client, email: str, reason: str, *, lift: bool) -> None:
    answer = client.post("/v1/suppressions", {"email": email, "reason": reason, "lift": lift})
    if client.json:
        print_json(answer)
        return
    state = "is suppressed" if answer["suppressed"] else "may be mailed"
    show(f"{plain(answer['address'])} {state}{'' if answer['changed'] else ' already; nothing changed'}")
    if answer["also"]:
        show(f"{plain(answer['also'])}, which releases before took it for, {state} too")

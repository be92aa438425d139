"""`drumbeat accounts`: which logins are running, which are paused and why; stop one, and let it go on."""

from typing import Any
from urllib.parse import quote

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count, moment, plain, print_json, show, span, status, table


@click.group(invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """List accounts; pause one, or let it go on."""
    if context.invoked_subcommand is None:
        context.invoke(list_accounts)


@command.command("list")
@with_client
def list_accounts(client: Client) -> None:
    """List all accounts."""
    items = client.get("/v1/accounts")["items"]
    if client.json:
        print_json({"items": items})
    elif not items:
        show("no accounts; drumbeat apply")
    else:
        rows = [
            (
                plain(each["account"]),
                plain(each["provider"] or "not configured"),
                state_of(each),
                span(each["oldestDue"]) if each["oldestDue"] else "",
                ", ".join(f"{number:,} {plain(kind)}" for kind, number in sorted((each.get("reports") or {}).items())),
            )
            for each in items
        ]
        show(table(("account", "provider", "state", "oldest due", "reported in 7 days"), rows))


def state_of(account: dict[str, Any]) -> str:
    """Return an account's state; when it is not running, until when and why."""
    until = f" until {moment(account['until'])}" if account["until"] else ""
    return status(account["state"]) + until + (f": {plain(account['reason'])}" if account["reason"] else "")


@command.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; kept in the journal of stops.")
@with_client
def pause(client: Client, name: str, reason: str) -> None:
    """Stop the account NAME: nothing is sent by it any more once this is done, until someone resumes it."""
    answer = client.post(f"/v1/accounts/{quote(name, safe='')}/pause", {"reason": reason})
    if client.json:
        print_json(answer)
        return
    show(f"{plain(name)} is {status('stopped')}; what was on its way already cannot be called back")
    show(f"to go on: drumbeat accounts resume {plain(name)}")


@command.command()
@click.argument("name")
@click.option("--reason", help="Why; kept in the journal of stops.")
@with_client
def resume(client: Client, name: str, reason: str | None) -> None:
    """End the pause of the account NAME, also a person's; what waited for it goes on now."""
    done = 0
    body: dict[str, object] = {"reason": reason} if reason else {}
    while True:
        answer = client.post(f"/v1/accounts/{quote(name, safe='')}/resume", body)
        body["seenAt"] = answer["at"]  # a stop that comes meanwhile stays
        done += answer["effects"]
        if not answer["left"]:
            break
    if client.json:
        print_json({"account": name, "effects": done, "stopped": answer["stopped"]})
    elif answer["stopped"]:
        show(f"{plain(name)} is still {status('stopped')} with everything else: drumbeat resume --all --reason WHY")
    else:
        show(f"{plain(name)} is {status('running')}; {count(done, 'effect')} that waited for it went on")

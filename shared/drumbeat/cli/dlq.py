"""`drumbeat dlq`: show the dead letter queue and redrive it."""

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count, plain, print_json, show, table


@click.group(invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Show the dead letter queue and redrive it."""
    if context.invoked_subcommand is None:
        context.invoke(list_letters)


@command.command("list")
@with_client
def list_letters(client: Client) -> None:
    """Show what the worker gave up on. What it names is safe in the ledger."""
    answer = client.get("/v1/dlq")
    if client.json:
        print_json(answer)
        return
    show(count(answer["count"], "dead letter"))
    if answer["items"]:
        rows = [
            (
                "\n".join(
                    [
                        *(f"event {plain(id)}" for id in each["events"]),
                        *(f"effect {plain(id)}" for id in each["effects"]),
                    ]
                )
                or "not a message of Drumbeat",
                each["received"],
                plain(each["messageId"]),
            )
            for each in answer["items"]
        ]
        show(table(("names", "received", "message"), rows))


@command.command()
@with_client
def redrive(client: Client) -> None:
    """Send all of them to the worker again. Harmless twice: what is done stays done."""
    sent = 0
    while True:
        answer = client.post("/v1/dlq/redrive")
        sent += answer["rung"]
        if not answer["rung"] or answer["left"] <= answer["foreign"]:
            break
    if client.json:
        print_json({"rung": sent, "foreign": answer["foreign"], "left": answer["left"]})
    else:
        show(f"{count(sent, 'message')} sent again")
        if answer["foreign"]:
            show(f"[yellow]{count(answer['foreign'], 'message')} that Drumbeat did not write[/] stayed: drumbeat dlq")

"""`drumbeat pause`: stop everything at once; nothing is sent until someone resumes it."""

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import plain, print_json, show, status


@click.command()
@click.option("--all", "everything", is_flag=True, help="Everything. One account: drumbeat accounts pause NAME.")
@click.option("--reason", required=True, help="Why; kept in the journal of stops.")
@with_client
def command(client: Client, everything: bool, reason: str) -> None:
    """Stop everything: no attempt is opened any more once this is done.

    Events still come in and are planned. What is on its way cannot be called back; what became of it is looked into.
    """
    if not everything:
        raise click.UsageError("say --all; one account is stopped by `drumbeat accounts pause NAME`")
    answer = client.post("/v1/pause", {"reason": reason})
    if client.json:
        print_json(answer)
        return
    first = next(each for each in answer["stops"] if each["account"] is None and not each["invariant"])
    if first["reason"] != reason:
        show(f"it was {status('stopped')} already, by {plain(first['actor'])}: {plain(first['reason'])}")
    show(f"everything is {status('stopped')}; what was on its way already cannot be called back")
    show("to go on: drumbeat resume --all --reason WHY")

"""A run that ended is sent to those who did not get it, after they were counted."""

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count, moment, plain, print_json, show, status, table
from drumbeat.cli.runs_found import may_be_sent, newest_begun, short
from drumbeat.core.left_out import LEFT_OUT


@click.command("missing")
@click.argument("run")
@click.option("--reason", help="Why they get it now; kept in the journal. Without it they are only counted.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_client
def command(client: Client, run: str, reason: str | None, *, yes: bool) -> None:
    """Count who of RUN got no mail and still may, by reason; with --reason, send to them.

    The name of a campaign stands for its newest run that was sent. Never is a person mailed again whose
    mail was accepted, or may have been.
    """
    meant = newest_begun(client, run)
    found = client.post(f"/v1/runs/{meant['runId']}/missing", look="They were only counted: nothing is sent")
    if not client.json:
        rows = [
            (plain(each["step"]), f"{each['people'] - each['barred']:,}", f"{each['barred']:,}",
             LEFT_OUT.get(each["reason"], plain(each["reason"])))
            for each in found["counts"]
        ]  # fmt: skip
        show(f"run {short(meant)} of {plain(meant['campaign'])}, begun {moment(meant['createdAt'])}")
        show(table(("step", "people", "may not be mailed", "why they did not get it"), rows))
        show(f"{count(found['total'], 'mail')} in all")
    if reason is None or not found["total"]:
        if client.json:
            print_json(found)
        elif found["total"]:
            show(f"send to them: drumbeat campaign missing {short(meant)} --reason …")
        return
    if not yes:
        click.confirm(f"send {count(found['total'], 'mail')}?", abort=True, err=True)
    wish = {"send": True, "expect": found["total"], "reason": reason}
    now = client.post(f"/v1/runs/{meant['runId']}/missing", wish, look=may_be_sent(meant, "sent to them"))
    if client.json:
        print_json(now)
    else:
        show(f"run {short(now)} is {status(now['state'])}: drumbeat campaign show {short(now)} --follow")

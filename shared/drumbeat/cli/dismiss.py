"""`drumbeat dismiss`: an event that needs attention is left as it is, and counts no longer."""

from urllib.parse import quote

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count, plain, print_json, show


@click.command()
@click.argument("event")
@click.option("--reason", required=True, help="Why; kept with the event.")
@with_client
def command(client: Client, event: str, reason: str) -> None:
    """Dismiss an EVENT that needs attention. Trouble that comes later raises it again; what is held is decided."""
    done = client.post(f"/v1/events/{quote(event, safe='')}/dismiss", {"reason": reason})
    if client.json:
        print_json(done)
        return
    covered = [f"flow {plain(flow)}, which could not be planned" for flow in done["flows"]]
    covered += [count(done["refused"], "refused effect")] if done["refused"] else []
    covered += [f"{done['conflicts']} bodies under its key"] if done["conflicts"] else []
    show(f"event {done['eventId']} is dismissed: {'; '.join(covered) or 'what contradicted its effects'}")
    again = "; `drumbeat redrive` still sends what was refused" if done["refused"] else ""
    show(f"anything that comes later raises it again{again}")

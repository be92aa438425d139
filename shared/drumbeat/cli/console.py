"""`drumbeat console`: open the console in a browser, signed in as the API key of this terminal."""

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import print_json, show


@click.command()
@click.option("--print", "only_print", is_flag=True, help="Print the link, for a browser elsewhere.")
@with_client
def command(client: Client, only_print: bool) -> None:
    """Open the console by a link that signs in once, within a minute; what it may do follows from the key's scopes."""
    answer = client.post("/v1/console/links")
    url = f"{client.url}{answer['path']}"
    if client.json:
        print_json({"url": url, "expiresAt": answer["expiresAt"]})
        return
    if not only_print:
        click.launch(url)
    click.echo(url)  # as it is: a link that is broken into lines opens nothing
    show("[dim]signs in once, within a minute[/]")

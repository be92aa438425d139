"""`drumbeat keys`: mint, list and revoke API keys."""

from urllib.parse import quote

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import moment, plain, print_json, show, table

SCOPES = ("ingest", "read", "people", "propose", "operate")


@click.group()
def command() -> None:
    """Mint, list and revoke API keys."""


@command.command("list")
@with_client
def list_keys(client: Client) -> None:
    """List all keys; their tokens are not kept anywhere."""
    items = list(client.pages("/v1/keys"))
    if client.json:
        print_json({"items": items})
    else:
        rows = [
            (
                each["id"],
                plain(each["name"]),
                " ".join(each["scopes"]),
                _done("made", each["createdAt"], each.get("createdBy"))
                + (_done(", revoked", each["revokedAt"], each.get("revokedBy")) if each["revokedAt"] else ""),
            )
            for each in items
        ]
        show(table(("id", "name", "scopes", "state"), rows))


@command.command()
@click.argument("name")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True, help="May be repeated.")
@with_client
def create(client: Client, name: str, scopes: tuple[str, ...]) -> None:
    """Mint a key for NAME. Its token is shown this once."""
    minted = client.post("/v1/keys", {"name": name, "scopes": list(scopes)})
    if client.json:
        print_json(minted)
    else:
        click.echo(minted["token"])
        click.echo(f"key {minted['id']} for {name}: keep the token now, it is not shown again", err=True)


@command.command()
@click.argument("id")
@with_client
def revoke(client: Client, id: str) -> None:
    """Revoke the key ID for good."""
    answer = client.ask("DELETE", f"/v1/keys/{quote(id, safe='')}").body
    if client.json:
        print_json(answer)
    else:
        show(f"key {plain(id)} is revoked; requests with it are refused from now on")


def _done(what: str, at: str, by: str | None) -> str:
    return f"{what} {moment(at)}" + (f" by {plain(by)}" if by else "")

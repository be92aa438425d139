"""`drumbeat keys`: mint, list and revoke API keys."""

from urllib.parse import quote

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.listing import Column, Item, age, print_rows
from drumbeat.cli.output import plain, print_json, show

SCOPES = ("ingest", "read", "people", "propose", "operate")


def _done(key: Item, what: str) -> str:
    if not key[f"{what}At"]:
        return ""
    by = f" by {key[f'{what}By']}" if key.get(f"{what}By") else ""  # a deployment before this release does not say
    return f"{age(key[f'{what}At'])}{by}"


COLUMNS = (
    Column("id", lambda e: str(e["id"])),
    Column("name", lambda e: str(e["name"]), least=6),
    Column("scopes", lambda e: " ".join(e["scopes"]), least=36),
    Column("made", lambda e: _done(e, "created"), least=7),
    Column("made at", lambda e: str(e["createdAt"]), only_wide=True),
    Column("revoked", lambda e: _done(e, "revoked"), least=7),
    Column("revoked at", lambda e: e["revokedAt"] or "", only_wide=True),
)


@click.group()
def command() -> None:
    """Mint, list and revoke API keys."""


@command.command("list")
@click.option("--wide", is_flag=True, help="Print whole names and instants, however long the lines become.")
@with_client
def list_keys(client: Client, *, wide: bool) -> None:
    """List all keys; their tokens are not kept anywhere."""
    items = list(client.pages("/v1/keys"))
    if client.json:
        print_json({"items": items})
    else:
        print_rows(COLUMNS, items, wide=wide)


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

"""`drumbeat apply`: check the configuration and make it the one in force."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from drumbeat.cli.client import Client, Refusal, with_client
from drumbeat.cli.output import count, plain, print_json, show
from drumbeat.core.errors import ConfigError, Mistake

DOCUMENT = "drumbeat.yaml"
TEMPLATES = "templates"
LOCAL = ("127.0.0.1", "localhost")  # where accounts without a base URL call the sandbox


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=Path("campaigns"))
@click.option("--check", is_flag=True, help="Only check for mistakes, on this machine; nothing is sent.")
@with_client
def command(client: Client, path: Path, check: bool) -> int:
    """Put the configuration of PATH (a folder with drumbeat.yaml, or the file itself) in force.

    Its templates are the files of the folder `templates` beside it. The same configuration again changes nothing.
    """
    file = file_of(path)
    document, templates = read(file)
    if check:
        return _check(client, file, document, templates)
    try:
        applied = _put(client, document, templates)
    except Refusal as refusal:
        if "mistakes" not in refusal.problem:
            raise
        _show_mistakes(client, file, refusal.problem["mistakes"])
        return 1
    if client.json:
        print_json(applied)
    else:
        _show_warnings(file, applied["warnings"])
        _show(applied)
    return 0


def file_of(path: Path) -> Path:
    """Return the document's file: the path itself, or the one in that folder."""
    return path / DOCUMENT if path.is_dir() else path


def read(file: Path) -> tuple[str, dict[str, str]]:
    """Return the document and the templates beside it, by name. Raises click.ClickException."""
    folder = file.parent / TEMPLATES
    templates = sorted(folder.iterdir()) if folder.is_dir() else []
    return _text(file), {
        each.name: _text(each) for each in templates if each.is_file() and not each.name.startswith(".")
    }


def _put(client: Client, document: str, templates: dict[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {"document": document, "templates": templates}
    first: dict[str, Any] = client.ask("PUT", "/v1/config", body).body
    answer = first
    while answer["next"] is not None:  # many events were waiting for a configuration: one request for each part of them
        answer = client.ask("PUT", "/v1/config", {**body, "cursor": answer["next"]}).body
        first["rung"] += answer["rung"]
    return {**first, "next": None}


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise click.ClickException(f"{file}: {reason}. Nothing was sent; the version in force stays.") from None


def _check(client: Client, file: Path, document: str, templates: dict[str, str]) -> int:
    from drumbeat.configuration.document import compile_document

    warnings: list[Mistake] = []
    sandbox = urlsplit(client.url).hostname in LOCAL
    try:
        compile_document(
            document, templates, file=DOCUMENT, sandbox=sandbox, warn=warnings.append, now=datetime.now(UTC)
        )
    except ConfigError as error:
        _show_mistakes(client, file, _facts(error.mistakes))
        return 1
    facts = _facts(warnings)
    if client.json:
        print_json({"mistakes": [], "warnings": facts})
    else:
        _show_warnings(file, facts)
        show("no mistakes")
    return 0


def _facts(mistakes: Sequence[Mistake]) -> list[dict[str, Any]]:
    return [{"file": each.file, "line": each.line, "message": each.message} for each in mistakes]


def _show_warnings(file: Path, warnings: Sequence[dict[str, Any]]) -> None:
    for each in warnings:
        click.echo(f"{_path(file, each['file'])}:{each['line']}: warning: {each['message']}", err=True)


def _show_mistakes(client: Client, file: Path, mistakes: list[dict[str, Any]]) -> None:
    placed = [{**each, "file": str(_path(file, each["file"]))} for each in mistakes]
    if client.json:
        print_json({"mistakes": placed})
        return
    for each in placed:
        click.echo(f"{each['file']}:{each['line']}: {each['message']}", err=True)
    click.echo(f"{count(len(placed), 'mistake')}; nothing was stored, the version in force stays", err=True)


def _path(file: Path, name: str) -> Path:
    """Return the file's path as the person who typed the command knows it."""
    if name == DOCUMENT:
        return file
    return file.parent / name if name.startswith(f"{TEMPLATES}/") else file.parent / TEMPLATES / name


def _show(applied: dict[str, Any]) -> None:
    if applied["changed"]:
        show(f"configuration [bold]{applied['version']}[/] is in force")
    else:
        show(f"configuration [bold]{applied['version']}[/] is in force already; nothing changed")
    for noun in ("accounts", "sources", "flows", "campaigns", "templates"):
        if applied[noun]:
            show(f"  {noun:<10} {', '.join(applied[noun])}")
    for failure in applied["alarms"]["failed"]:
        show(f"[yellow]without a schedule in EventBridge Scheduler, so up to three minutes late:[/] {plain(failure)}")
    if applied["rung"]:
        show(f"{count(applied['rung'], 'waiting event')} tried with it now")

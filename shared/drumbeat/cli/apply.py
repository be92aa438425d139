"""`drumbeat apply`: check the configuration and make it the one in force."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from drumbeat.cli.client import Client, Refusal, with_client
from drumbeat.cli.output import count, plain, print_json, show
from drumbeat.configuration.differences import Difference, Written, differences
from drumbeat.core.errors import ConfigError, Mistake
from drumbeat.local.campaign_files import DOCUMENT, TEMPLATES, templates

NOTHING_STORED = "nothing was stored, the version in force stays"
LOCAL = ("127.0.0.1", "localhost")  # where accounts without a base URL call the sandbox


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path("campaigns"))
@click.option("--check", is_flag=True, help="Only check for mistakes, on this machine; nothing is sent.")
@click.option("--diff", is_flag=True, help="Only show what would change in the deployment; nothing is applied.")
@with_client
def command(client: Client, path: Path, check: bool, diff: bool) -> int:
    """Put the configuration of PATH (a folder with drumbeat.yaml, or the file itself) in force.

    Its templates are the files of the folder `templates` beside it. The same configuration again changes nothing.
    What changed is shown.
    """
    if check and diff:
        raise click.UsageError("--check asks no deployment and --diff does: give one of them")
    file = file_of(path)
    written = read(file)
    if check or diff:
        warnings = check_files(client, file, written)
        if warnings is None:
            return 1
        return _show_check(client, file, written, warnings) if check else _show_difference(client, written)
    before = None if client.json else _in_force(client, unless=(403, 404))
    try:
        applied = _put(client, written)
    except Refusal as refusal:
        if "mistakes" not in refusal.problem:
            raise
        _show_mistakes(client, file, refusal.problem["mistakes"])
        return 1
    if client.json:
        print_json(applied)
    else:
        _show_warnings(file, applied["warnings"])
        _show(applied, differences(before[1], written) if before else None)
    return 0


def file_of(path: Path) -> Path:
    """Return the document's file: the path itself, or the one in that folder. Raises click.BadParameter."""
    file = path / DOCUMENT if path.is_dir() else path
    if not file.exists():
        raise click.BadParameter(
            f"{file} does not exist in {Path.cwd()}. Go to the folder that holds your configuration, or name it:"
            f" a folder with {DOCUMENT}, or that file. Nothing was sent",
            param_hint="PATH",
        )
    return file


def read(file: Path) -> Written:
    """Return the document and the templates beside it, by name. Raises click.ClickException."""
    return Written(_text(file), {name: _text(each) for name, each in templates(file).items()})


def check_files(client: Client, file: Path, written: Written, outcome: str = NOTHING_STORED) -> list[Mistake] | None:
    """Check on this machine; return the warnings, or None after all mistakes were shown, and `outcome` behind them."""
    from drumbeat.configuration.document import compile_document

    warnings: list[Mistake] = []
    try:
        compile_document(
            written.document,
            written.templates,
            file=DOCUMENT,
            sandbox=_has_sandbox(client),
            warn=warnings.append,
            now=datetime.now(UTC),
        )
    except ConfigError as error:
        _show_mistakes(client, file, _facts(error.mistakes), outcome)
        return None
    return warnings


def _in_force(client: Client, *, unless: Collection[int] = (404,)) -> tuple[int, Written] | None:
    """Return the version in force and what it says; None when the answer has one of these statuses."""
    try:
        stored = client.get("/v1/config")
    except Refusal as refusal:
        if refusal.status in unless:
            return None
        raise
    return stored["version"], Written(stored["document"], stored["templates"])


def _put(client: Client, written: Written) -> dict[str, Any]:
    body: dict[str, Any] = {"document": written.document, "templates": written.templates}
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


def _show_check(client: Client, file: Path, written: Written, warnings: Sequence[Mistake]) -> int:
    if client.json:
        print_json({"mistakes": [], "warnings": _facts(warnings)})
        return 0
    _show_warnings(file, _facts(warnings))
    elsewhere = _without_sandbox(written) if _has_sandbox(client) else ()
    show("no mistakes for a local stack; AWS, where there is no sandbox, would refuse:" if elsewhere else "no mistakes")
    for each in elsewhere:
        click.echo(f"  {path_of(file, each.file)}:{each.line}: {each.message}")
    return 0


def _without_sandbox(written: Written) -> Sequence[Mistake]:
    """Return the mistakes that a document without mistakes has where no sandbox imitates the providers."""
    from drumbeat.configuration.document import compile_document

    try:
        compile_document(written.document, written.templates, file=DOCUMENT, sandbox=False)
    except ConfigError as error:
        return error.mistakes
    return ()


def _has_sandbox(client: Client) -> bool:
    return urlsplit(client.url).hostname in LOCAL


def _show_difference(client: Client, written: Written) -> int:
    """Show what applying would change; raises click.ClickException when the deployment does not say what it has."""
    version, before = _in_force(client) or (None, None)
    found = differences(before, written)
    if client.json:
        print_json({"version": version, "changes": [each.facts() for each in found]})
        return 0
    show(f"compared with configuration {version}, which is in force:" if version else "no configuration is in force:")
    _show_changes(found, same=before == written)
    show("nothing was applied")
    return 0


def _show_changes(found: Sequence[Difference], *, same: bool) -> None:
    for each in found:
        show(f"  {plain(each)}")
    if not found:
        show("  no difference" if same else "  comments and layout only")


def _facts(mistakes: Sequence[Mistake]) -> list[dict[str, Any]]:
    return [{"file": each.file, "line": each.line, "message": each.message} for each in mistakes]


def _show_warnings(file: Path, warnings: Sequence[dict[str, Any]]) -> None:
    for each in warnings:
        click.echo(f"{path_of(file, each['file'])}:{each['line']}: warning: {each['message']}", err=True)


def _show_mistakes(client: Client, file: Path, mistakes: list[dict[str, Any]], outcome: str = NOTHING_STORED) -> None:
    placed = [{**each, "file": str(path_of(file, each["file"]))} for each in mistakes]
    if client.json:
        print_json({"mistakes": placed})
        return
    for each in placed:
        click.echo(f"{each['file']}:{each['line']}: {each['message']}", err=True)
    click.echo(f"{count(len(placed), 'mistake')}; {outcome}", err=True)


def path_of(file: Path, name: str) -> Path:
    """Return the file's path as the person who typed the command knows it."""
    if name == DOCUMENT:
        return file
    return file.parent / name if name.startswith(f"{TEMPLATES}/") else file.parent / TEMPLATES / name


def _show(applied: dict[str, Any], changes: Sequence[Difference] | None) -> None:
    """Show what is in force now: what changed, or all its parts where it is the first or was in force before."""
    if applied["changed"]:
        show(f"configuration [bold]{applied['version']}[/] is in force")
    else:
        show(f"configuration [bold]{applied['version']}[/] is in force already; nothing changed")
    if applied["changed"] and changes is not None:
        _show_changes(changes, same=False)
    else:
        for noun in ("accounts", "lists", "audiences", "sources", "flows", "campaigns", "templates"):
            if applied.get(noun):  # a deployment of an earlier release names no lists
                show(f"  {noun:<10} {', '.join(applied[noun])}")
    for failure in applied["alarms"]["failed"]:
        show(f"[yellow]without a schedule in EventBridge Scheduler, so up to three minutes late:[/] {plain(failure)}")
    if applied["rung"]:
        show(f"{count(applied['rung'], 'waiting event')} tried with it now")

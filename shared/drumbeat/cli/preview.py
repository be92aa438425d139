"""`drumbeat preview`: fill a template on disk, and show what the mail would be."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import plain, print_json, show
from drumbeat.core.configuration import Template
from drumbeat.core.errors import Mistake
from drumbeat.core.suggestions import instead
from drumbeat.local.private import close_file, close_folder

if TYPE_CHECKING:
    from drumbeat.planning.sample_mails import SampleMail

FOLDER = Path(".drumbeat/preview")


@click.command()
@click.argument("name", metavar="TEMPLATE")
@click.option("--lead", "address", metavar="ADDRESS", help="Fill it with what the deployment knows of this person.")
@click.option(
    "--sample",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Fill it with a JSON or YAML file: lead, payload, list and so on.",
)
@click.option(
    "--config", type=click.Path(path_type=Path), default=Path("campaigns"), show_default=True, help="The folder."
)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help=f"Of the HTML.  [default: {FOLDER}/TEMPLATE.html]"
)
@click.option("--open", "opens", is_flag=True, help="Open the HTML in the browser.")
@with_client
def command(
    client: Client, name: str, address: str | None, sample: Path | None, config: Path, output: Path | None, opens: bool
) -> int:
    """Fill a TEMPLATE of the folder as it is on disk; nothing is applied, and nothing is sent.

    Without --lead and --sample it is filled with made-up values by the names of its fields. Only --lead asks a
    deployment.
    """
    if address is not None and sample is not None:
        raise click.UsageError("say --lead or --sample, not both")
    template, around = _read(config, name)
    given = around | (_sample(sample) if sample else {}) | ({"lead": _lead(client, address)} if address else {})
    made = _filled(template, given)
    file = _written(made, output or FOLDER / f"{name}.html")
    if client.json:
        print_json({**asdict(made), "file": file and str(file)})
    else:
        _show(made, file)
    if opens and file is not None:
        click.launch(str(file.resolve()))
    return 0


def _read(config: Path, name: str) -> tuple[Template, dict[str, Any]]:
    """Return the template, and what the document says that its texts see. Raises click.ClickException."""
    from drumbeat.cli.apply import file_of, path_of, read
    from drumbeat.configuration.template_files import FOLDER as TEMPLATES
    from drumbeat.configuration.template_files import read_templates

    file = file_of(config)
    written = read(file)
    templates, mistakes = read_templates(written.templates)
    if name not in templates:
        raise click.BadParameter(f"there is no template {name}; {instead(name, templates)}", param_hint="TEMPLATE")
    parts = [part for part, _ in templates[name].parts]
    own = {f"{TEMPLATES}/{each}" for each in [*parts, *(f"{name}.{kind}" for kind in ("mjml", "html", "txt"))]}
    if wrong := [mistake for mistake in mistakes if mistake.file in own]:
        lines = "\n".join(_line(path_of(file, mistake.file), mistake) for mistake in wrong)
        raise click.ClickException(f"it cannot be filled yet. Nothing was written\n{lines}")
    return templates[name], _around(written.document)


def _line(path: Path, mistake: Mistake) -> str:
    return f"{path}:{mistake.line}: {mistake.message}"


def _around(document: str) -> dict[str, Any]:
    """Return the sender's address and the first list of a document, as far as it can be read."""
    from drumbeat.configuration import yaml_lines

    data = yaml_lines.read(document, "").data
    whole = data if isinstance(data, dict) else {}
    found: dict[str, Any] = {}
    if isinstance(defaults := whole.get("defaults"), dict) and defaults.get("postal_address"):
        found["postal_address"] = defaults["postal_address"]
    if isinstance(lists := whole.get("lists"), dict) and lists:
        name, entry = next(iter(lists.items()))
        fields = entry if isinstance(entry, dict) else {}
        found["list"] = {"name": name, "title": fields.get("title", name), "description": fields.get("description", "")}
    return found


def _sample(file: Path) -> dict[str, Any]:
    """Read what a file gives in place of made-up values. Raises click.BadParameter."""
    from drumbeat.configuration import yaml_lines
    from drumbeat.planning.context import OF_RUNS, VARIABLES

    try:
        text = file.read_text("utf-8")
        data = json.loads(text) if file.suffix == ".json" else yaml_lines.read(text, file.name).data
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{file} cannot be read: {error}", param_hint="--sample") from None
    if not isinstance(data, dict):
        raise click.BadParameter(
            f'{file} must hold variables, like {{"lead": {{"name": "Ada"}}}}', param_hint="--sample"
        )
    known = {*VARIABLES, *OF_RUNS}
    if unknown := [name for name in data if name not in known]:
        raise click.BadParameter(
            f"a text sees no {unknown[0]}; {instead(str(unknown[0]), known)}", param_hint="--sample"
        )
    return data


def _lead(client: Client, address: str) -> dict[str, Any]:
    """Return what a deployment knows of a person, as a text sees it. Raises click.ClickException."""
    told = client.get(f"/v1/leads/{quote(quote(address, safe=''), safe='')}")
    return {each["name"]: each["value"] for each in told["attributes"]} | {"email": told["address"]}


def _filled(template: Template, given: Mapping[str, Any]) -> "SampleMail":
    from drumbeat.planning.arguments import Unusable
    from drumbeat.planning.sample_mails import sample_mail

    try:
        return sample_mail(template, given)
    except Unusable as error:
        raise click.ClickException(f"it cannot be filled with these values: {error}. Nothing was written") from None


def _written(made: "SampleMail", file: Path) -> Path | None:
    """Write the HTML where others cannot read it; None: the mail has none."""
    if made.html is None:
        return None
    if file.parent == FOLDER:
        close_folder(FOLDER)
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
    close_file(file).write_text(made.html, "utf-8")
    return file


def _show(made: "SampleMail", file: Path | None) -> None:
    show(f"[bold]{plain(made.subject) or '[yellow]no subject: the step has to give one[/]'}[/]")
    if made.preheader:
        show(f"[dim]{plain(made.preheader)}[/]")
    show("", *(plain(line) for line in (made.text or "").splitlines()), "")
    for each in made.checks:
        show(f"[{'green' if each.ok else 'yellow'}]{'ok  ' if each.ok else 'look'}[/] {each.name}: {plain(each.says)}")
    show(f"HTML: {plain(file)}" if file else "no HTML: the mail is its text alone")

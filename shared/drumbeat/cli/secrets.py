"""`drumbeat secrets`: store the secrets that the configuration names, see which are there, check them."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path

import click

from drumbeat.cli.apply import file_of, path_of, read
from drumbeat.cli.output import count, plain, print_json, show, table
from drumbeat.cli.secret_stores import LocalStore, RemoteStore, Store
from drumbeat.core import secret_references
from drumbeat.core.configuration import Config
from drumbeat.core.errors import ConfigError
from drumbeat.core.secret_references import Place, Variable
from drumbeat.local.campaign_files import DOCUMENT
from drumbeat.sources import registry as schemes
from drumbeat.sources.signature import Scheme

MOST_BYTES = 4096  # of a standard SSM parameter
ABSENT = "not there"


@dataclass(frozen=True, slots=True)
class Entry:
    """One secret that is used or there."""

    secret: str  # its reference, or where it lies if nothing uses it
    used_by: list[str]
    present: bool
    wrong: str | None = None  # only after a check
    note: str | None = None


def with_store(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the store of a stage on AWS, or of the local stack, and close it afterwards."""

    @click.option("--stage", callback=_stage, help="A stage on AWS.  [default: the local stack]")
    @click.option("--region", help="Of AWS.  [default: AWS_REGION, or your profile's]")
    @click.option(
        "--home", type=click.Path(path_type=Path, file_okay=False), default=".drumbeat", help="Of the local stack."
    )
    @wraps(command)
    def with_store(stage: str | None, region: str | None, home: Path, **options: object) -> int:
        store: Store = LocalStore(home) if stage is None else RemoteStore(stage, region)
        try:
            return command(store, **options)
        finally:
            store.close()

    return with_store


def _stage(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not secret_references.is_stage(value):
        raise click.BadParameter("a stage has up to 16 lower-case letters, digits and -, a letter first")
    return value


@click.group()
def command() -> None:
    """Store secrets by name; `secret:NAME` in the configuration is then the same in every stage.

    Without --stage that is the file secrets.env of the local stack; with it, the SSM parameter
    /drumbeat/<stage>/accounts/NAME. Values are never printed.
    """


@command.command("set")
@click.argument("name")
@click.argument("value", required=False)
@with_store
def set_(store: Store, name: str, value: str | None) -> int:
    """Store the secret NAME: its value is asked for (hidden), or comes by standard input."""
    if value is not None:
        raise click.UsageError(
            "a value on the command line stays in the shell's history, and other programs see it: leave it out and type"
            " it when asked, or pipe it. Nothing was stored; if it was a real one, change it at its provider."
        )
    name = name.removeprefix("secret:")  # as the configuration writes it
    if wrong := secret_references.problem(f"secret:{name}"):
        raise click.UsageError(f"{wrong}. Nothing was stored.")
    replaced = store.write(name, _fit(_typed(name)))
    what = "replaced the former value of" if replaced else "stored"
    show(f"{what} [bold]secret:{plain(name)}[/] in {plain(store.where)}")
    return 0


@command.command("list")
@click.argument("path", type=click.Path(path_type=Path), default=Path("campaigns"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
@with_store
def list_(store: Store, path: Path, as_json: bool) -> int:
    """Show which secrets there are, and what the configuration of PATH uses them for; never their values."""
    found = _entries(store, path)
    if as_json:
        facts = [{"secret": each.secret, "used_by": each.used_by, "present": each.present} for each in found]
        print_json({"where": store.where, "secrets": facts})
        return 0
    show(f"secrets in {plain(store.where)}")
    rows = [(plain(each.secret), "present" if each.present else "[bold red]missing[/]", _users(each)) for each in found]
    show(table(("secret", "", "used by"), rows) if rows else "none yet: `drumbeat secrets set NAME`")
    return 0


@command.command("check")
@click.argument("path", type=click.Path(path_type=Path), default=Path("campaigns"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
@with_store
def check_(store: Store, path: Path, as_json: bool) -> int:
    """Check that each secret that the configuration of PATH names is there and of use; exit 1 if one is not."""
    found = [each for each in _entries(store, path) if each.used_by]
    wrong = [each for each in found if each.wrong]
    if as_json:
        print_json({"where": store.where, "ok": not wrong, "secrets": [asdict(each) for each in found]})
        return 1 if wrong else 0
    for each in found:
        label, said = ("[bold red]FAIL[/]", each.wrong) if each.wrong else ("[green]ok  [/]", each.note)
        show(f"{label} {plain(each.secret)} ({_users(each)}){plain(f': {said}') if said else ''}")
    show(f"[bold]{count(len(wrong), 'secret')} to repair[/]" if wrong else f"{count(len(found), 'secret')}, all there")
    return 1 if wrong else 0


# ---------------------------------------------------------------- what is typed


def _typed(name: str) -> str:
    """Return what is typed, or all of standard input. Raises click.ClickException."""
    if sys.stdin.isatty():
        return str(click.prompt(f"{name} (hidden)", hide_input=True, default="", show_default=False))
    try:
        return sys.stdin.buffer.read(2 * MOST_BYTES).decode()
    except UnicodeDecodeError:
        raise click.ClickException("the value is not text in UTF-8; nothing was stored") from None


def _fit(value: str) -> str:
    """Return the value without the line break that `echo` and editors add. Raises click.ClickException."""
    value = value.strip()
    if not value:
        raise click.ClickException("the value is empty; nothing was stored, and what was there before stays")
    if wrong := _unfit(value):
        raise click.ClickException(f"the value {wrong}; nothing was stored")
    return value


def _unfit(value: str) -> str | None:
    if not value.strip():
        return "is empty"
    if value != value.strip():
        return "has a space or a line break at its beginning or end"
    if not value.isprintable():
        return "is more than one line of printable characters"
    return f"has more than {MOST_BYTES} bytes" if len(value.encode()) > MOST_BYTES else None


# ---------------------------------------------------------------- what the configuration names


def _entries(store: Store, path: Path) -> list[Entry]:
    """Return the secrets that the configuration names, then those that are there and that it does not name."""
    config = _config(path, sandbox=store.local)
    users: dict[str, list[str]] = {}
    for owner, reference in config.references():
        users.setdefault(reference, []).append(owner)
    sandboxed = tuple(f"account {each.name}, " for each in config.accounts.values() if "base_url" not in each.settings)
    webhooks = [each for each in config.sources.values() if each.door == "webhook"]
    signers = {f"source {each.name}": schemes.get(each.scheme) for each in webhooks}
    found = [_named(store, reference, owners, sandboxed, signers) for reference, owners in users.items()]
    named = {secret_references.place(each, stage=store.stage, local=store.local) for each in users}
    return found + [Entry(_called(place), [], present=True) for place in store.stored() if place not in named]


def _named(
    store: Store, reference: str, owners: list[str], sandboxed: tuple[str, ...], signers: Mapping[str, Scheme]
) -> Entry:
    place = secret_references.place(reference, stage=store.stage, local=store.local)
    if place is None or (store.local and not isinstance(place, Variable)):
        nowhere = "leads nowhere here; write secret:NAME, which is the same in every stage"
        return Entry(reference, owners, present=False, wrong=nowhere)
    value = store.value(place)
    if value is None and store.local and all(owner.startswith(sandboxed) for owner in owners):
        return Entry(reference, owners, present=False, note="not there; the sandbox takes any")
    wrong = ABSENT if value is None else _problem(value, owners, signers)
    if wrong and reference.startswith("secret:"):
        stage = "" if store.local else f" --stage {store.stage}"
        wrong += f"; store it with `drumbeat secrets set {reference.removeprefix('secret:')}{stage}`"
    return Entry(reference, owners, present=value is not None, wrong=wrong)


def _problem(value: str, owners: list[str], signers: Mapping[str, Scheme]) -> str | None:
    """Return what is wrong with a value: what sources verify with is judged by their schemes, as `doctor` does."""
    found = (signers[owner].secret_problem(value) if owner in signers else _unfit(value) for owner in owners)
    return next((wrong for wrong in found if wrong), None)


def _called(place: Place) -> str:
    return place.name if isinstance(place, Variable) else f"secret:{place.path.partition('/accounts/')[2]}"


def _config(path: Path, *, sandbox: bool) -> Config:
    from drumbeat.configuration.document import compile_document

    file = file_of(path)
    written = read(file)
    try:
        return Config.load(0, compile_document(written.document, written.templates, file=DOCUMENT, sandbox=sandbox))
    except ConfigError as error:
        named = [f"{path_of(file, each.file)}:{each.line}: {each.message}" for each in error.mistakes]
        where = "" if sandbox else " for AWS, where there is no sandbox"
        summary = f"{count(len(named), 'mistake')}{where}; nothing was changed"
        raise click.ClickException("\n".join([*named, summary])) from None


def _users(entry: Entry) -> str:
    return plain("; ".join(entry.used_by)) if entry.used_by else "[dim]nothing[/]"

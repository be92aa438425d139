"""`drumbeat init`: prepare an AWS account for a deployment: write the parameters that its functions read."""

import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence

import click

from drumbeat.cli.checks import Check, print_checks
from drumbeat.cli.output import plain, print_json, show
from drumbeat.cli.parameters import APPLICATION, MASTER, OWNER, PARAMETERS, REDIS, Parameter, ParameterStore
from drumbeat.cli.urls import (
    reach_postgres,
    reach_redis,
    redis_server,
    written_postgres,
    written_redis,
    written_together,
)
from drumbeat.ledger.database import address

STAGE = re.compile(r"[a-z][a-z0-9-]{0,15}")  # as the template wants it
CONFIGURED = ("dev", "prod")  # the stages that samconfig.toml knows
MASTER_BYTES = 32

WRITTEN: Mapping[Parameter, Callable[[str], str | None]] = {
    OWNER: lambda url: written_postgres(url, owner=True),
    APPLICATION: lambda url: written_postgres(url, owner=False),
    REDIS: written_redis,
    MASTER: lambda text: None if len(text) >= MASTER_BYTES else f"it is shorter than {MASTER_BYTES} characters",
}


@click.group()
def command() -> None:
    """Prepare a deployment."""


def _stage(_: click.Context, __: click.Parameter, value: str) -> str:
    if not STAGE.fullmatch(value):
        raise click.BadParameter("a stage has up to 16 lower-case letters, digits and -, a letter first")
    return value


@command.command()
@click.option("--stage", default="prod", show_default=True, callback=_stage, help="Names the installation.")
@click.option("--region", help="Of AWS.  [default: AWS_REGION, or your profile's]")
@click.option("--from-env", is_flag=True, help=f"Ask nothing: read {', '.join(each.variable for each in PARAMETERS)}.")
@click.option("--overwrite", is_flag=True, help="With --from-env: replace URLs that are there already.")
@click.option(
    "--no-connect", is_flag=True, help="Do not connect to the servers: they cannot be reached from here (a VPC)."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def aws(stage: str, region: str | None, from_env: bool, overwrite: bool, no_connect: bool, as_json: bool) -> int:
    """Write the SSM parameters of a stage, and say what to do next.

    Asks for two Postgres URLs and a Redis URL, tries them, and generates the master secret. An existing value is
    replaced only when you say so; the master secret never.
    """
    store = ParameterStore(stage, region)
    try:
        known = {each: store.read(each) for each in PARAMETERS}
        if not as_json:
            show(f"[bold]parameters of stage {stage}[/] in {store.region}, each a SecureString")
        wanted = _from_env(known, overwrite) if from_env else _prompted(known, stage)
        if not no_connect and not _reachable(wanted, ask=not from_env, quiet=as_json):
            raise click.ClickException(
                "nothing was written. Correct it and run this again; --no-connect skips these checks"
            )
        warnings = _shared(store, wanted)
        if warnings and not as_json:
            show("", *(f"[yellow]note[/] {plain(each)}" for each in warnings))
        changed = {each: value for each, value in wanted.items() if value != known[each]}
        for each, value in changed.items():
            store.write(each, value, replace=known[each] is not None)
    finally:
        store.close()
    _show(store, changed, warnings, as_json=as_json)
    return 0


# ---------------------------------------------------------------- where the values come from


def _prompted(known: Mapping[Parameter, str | None], stage: str) -> dict[Parameter, str]:
    """Ask for each value, and again while it is not valid."""
    wanted: dict[Parameter, str] = {}
    for each in (OWNER, APPLICATION, REDIS):
        show("", f"[bold]{each.path(stage)}[/]", f"  {each.purpose}")
        there = known[each]
        if there is not None and not click.confirm("  It is there already. Replace it?", default=False):
            wanted[each] = there
            continue
        while True:
            value = click.prompt("  URL (hidden)", hide_input=True).strip()
            wrong = _wrong({**wanted, each: value}, each)
            if wrong is None:
                break
            show(f"  [bold red]no:[/] {plain(wrong)}")
        wanted[each] = value
    show("", f"[bold]{MASTER.path(stage)}[/]", f"  {MASTER.purpose}")
    wanted[MASTER] = known[MASTER] or secrets.token_urlsafe(MASTER_BYTES)
    show("  it is there already and stays" if known[MASTER] else "  generated")
    return wanted


def _from_env(known: Mapping[Parameter, str | None], overwrite: bool) -> dict[Parameter, str]:
    """Read each value from the environment; what is not there stays as it is known."""
    wanted: dict[Parameter, str] = {}
    wrong: list[str] = []
    for each in PARAMETERS:
        given, there = os.environ.get(each.variable, "").strip(), known[each]
        value = given or there or (secrets.token_urlsafe(MASTER_BYTES) if each is MASTER else "")
        if not value:
            wrong.append(f"{each.variable} is not set")
            continue
        wanted[each] = value
        if why := _wrong(wanted, each):
            wrong.append(f"{each.variable}: {why}")
        elif there not in (None, value) and each is MASTER:
            wrong.append(
                f"{each.variable}: another secret is in force; with a new one every API key stops working and every"
                " suppression is lost. Delete the parameter yourself if that is what you want"
            )
        elif there not in (None, value) and not overwrite:
            wrong.append(f"{each.variable}: another value is there already; --overwrite replaces it")
    if wrong:
        raise click.ClickException("; ".join(wrong) + ". Nothing was written.")
    return wanted


def _wrong(values: Mapping[Parameter, str], newest: Parameter) -> str | None:
    """Say what is wrong with the newest of the values, by itself or beside the others."""
    why = WRITTEN[newest](values[newest])
    if why is None and newest is APPLICATION and OWNER in values:
        return written_together(values[OWNER], values[APPLICATION])
    return why


# ---------------------------------------------------------------- other stages, connecting, and the result


def _shared(store: ParameterStore, wanted: Mapping[Parameter, str]) -> list[str]:
    """Say with which other stages this one shares a database or a Redis."""
    try:
        others = store.elsewhere((OWNER, APPLICATION, REDIS))
    except click.ClickException as error:
        return [f"whether another stage uses these servers is not known: {error.message}"]
    return [words for stage, theirs in others.items() for words in shared_with(stage, wanted, theirs)]


def shared_with(stage: str, ours: Mapping[Parameter, str], theirs: Mapping[Parameter, str]) -> Iterator[str]:
    """Say what two stages share."""
    if _databases(ours) & _databases(theirs):
        yield (
            f"stage {stage} has the same database. Two stages must not work on one ledger: each replaces the other's"
            " configuration, and neither knows the other's API keys and suppressions. Give one of them another database"
        )
    if REDIS in theirs and redis_server(ours[REDIS]) == redis_server(theirs[REDIS]):
        yield (
            f"stage {stage} uses the same Redis. Their keys are apart, so that is safe; the limits of an account are"
            " counted for each stage, so a provider that both call meets the sum"
        )


def _databases(values: Mapping[Parameter, str]) -> set[str]:
    return {address(values[each]) for each in (OWNER, APPLICATION) if each in values} - {""}


def _reachable(wanted: Mapping[Parameter, str], *, ask: bool, quiet: bool) -> bool:
    """Connect to the servers; True when that works, or when the person wants the URLs written all the same."""
    if not quiet:
        show("", "connecting to the servers")
    checks: list[Check] = [*reach_postgres(wanted[OWNER], wanted[APPLICATION]), *reach_redis(wanted[REDIS])]
    wrong = [each for each in checks if not each["ok"]]
    if quiet:
        if wrong:
            raise click.ClickException(
                "; ".join(f"{e['name']}: {e['detail']}" for e in wrong) + ". Nothing was written."
            )
        return True
    print_checks(checks)
    return not wrong or (ask and click.confirm("Write them all the same?", default=False))


def _show(store: ParameterStore, changed: Mapping[Parameter, str], warnings: Sequence[str], *, as_json: bool) -> None:
    following = _following(store.stage, store.region)
    if as_json:
        done = {each.path(store.stage): "written" if each in changed else "unchanged" for each in PARAMETERS}
        print_json({"region": store.region, "parameters": done, "shared": warnings, "next": following})
        return
    show("")
    for each in PARAMETERS:
        show(f"{'[green]written  [/]' if each in changed else '[dim]unchanged[/]'} {each.path(store.stage)}")
    if MASTER in changed:
        show("Keep a copy of the master secret where it survives this account:")
        show(f"  aws ssm get-parameter --region {store.region} --with-decryption --name {MASTER.path(store.stage)}")
    show("", "next:")
    for line in following:
        click.echo(f"  {line}")


def _following(stage: str, region: str) -> list[str]:
    """Return what to do next: see which secrets are missing, and the two commands that deploy; none asks anything."""
    which = "" if stage == CONFIGURED[0] else f" --config-env {stage}"
    if stage not in CONFIGURED:  # as samconfig.toml has it for stage dev, under another name
        which = f" --stack-name drumbeat-{stage} --parameter-overrides Stage={stage}"
    check = f"drumbeat secrets check campaigns --stage {stage} --region {region}"
    return [check, "sam build", f"sam deploy --region {region}{which}"]

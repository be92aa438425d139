"""`drumbeat cloud`: deploy the template into an emulated AWS account on this machine, until Ctrl-C."""

import sys
from pathlib import Path

import click

from drumbeat.cli.dev import DEFAULT_CONFIG, checked


@click.command("cloud")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Where the account's APIs answer.  [default: one that is free]"
)
@click.option(
    "--home", type=click.Path(path_type=Path), default=".drumbeat/cloud", show_default=True, help="Data and logs."
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help=f"Configuration to apply at the start.  [default: {DEFAULT_CONFIG}, when it exists]",
)
def command(port: int | None, home: Path, config: Path | None) -> None:
    """Deploy the template into an emulated AWS account on this machine.

    Builds with `sam build` and deploys with `sam deploy`, as to AWS, with every role's permissions enforced; beside it
    run Postgres, Valkey and the provider sandbox. It is faithful, not fast: `drumbeat dev` is for everyday work. When
    ready, one line of JSON on standard output says where: url, api_key, sandbox_url, aws_endpoint_url. Ctrl-C stops
    it; the ledger is there again at the next start.
    """
    from drumbeat.local.cloud.stack import Cloud, Options
    from drumbeat.local.supervisor import run

    file = checked(config)
    sys.exit(run(lambda: Cloud(Options(home, port)), file))

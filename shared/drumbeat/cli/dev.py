"""`drumbeat dev`: run everything on this machine, until Ctrl-C."""

import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import override

import click

from drumbeat.cli.apply import check_files, file_of, read
from drumbeat.cli.client import URL, Client

DEFAULT_CONFIG = Path("campaigns/drumbeat.yaml")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Shift(click.ParamType[timedelta]):
    """A shift of the clock: +3d, -2h, 0s."""

    name = "shift"

    @override
    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read it; anything else is bad usage."""
        match = re.fullmatch(r"([+-]?\d+)([smhd])", value)
        if match is None:
            self.fail(f"{value!r} is not a shift; write something like +3d, -2h or 0s", param, ctx)
        return timedelta(**{UNITS[match[2]]: int(match[1])})


@click.command("dev")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8787, show_default=True, help="Where the HTTP API answers."
)
@click.option("--home", type=click.Path(path_type=Path), default=".drumbeat", show_default=True, help="Data and logs.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help=f"Configuration to apply at the start.  [default: {DEFAULT_CONFIG}, when it exists]",
)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Worker processes.")
@click.option("--test-door", is_flag=True, help="Let a request set its clock with `Drumbeat-Now: <unix seconds>`.")
@click.option("--clock", type=Shift(), help="Shift the ledger's clock, such as +3d; it stays shifted.")
@click.option("--relay-every", type=click.FloatRange(0.1), help="Seconds between runs of the relay.")
@click.option("--telemetry", is_flag=True, help="Write traces to telemetry/traces.jsonl below --home.")
def command(
    port: int,
    home: Path,
    config: Path | None,
    workers: int,
    test_door: bool,
    clock: timedelta | None,
    relay_every: float | None,
    telemetry: bool,
) -> None:
    """Run everything on this machine.

    When ready, one line of JSON on standard output says where: url, api_key, sandbox_url. DATABASE_URL, REDIS_URL and
    SQS_ENDPOINT_URL in the environment replace the embedded servers; stacks may share all but the database. A change of
    the configuration is applied when its files are saved. CALL_SECONDS and LEASE_SECONDS say how long a call to a
    provider may take (10) and how long a worker that died holds what it claimed (45); OTEL_EXPORTER_OTLP_ENDPOINT, with
    OpenTelemetry's other variables, is where traces go. Ctrl-C stops it; what it recorded is kept for the next start.
    """
    from drumbeat.local.stack import Options, Stack
    from drumbeat.local.supervisor import run

    file = checked(config)
    options = Options(home, port, workers, test_door, clock, relay_every, telemetry)
    sys.exit(run(lambda: Stack(options), file))


def checked(config: Path | None) -> Path | None:
    """Return the configuration to start with, in which no mistake was found; None: there is none in this folder.

    Raises click.ClickException, or ends with exit code 1 after each mistake was shown.
    """
    if config is None and not DEFAULT_CONFIG.exists():
        click.echo(
            f"drumbeat: {Path.cwd()} has no {DEFAULT_CONFIG}: events are recorded and wait for `drumbeat apply`",
            err=True,
        )
        return None
    file = file_of(config or DEFAULT_CONFIG)
    if check_files(Client(URL, None, json=False), file, read(file), "nothing was started") is None:
        raise click.exceptions.Exit(1)
    return file

"""`drumbeat dev`: run everything on this machine, until Ctrl-C."""

import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import override

import click

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
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"Configuration to apply at the start.  [default: {DEFAULT_CONFIG}, when it exists]",
)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Worker processes.")
@click.option("--test-door", is_flag=True, help="Let a request set its clock with `Drumbeat-Now: <unix seconds>`.")
@click.option("--clock", type=Shift(), help="Shift the ledger's clock, such as +3d; it stays shifted.")
@click.option("--relay-every", type=click.FloatRange(0.1), help="Seconds between runs of the relay.")
def command(
    port: int,
    home: Path,
    config: Path | None,
    workers: int,
    test_door: bool,
    clock: timedelta | None,
    relay_every: float | None,
) -> None:
    """Run everything on this machine.

    When ready, one line of JSON on standard output says where: url, api_key, sandbox_url. DATABASE_URL, REDIS_URL and
    SQS_ENDPOINT_URL in the environment replace the embedded servers; stacks may share all but the database. Ctrl-C
    stops it; what it recorded is kept for the next start.
    """
    from drumbeat.local.stack import Options, Stack
    from drumbeat.local.supervisor import run

    if config is not None and not config.exists():
        raise click.BadParameter(f"{config} does not exist", param_hint="--config")
    if config is None and DEFAULT_CONFIG.exists():
        config = DEFAULT_CONFIG
    options = Options(home, port, workers, test_door, clock, relay_every)
    sys.exit(run(lambda: Stack(options), config))

"""`drumbeat`: the command line. Each command is a file of this folder, imported only when it is used.

The file of `drumbeat keys` is `keys.py`: it defines `command`, and its first line says what the command does. Exit
codes: 0 done, 1 failed, 2 the command was used wrongly.
"""

import errno
import os
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import cast, override

import click

from drumbeat.core.errors import DrumbeatError
from drumbeat.core.suggestions import instead

HERE = Path(__file__).parent
# Why an output cannot be written. Such an error names no file; one of a file that cannot be opened does.
_NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE)


@dataclass(frozen=True)
class Target:
    """The deployment that a command calls, and how it prints."""

    url: str
    key: str | None
    json: bool


class Commands(click.Group):
    """A group whose commands are found by name among the files beside this one."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all commands."""
        names = (file.stem.replace("_", "-") for file in HERE.glob("*.py"))
        return sorted(name for name in names if summary(name) is not None)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; None when no command has that name."""
        if summary(cmd_name) is None:
            return None
        return cast("click.Command", import_module(f"drumbeat.cli.{cmd_name.replace('-', '_')}").command)

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for a name that there is not, say which was meant."""
        if args and not args[0].startswith("-") and summary(args[0]) is None:
            ctx.fail(f"there is no command {args[0]}; {instead(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary(name) or "") for name in self.list_commands(ctx)])


@click.command(cls=Commands, epilog="Begin with `drumbeat dev`: it starts everything on this machine and says where.")
@click.option("--url", envvar="DRUMBEAT_URL", help="The deployment.  [default: http://127.0.0.1:8787]")
@click.option("--key", envvar="DRUMBEAT_KEY", help="API key; better in the environment than on the command line.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of tables for people.")
@click.version_option(package_name="drumbeat")
@click.pass_context
def cli(ctx: click.Context, url: str | None, key: str | None, as_json: bool) -> None:
    """Record every marketing event once, carry out every intended action once, and show why."""
    ctx.obj = Target(url or "http://127.0.0.1:8787", key, as_json)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0, 1 or 2."""
    try:
        _check(sys.argv[1:] if arguments is None else arguments)
        result = cli.main(arguments, prog_name="drumbeat", standalone_mode=False)
        _flush()
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(1)
    except DrumbeatError as error:
        click.echo(f"drumbeat: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        if error.filename is not None or error.errno not in _NOT_WRITTEN:
            raise
        _write_no_more()
        if error.errno != errno.EPIPE:  # who reads it has seen enough
            click.echo(
                f"drumbeat: its output cannot be written: {error.strerror}. What it shows is not complete; what the"
                " deployment recorded is safe. Write it elsewhere, and look before you repeat a change",
                err=True,
            )
        sys.exit(1)
    sys.exit(result if isinstance(result, int) else 0)


def _write_no_more() -> None:
    """Let what is left of the output go nowhere: Python writes it at the exit, and would fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _flush() -> None:
    if sys.stdout is not None:  # it was closed before we began: nothing can be shown, and nothing fails
        sys.stdout.flush()


def _check(arguments: list[str]) -> None:
    """Raises click.UsageError for what no name, key or path of ours can be."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise click.UsageError(f"{argument!r} is not UTF-8. Nothing was changed.") from None


def summary(name: str) -> str | None:
    """Return what a command does, as the first line of its file says; None: there is no such command."""
    file = HERE / f"{name.replace('-', '_')}.py"
    if not file.is_file():
        return None
    with file.open(encoding="utf-8") as lines:
        title, found, rest = lines.readline().partition(f"`drumbeat {name}`: ")
    return rest.strip().removesuffix('"""') if found and title == '"""' else None


if __name__ == "__main__":
    main()

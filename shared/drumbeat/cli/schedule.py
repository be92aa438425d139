"""`drumbeat schedule`: when a schedule fires, computed here; no deployment is called."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import override

import click

from drumbeat.calendar import DAYS, EPOCH, Calendar, Occurrence, OnGap, zone
from drumbeat.cli.output import plain, print_json, show, table

SPAN = timedelta(days=30)


class Day(click.ParamType[date]):
    """A local date."""

    name = "date"

    @override
    def convert(self, value: str | date, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read it; anything else is bad usage."""
        try:
            day = value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date such as 2026-03-01", param, ctx)
        first, last = DAYS
        if not first <= day <= last:
            self.fail(f"{day} is not between {first} and {last}", param, ctx)
        return day


class Instant(click.ParamType[datetime]):
    """An instant with its offset."""

    name = "instant"

    @override
    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it; anything else is bad usage."""
        try:
            read = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except ValueError:
            read = None
        if read is None or read.tzinfo is None:
            self.fail(f"{value!r} is not an instant such as 2026-03-01T12:00:00Z", param, ctx)
        first, last = DAYS
        if not first <= read.date() <= last:
            self.fail(f"{value!r} is not between {first} and {last}", param, ctx)
        return read.astimezone(UTC)


@click.group()
def command() -> None:
    """Work with schedules, offline."""


@command.command()
@click.option("--expression", help="Such as 'cron(30 2 * * ? *)', 'rate(1 day)' or 'at(2030-01-31T09:00:00)'.")
@click.option("--timezone", help="Such as America/New_York.  [default: UTC]")
@click.option(
    "--on-gap", type=click.Choice([each.value for each in OnGap]), help="For a local time that does not exist."
)
@click.option("--campaign", help="Take all of this from a campaign of the configuration; options win.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path("campaigns"),
    show_default=True,
    help="Where the campaign is configured.",
)
@click.option("--from", "first", type=Day(), help="The first local date.  [default: today]")
@click.option("--to", "last", type=Day(), help=f"The last local date, inclusive.  [default: {SPAN.days} days on]")
@click.option(
    "--start", type=Instant(), default=EPOCH, help="What a rate counts from.  [default: 1970, as campaigns do]"
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
@click.pass_context
def preview(
    context: click.Context,
    expression: str | None,
    timezone: str | None,
    on_gap: str | None,
    campaign: str | None,
    config: Path,
    first: date | None,
    last: date | None,
    start: datetime,
    as_json: bool,
) -> None:
    """List when a schedule fires, from one local date to another.

    A local time that comes twice fires the first time. One that does not exist fires at the end of the gap (shift, the
    default), or not at all on that day (skip). Of a campaign that people have at their own local time these are the
    instants of its fallback zone; --timezone shows those of another.
    """
    if campaign is not None:
        written = _campaign(config, campaign)
        expression, on_gap = expression or written[0], on_gap or written[2]
        timezone = written[1] if timezone is None else timezone
    if expression is None:
        raise click.UsageError("say which --expression or --campaign")
    timezone = "UTC" if timezone is None else timezone
    calendar = _calendar(expression, timezone, on_gap or OnGap.SHIFT, start)
    first = first or datetime.now(zone(timezone)).date()
    last = last or min(first + SPAN, DAYS[1])
    if last < first:
        raise click.BadParameter("lies before --from", param_hint="--to")
    found = calendar.on(first, last)
    if as_json or bool(getattr(context.find_root().obj, "json", False)):
        print_json([_facts(each) for each in found if each.at is not None])
    else:
        _show(found)


def _calendar(expression: str, timezone: str, on_gap: str, start: datetime) -> Calendar:
    try:
        return Calendar(expression, timezone, on_gap, start=start)
    except LookupError as error:
        raise click.BadParameter(str(error.args[0]), param_hint="--timezone") from None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--expression") from None


def _campaign(config: Path, name: str) -> tuple[str, str, str]:
    from drumbeat.cli.apply import file_of, read
    from drumbeat.configuration.document import compile_document
    from drumbeat.core.campaigns import campaign

    if not config.exists():
        raise click.BadParameter(f"{config} does not exist", param_hint="--config")
    written = read(file_of(config))
    campaigns = compile_document(written.document, written.templates)["campaigns"]
    if name not in campaigns:
        known = ", ".join(sorted(campaigns)) or "none"
        raise click.BadParameter(f"{name} is not a campaign of {config}; there are: {known}", param_hint="--campaign")
    found = campaign(name, campaigns[name])
    if found.schedule is None:
        raise click.BadParameter(f"{name} has no schedule: it starts by hand", param_hint="--campaign")
    return found.schedule, found.home_zone, found.on_gap


def _facts(occurrence: Occurrence) -> dict[str, str | None]:
    assert occurrence.at is not None and occurrence.local is not None
    return {
        "utc": f"{occurrence.at:%Y-%m-%dT%H:%M:%SZ}",
        "local": occurrence.local.isoformat(),
        "note": occurrence.note,
    }


def _show(found: Iterable[Occurrence]) -> None:
    rows = [
        (
            f"{each.local:%a %Y-%m-%d %H:%M:%S %:z}" if each.local else f"[dim]{each.wall:%a %Y-%m-%d} –[/]",
            f"{each.at:%Y-%m-%d %H:%M:%SZ}" if each.at else "",
            f"[yellow]{plain(each.note)}[/]" if each.note else "",
        )
        for each in found
    ]
    show(table(("local", "utc", "note"), rows) if rows else "it does not fire on these days")

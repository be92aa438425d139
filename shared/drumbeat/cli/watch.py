"""`drumbeat watch`: follow what happens, a line for each change of status."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from drumbeat.cli.client import Client, may_pass, with_client
from drumbeat.cli.instants import INSTANT
from drumbeat.cli.listing import SHORT_ID, line_width, reason
from drumbeat.cli.output import COLOURS, visible

POLL_SECONDS = 1.0
CALM_POLL_SECONDS = 5.0  # once nothing has happened for a minute
CALM_SECONDS = 60.0
SHARE = 10.0  # the deployment is asked again after so many times what its answer took
IDLE_SECONDS = 600.0
PAGE_SIZE = 200
# What a change to `waiting` is called, by the status before.
MOVES = {
    None: "planned",
    "claimed": "put back",
    "sending": "put back",
    "unknown": "again",
    "held": "resent",
    "refused": "redriven",
    "cancelled": "redriven",
}
WHAT, ACCOUNT, RECIPIENT = 9, 10, 20  # columns, of a line of 80
NARROWEST = 30


@click.command()
@click.option("--since", type=INSTANT, help="Begin with what happened since: 30m, 2h, 3d, or ISO 8601.  [default: now]")
@click.option("--account", help="Only of this account.")
@click.option("--event", "--run", help="Only of the event or run with this id, or whose id begins so.")
@click.option("--all", "every", is_flag=True, help="Also each step of a worker: claimed, sending, put back.")
@click.option("--forever", is_flag=True, help="Go on when nothing has happened for ten minutes.")
@with_client
def command(
    client: Client, since: str | None, account: str | None, event: str | None, *, every: bool, forever: bool
) -> None:
    """Follow what happens until Ctrl-C: when (UTC), to which effect, what, its account, for whom, and why.

    It asks the database, which cannot suspend itself meanwhile: after ten minutes in which nothing happens it ends.
    """
    query = {"account": account, "event": event, "every": "true" if every else None}
    watch = Watch(client, query, None if forever else IDLE_SECONDS)
    try:
        watch.follow(since)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(0) from None


@dataclass
class Watch:
    """One person who follows the journal, and where they stand."""

    client: Client
    query: Mapping[str, object]
    idle_seconds: float | None
    cursor: str | None = None
    stops: Sequence[Mapping[str, Any]] = ()
    away: bool = False
    day: str = ""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def follow(self, since: str | None) -> None:
        """Print what happens until there was nothing for long. Raises click.ClickException where asking is no use."""
        if not self.client.json:
            click.echo("following; Ctrl-C ends it", err=True)
        quiet_since = self.clock()
        while True:
            begun = self.clock()
            page = self._asked(since)
            for item in page["items"] if page else ():
                self._print(item)
            if page:
                self._say_stops(page.get("stops", ()))  # an older deployment does not say
            if page and page["items"]:
                quiet_since = self.clock()
            if page and page["behind"]:
                continue
            quiet = self.clock() - quiet_since
            if self.idle_seconds is not None and quiet >= self.idle_seconds:
                click.echo(
                    "nothing happened for ten minutes, so this ended: a database that suspends itself can do so now. To"
                    " go on through that: drumbeat watch --forever",
                    err=True,
                )
                return
            least = POLL_SECONDS if quiet < CALM_SECONDS else CALM_POLL_SECONDS
            self.sleep(max(least, (self.clock() - begun) * SHARE) if page else CALM_POLL_SECONDS)

    def _asked(self, since: str | None) -> dict[str, Any] | None:
        """Return the next page; None: the deployment is away, which is said once."""
        place = {"since": since} if self.cursor is None else {"after": self.cursor}
        try:
            page: dict[str, Any] = self.client.get("/v1/journal", **place, **self.query, limit=PAGE_SIZE)
        except click.ClickException as error:
            if self.cursor is None or not may_pass(error):
                raise
            if not self.away:
                click.echo(f"{error.message}. Asking again; nothing will be missed", err=True)
            self.away = True
            return None
        if self.away:
            click.echo("it answers again", err=True)
        self.away, self.cursor = False, page["next"]
        return page

    def _say_stops(self, stops: Sequence[Mapping[str, Any]]) -> None:
        """Say what was stopped and what goes on since the page before; at first what is stopped."""
        mine = [stop for stop in stops if stop["account"] in (None, self.query.get("account") or stop["account"])]
        for stop in self.stops:
            if stop not in mine:
                what = visible(stop["account"] or "everything")
                stands = any(stop["account"] is None or each["account"] in (None, stop["account"]) for each in mine)
                click.echo(f"a stop of {what} was lifted" if stands else f"{what} goes on", err=True)
        for stop in mine:
            if stop not in self.stops:
                click.echo(
                    f"{visible(stop['account'] or 'everything')} is stopped by {visible(stop['actor'])}:"
                    f" {visible(stop['reason'])}. Nothing is lost; `drumbeat resume --help` says how it goes on",
                    err=True,
                )
        self.stops = mine

    def _print(self, item: Mapping[str, Any]) -> None:
        if self.client.json:
            click.echo(json.dumps(item))
            return
        at = datetime.fromisoformat(item["at"]).astimezone(UTC)
        console = Console(highlight=False, emoji=False, width=max(line_width(), NARROWEST))
        if (day := f"{at:%Y-%m-%d}") != self.day:
            console.print(Text(day, style="dim"))
            self.day = day
        console.print(line(item, at, console.width), no_wrap=True, overflow="ellipsis", crop=True)


def line(item: Mapping[str, Any], at: datetime, width: int) -> Text:
    """Lay out one change of status."""
    status = str(item["toStatus"])
    what = MOVES.get(item["fromStatus"], status) if status == "waiting" else status
    wider = max(width - 80, 0) // 3
    made = Text(f"{at:%H:%M:%S} {item['effectId'][:SHORT_ID]}  ")
    made.append(_cut(what, WHAT), style=COLOURS.get(status, "default"))
    made.append(
        f"  {_cut(item['account'], ACCOUNT + wider // 3)}  {_cut(item['recipient'] or '', RECIPIENT + wider)}  "
    )
    made.append(visible(reason(item) or f"{item['flow']}.{item['step']}"))
    made.truncate(width, overflow="ellipsis")
    return made


def _cut(text: str, width: int) -> str:
    text = visible(text)
    return set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"

"""`drumbeat cost`: what a month costs, line by line, for each choice of database."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import click
from rich.table import Table

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count, print_json, show, table
from drumbeat.operations import cost
from drumbeat.operations.cost import Line, Load
from drumbeat.operations.cost_measured import MIN_AGE, load_of


@click.command()
@click.option(
    "--events", type=click.FloatRange(0), help="Events a month; no deployment is called then. Default: the ledger's."
)
@click.option("--effects", type=click.FloatRange(0), help="Effects of an event.  [default: 3, or the ledger's]")
@click.option("--reports", type=click.FloatRange(0), help="Of providers, for each event.  [default: 2.6]")
@click.option("--busy-hours", type=click.FloatRange(0.1, 24), help="Of a day, in which events arrive.  [default: 10]")
@click.option("--months", type=click.FloatRange(0), help="For which the ledger has grown.  [default: 12]")
@click.option("--resting-stages", type=click.IntRange(0), help="Others in the account.  [default: 0]")
@click.option("--provider-price", type=click.FloatRange(0), help="Dollars for 1,000 effects.  [default: 0]")
@with_client
def command(
    client: Client,
    events: float | None,
    effects: float | None,
    reports: float | None,
    busy_hours: float | None,
    months: float | None,
    resting_stages: int | None,
    provider_price: float | None,
) -> None:
    """Show a month's bill for Neon + Upstash, for RDS + Valkey, and for one machine of your own.

    With --events it computes here what that many would cost. Without, it applies the same formula to what the
    deployment's ledger used in its last 30 days. docs/cost.md has the price sheet and every assumption.
    """
    load, about = (Load(events), None) if events is not None else _measured(client)
    given: dict[str, Any] = {
        "effects_per_event": effects,
        "reports_per_event": reports,
        "busy_hours": busy_hours,
        "months": months,
        "resting_stages": resting_stages,
        "provider_price": provider_price,
    }
    load = replace(load, **{name: value for name, value in given.items() if value is not None})
    if busy_hours is not None:
        load = replace(load, awake_hours=None)
    if months is not None:
        load = replace(load, ledger_bytes=None)
    if client.json:
        print_json({"load": _facts(load), "choices": {name: _priced(cost.bill(load, name)) for name in cost.CHOICES}})
        return
    show(*([about] if about else []), _sentence(load), "", _bills(load))
    if not load.provider_price:
        show("", "What your providers want for mails and contacts is yours to fill in: --provider-price")
    show("", "[dim]list prices of 22 Nov 2026, some of them not verified: docs/cost.md[/]")


def _measured(client: Client) -> tuple[Load, str]:
    """Return the ledger's own load, scaled to a month when the ledger is younger, and where it comes from."""
    used = client.get("/v1/usage")
    age = datetime.fromisoformat(used["until"]) - datetime.fromisoformat(used["since"])
    events = used["events"]
    load = load_of(
        age,
        events=events,
        effects=used["effects"],
        awake_seconds=used["awakeSeconds"],
        ledger_bytes=used["ledgerBytes"],
    )
    days = f"{max(age, MIN_AGE) / timedelta(days=1):.1f}"
    return load, f"{client.url}: {count(events, 'event')} in the last {days} days, scaled to a month"


def _sentence(load: Load) -> str:
    ledger = "the ledger has" if load.ledger_bytes is not None else f"after {load.months:g} months the ledger has"
    reports = f"and {load.reports:,.0f} reports of providers around the clock, " if load.reports else ""
    arriving = "" if load.awake_hours is not None else f"arriving in {load.busy_hours:g} hours of a day, "
    return (
        f"{load.events:,.0f} events a month, {load.effects_per_event:.3g} effects each, {arriving}{reports}which"
        f" keeps the database awake for {load.awake:.0f} hours; {ledger} {load.ledger_gb:,.2f} GB"
    )


def _bills(load: Load) -> Table:
    """Lay out what all choices share, then each choice with its total."""
    shared = list(cost.aws(load))
    rows: list[tuple[str, ...]] = [("[bold]AWS, whatever the database[/]", "", "", "", f"{cost.total(shared):.2f}")]
    rows += [_row(line) for line in [*shared, cost.providers(load)]]
    for name in cost.CHOICES:
        lines = cost.bill(load, name)
        rows += [("", "", "", "", ""), (f"[bold]{name}[/], with AWS", "", "", "", f"[bold]{cost.total(lines):.2f}[/]")]
        rows += [_row(line) for line in lines[len(shared) + 1 :]]
    made = table(("line", "use", "of which free", "unit", "dollars"), rows)
    for column in (1, 2, 4):
        made.columns[column].justify = "right"
    return made


def _row(line: Line) -> tuple[str, ...]:
    free = _amount(min(line.price.free, line.use)) if line.price.free else ""
    return f"  {line.name}", _amount(line.use), free, line.price.unit, f"{line.dollars:.2f}"


def _amount(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 or number == int(number) else f"{number:,.2f}"


def _priced(lines: list[Line]) -> dict[str, Any]:
    return {
        "total": round(cost.total(lines), 2),
        "lines": [
            {
                "name": line.name,
                "use": line.use,
                "free": line.price.free,
                "unit": line.price.unit,
                "price": line.price.dollars,
                "dollars": round(line.dollars, 4),
                "source": line.price.source,
                "checked": line.price.checked,
            }
            for line in lines
        ],
    }


def _facts(load: Load) -> dict[str, float]:
    return {
        "events": load.events,
        "effectsPerEvent": load.effects_per_event,
        "reportsPerEvent": load.reports_per_event,
        "awakeHours": load.awake,
        "ledgerGb": load.ledger_gb,
    }

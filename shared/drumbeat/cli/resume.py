"""`drumbeat resume`: let everything go on that was stopped, or what a broken invariant has stopped."""

from collections import Counter
from typing import Any

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count, plain, print_json, show, status
from drumbeat.core.invariants import Invariant


@click.command()
@click.option("--all", "everything", is_flag=True, help="End the stop of everything.")
@click.option("--invariant", type=click.Choice(list(Invariant)), help="End what this invariant has stopped.")
@click.option("--reason", required=True, help="Why; kept in the journal of stops.")
@with_client
def command(client: Client, everything: bool, invariant: Invariant | None, reason: str) -> None:
    """Let go on what `drumbeat pause --all` has stopped, or an --invariant that did not hold. Nothing is sent twice."""
    if everything == (invariant is not None):
        raise click.UsageError("say either --all or --invariant; one account: drumbeat accounts resume NAME")
    body = {"reason": reason, **({"invariant": invariant.value} if invariant else {})}
    done: Counter[str] = Counter()
    while True:
        answer = client.post("/v1/resume", body)
        body["seenAt"] = answer["at"]  # a stop that comes meanwhile stays
        done.update({each: answer.get(each, 0) for each in ("effects", "violations", "runs")})
        if not answer["left"]:
            break
    if client.json:
        print_json({**answer, **done})
        return
    if invariant:
        show(f"{count(done['violations'], 'violation')} of {invariant} known from now on: the same stops nothing again")
    if done["runs"]:
        show(f"{count(done['runs'], 'run')} went on")
    if everything and not any(each["account"] is None for each in answer["stopped"]):
        show("nothing stops everything any more")
    show(f"{count(done['effects'], 'effect')} that waited and were due went on")
    for each in answer["stopped"]:
        show(_still(each))


def _still(stop: dict[str, Any]) -> str:
    what = plain(stop["account"]) if stop["account"] else "everything"
    if stop["invariant"]:
        how = f"drumbeat resume --invariant {stop['invariant']} --reason WHY"
    else:
        how = f"drumbeat accounts resume {what}" if stop["account"] else "drumbeat resume --all --reason WHY"
    return f"still {status('stopped')}: {what}, by {plain(stop['actor'])}: {plain(stop['reason'])}; {how}"

"""`drumbeat resolve`: decide about one held effect, or about all of them after seeing how many there are."""

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.decisions import Order, Selected, decide_many, decide_one
from drumbeat.core.status import Status

MEANS = {
    "resend": "send again, although each may have been carried out once already",
    "accepted": "count as carried out; nothing is sent",
    "drop": "give up; nothing is sent",
}


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[EFFECT] resend|accepted|drop")
@click.option("--reason", required=True, help="Why; kept in the journal.")
@click.option(
    "--version", type=int, help="The version you decided on; 409 when it changed since. Default: the present one."
)
@click.option("--all-held", is_flag=True, help="Decide about all that is held.")
@click.option("--account", help="Decide about all that is held for this account.")
@click.option(
    "--cause",
    help="With --all-held or --account: only what is held for this reason: its code, as shown. (The sentence of the"
    " release before is accepted for one more release.)",
)
@click.option("--yes", is_flag=True, help="Do not ask before deciding about many.")
@with_client
def command(
    client: Client,
    words: tuple[str, ...],
    reason: str,
    version: int | None,
    all_held: bool,
    account: str | None,
    cause: str | None,
    yes: bool,
) -> int:
    """Decide about a held EFFECT, or about many with --account or --all-held."""
    *effects, decision = words
    if decision not in MEANS:
        raise click.UsageError(f"the decision is one of {', '.join(MEANS)}")
    if effects and (all_held or account or cause):
        raise click.UsageError("name one EFFECT, or --account, or --all-held; not both")
    order = Order("resolve", decision, MEANS[decision], "resolved", reason, {"decision": decision})
    if len(effects) == 1:
        return decide_one(client, effects[0], order, version)
    if effects or not (all_held or account):
        raise click.UsageError("name one EFFECT, or --account, or --all-held")
    return decide_many(client, order, Selected(Status.HELD, account=account, cause=cause), yes=yes)

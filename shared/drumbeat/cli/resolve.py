"""`drumbeat resolve`: decide about one held effect, or about all of them after seeing how many there are."""

from typing import Any
from urllib.parse import quote

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import count, moment, plain, print_json, show, status, table
from drumbeat.core.errors import Invalid
from drumbeat.ledger import legacy

DECISIONS = ("resend", "accepted", "drop")
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
    if decision not in DECISIONS:
        raise click.UsageError(f"the decision is one of {', '.join(DECISIONS)}")
    if effects and (all_held or account or cause):
        raise click.UsageError("name one EFFECT, or --account, or --all-held; not both")
    if len(effects) == 1:
        return _one(client, effects[0], decision, reason, version)
    if effects or not (all_held or account):
        raise click.UsageError("name one EFFECT, or --account, or --all-held")
    return _many(client, decision, reason, account, cause, yes)


def _one(client: Client, effect: str, decision: str, reason: str, version: int | None) -> int:
    if version is None:
        version = _version_now(client, effect)
    request = {"decision": decision, "reason": reason, "version": version}
    now = client.post(f"/v1/effects/{quote(effect, safe='')}/resolve", request)
    if client.json:
        print_json(now)
    else:
        show(f"{now['effectId']} is {status(now['status'])} now")
    return 0


def _version_now(client: Client, effect: str) -> int:
    for item in client.pages("/v1/effects", status="held"):
        if item["effectId"] == effect:
            return int(item["version"])
    raise click.ClickException(
        f"no held effect has the id {effect}; nothing was changed (`drumbeat effects --status held`)"
    )


def _many(client: Client, decision: str, reason: str, account: str | None, cause: str | None, yes: bool) -> int:
    selected = _read(cause)
    held = client.get("/v1/effects/held", account=account)
    groups = [group for group in held["groups"] if selected is None or _is_selected(selected, group)]
    total = sum(group["effects"] for group in groups)
    if not client.json:
        _show_groups(groups)
    if total and not yes:
        click.confirm(f"{decision}: {MEANS[decision]}. {count(total, 'effect')}. Go on?", abort=True, err=True)
    done = _in_chunks(client, decision, reason, account, cause, held["at"]) if total else 0
    if client.json:
        print_json({"held": total, "resolved": done})
    else:
        show(f"{count(done, 'effect')} decided: {decision}" if total else "nothing is held")
        if done < total:
            show(f"{total - done} had changed meanwhile and were not touched")
    return 0


def _read(cause: str | None) -> legacy.Cause | None:
    try:
        return None if cause is None else legacy.cause(cause)
    except Invalid as error:
        raise click.UsageError(str(error)) from None


def _is_selected(cause: legacy.Cause, group: dict[str, Any]) -> bool:
    # A deployment of the release before sends sentences only.
    return cause.means(group.get("reasonCode"), group.get("reasonDetail"), group["reason"])


def _in_chunks(client: Client, decision: str, reason: str, account: str | None, cause: str | None, at: str) -> int:
    request = {"decision": decision, "reason": reason, "account": account, "cause": cause, "seenAt": at}
    done = 0
    while True:
        answer = client.post("/v1/effects/resolve", request)
        done += len(answer["effects"])
        if not answer["left"] or not answer["effects"]:
            return done


def _show_groups(groups: list[dict[str, Any]]) -> None:
    rows = [
        (
            each["example"],
            each["effects"],
            f"{plain(each['flow'])}.{plain(each['step'])} → {plain(each['account'])}, since {moment(each['since'])}:"
            f" {plain(each['reason'])} ({each.get('reasonCode', 'legacy')})",
        )
        for each in groups
    ]
    show(table(("for example", "held", "what"), rows))

"""Which run is meant: by its id, by how that begins, or by the name of its campaign where only one run can be meant."""

import re
from collections.abc import Collection, Mapping
from typing import Any

import click

from drumbeat.cli.client import Client

type Run = dict[str, Any]

LOOKED_AT = 50  # newest runs of a campaign
_ID_BEGINS = re.compile("[0-9a-f-]{4,36}", re.ASCII)


def short(run: Mapping[str, Any]) -> str:
    """Return how a run's id begins: enough to name it."""
    return str(run["runId"])[:8]


def the_run(client: Client, word: str, states: Collection[str], what: str) -> Run:
    """Return the one run that a word names; by a campaign's name the one in these states, which can be `what`.

    Raises click.ClickException: there is none, or several could be meant.
    """
    runs = of_campaign(client, word)
    if not runs:
        return by_id(client, word)
    fitting = [run for run in runs if run["state"] in states]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        named = ", ".join(f"{short(run)} ({run['state']})" for run in fitting)
        raise click.ClickException(f"several runs of {word} can be {what}: {named}. Say which; nothing was changed")
    newest = f"{short(runs[0])} is {runs[0]['state']}"
    raise click.ClickException(f"no run of {word} can be {what}: its newest, {newest}. Nothing was changed")


def of_campaign(client: Client, name: str) -> list[Run]:
    """Return the newest runs of a campaign, the newest first; also of one that is not configured any more."""
    return list(client.pages("/v1/runs", limit=LOOKED_AT, campaign=name))


def by_id(client: Client, word: str) -> Run:
    """Return the run whose id is this, or begins so. Raises click.ClickException."""
    begins = word.lower()
    found = list(client.pages("/v1/runs", limit=2, q=begins)) if _ID_BEGINS.fullmatch(begins) else []
    if not found:
        raise click.ClickException(
            f"there is no run {word}, and no campaign of this name has one: drumbeat campaign list"
        )
    if len(found) > 1:
        raise click.ClickException(f"the ids of several runs begin with {word}: write more of it; nothing was changed")
    run: Run = found[0]
    return run


def story(client: Client, run: Run) -> Run:
    """Return all about a run."""
    found: Run = client.get(f"/v1/runs/{run['runId']}")
    return found

"""Which run is meant: by its id, by how that begins, or by the name of its campaign where only one run can be meant."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

import click

from drumbeat.cli.client import Client
from drumbeat.cli.output import ago, count
from drumbeat.core.suggestions import instead

type Run = dict[str, Any]

PLAN = "plan"  # a run that no person and no schedule has asked to start
GOING = ("expanding", "running")
_ID_BEGINS = re.compile("[0-9a-f-]{4,36}", re.ASCII)


def short(run: Mapping[str, Any]) -> str:
    """Return how a run's id begins: enough to name it."""
    return str(run["runId"])[:8]


def may_be(run: Mapping[str, Any], done: str) -> str:
    """Say where to look when it was not seen whether a run was paused, resumed or the like."""
    return f"Run {short(run)} may be {done}: drumbeat campaign show {short(run)}"


def may_be_sent(run: Mapping[str, Any], done: str) -> str:
    """Say where to look, and how to stop it, when it was not seen whether a run was started, approved or the like."""
    id = short(run)
    return (
        f"Run {id} may be {done}, and is sent then: drumbeat campaign show {id}. Stop it: drumbeat campaign pause {id}"
        " --reason …"
    )


def kind(run: Mapping[str, Any]) -> str:
    """Return the state of a run, or PLAN."""
    return PLAN if run["state"] == "planned" and not run["starts"] else str(run["state"])


def the_run(client: Client, word: str, what: str, *kinds: Collection[str]) -> Run:
    """Return the run that a word names; by a campaign's name the only open one of these kinds, which can be `what`.

    Kinds that are given later count only where there is none of those before: a plan that was left lying must not
    stand between a person and the run that is being sent. Raises click.ClickException: there is none, or several.
    """
    going = list(client.pages("/v1/runs", campaign=word, state="open"))
    for wanted in kinds:
        if fitting := [run for run in going if kind(run) in wanted]:
            return _only(fitting, word, what)
    newest = _newest_started(client, word)
    if newest is None:
        return by_id(client, word)
    stands = "a plan that was not started" if kind(newest) == PLAN else str(newest["state"])
    raise click.ClickException(
        f"no run of {word} can be {what}: its newest, {short(newest)}, is {stands}. Nothing was changed"
    )


def to_approve(client: Client, word: str) -> Run:
    """Return the run that a word names; by a campaign's name the one that waits for a person, or its newest plan.

    A newer plan supersedes the older ones. Raises click.ClickException: there is none, or several could be meant.
    """
    going = list(client.pages("/v1/runs", campaign=word, state="open"))
    waiting = [run for run in going if kind(run) in ("awaiting_approval", "planned")]
    plans = [run for run in going if kind(run) == PLAN]
    if not waiting and not plans:
        return the_run(client, word, "approved")
    # Who planned after the run was asked for may mean either, and an approval cannot be taken back.
    newer = [run for run in plans[:1] if not waiting or run["createdAt"] > waiting[0]["createdAt"]]
    meant = _only([*newer, *waiting], word, "approved")
    say_left_aside(meant, plans)
    return meant


def say_left_aside(meant: Run, plans: Collection[Run]) -> None:
    """Say which run a name was taken for, where there are plans besides; not on the output, which programs read."""
    if others := sum(run["runId"] != meant["runId"] for run in plans):
        click.echo(
            f"{meant['campaign']} means {short(meant)} of {ago(datetime.fromisoformat(meant['createdAt']))};"
            f" {count(others, 'plan')} besides it {'is' if others == 1 else 'are'} left aside",
            err=True,
        )


def newest_started(client: Client, word: str) -> Run:
    """Return the run that a word names; by a campaign's name the newest that was asked to start, else the newest plan.

    Raises click.ClickException: there is none.
    """
    return _newest_started(client, word) or by_id(client, word)


def newest_begun(client: Client, word: str) -> Run:
    """Return the run that a word names; by a campaign's name the newest of which mails could be sent, else the newest.

    Raises click.ClickException: there is none.
    """
    newest = None
    for run in of_campaign(client, word):
        newest = newest or run
        if run["state"] in (*GOING, "paused", "finished", "missed") or _was_begun(client, run):
            return run
    return newest or by_id(client, word)


def of_campaign(client: Client, name: str) -> Iterator[Run]:
    """Go through the runs of a campaign, the newest first; also of one that is not configured any more."""
    return client.pages("/v1/runs", campaign=name)


def by_id(client: Client, word: str) -> Run:
    """Return the run whose id is this, or begins so. Raises click.ClickException."""
    begins = word.lower()
    found = list(client.pages("/v1/runs", limit=2, q=begins)) if _ID_BEGINS.fullmatch(begins) else []
    if not found:
        raise click.ClickException(_not_there(client, word))
    if len(found) > 1:
        raise click.ClickException(f"the ids of several runs begin with {word}: write more of it; nothing was changed")
    run: Run = found[0]
    return run


def story(client: Client, run: Run) -> Run:
    """Return all about a run."""
    found: Run = client.get(f"/v1/runs/{run['runId']}")
    return found


def _newest_started(client: Client, name: str) -> Run | None:
    newest = None
    for run in of_campaign(client, name):
        newest = newest or run
        if run["starts"]:
            return run
    return newest


def _not_there(client: Client, word: str) -> str:
    names = [each["name"] for each in client.get("/v1/campaigns")["items"]]
    if word in names:
        return f"there is no run of {word} yet: drumbeat campaign plan {word}"
    return f"there is no run {word}, and no campaign is called so; {instead(word, names)}"


def _only(fitting: Collection[Run], word: str, what: str) -> Run:
    if len(fitting) > 1:
        lines = "".join(
            f"\n  {short(run)}  {kind(run)}, of {ago(datetime.fromisoformat(run['createdAt']))}" for run in fitting
        )
        raise click.ClickException(f"several runs of {word} can be {what}. Say which; nothing was changed{lines}")
    return next(iter(fitting))


def _was_begun(client: Client, run: Run) -> bool:
    """Return whether a cancelled run was being sent before; a list of runs does not say that."""
    if run["state"] != "cancelled" or not run["starts"]:
        return False
    return any(each["toState"] in GOING for each in story(client, run)["journal"])

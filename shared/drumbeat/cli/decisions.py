"""What `resolve`, `redrive` and `cancel` have in common: a decision about one effect, or about many after counting."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import click

from drumbeat.cli.client import Client, Refusal
from drumbeat.cli.output import count, moment, plain, print_json, show, status, table
from drumbeat.core.errors import Invalid
from drumbeat.core.status import Status
from drumbeat.ledger import legacy


@dataclass(frozen=True, slots=True)
class Order:
    """A decision as it is sent: its route, what it is called, what it means for each effect, and its own fields."""

    route: str
    name: str
    means: str
    done: str  # what the effects are afterwards
    reason: str
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Selected:
    """Which effects a decision about many is for."""

    status: Status
    account: str | None = None
    event: str | None = None
    cause: str | None = None
    since: str | None = None
    beyond: Collection[Status] = ()  # of the same selection: what the decision cannot reach any more


def decide_one(client: Client, effect: str, order: Order, version: int | None) -> int:
    """Decide about one effect, by default as it is at present; return the exit code."""
    if version is None:
        effect, version = _as_it_is_now(client, effect)
    request = {**order.fields, "reason": order.reason, "version": version}
    now = client.post(f"/v1/effects/{quote(effect, safe='')}/{order.route}", request)
    if client.json:
        print_json(now)
        return 0
    show(f"{now['effectId']} is {status(now['status'])} now")
    if now.get("suppressed"):
        show(f"its person is suppressed ({plain(now['suppressed'])}): it will be cancelled again unless that is lifted")
    for dependent in now.get("cancelledDependents", ()):
        show(f"effect {dependent} came after it and was cancelled; `drumbeat redrive` sends that again, too")
    return 0


def decide_many(client: Client, order: Order, selected: Selected, *, yes: bool) -> int:
    """Show the effects in groups, ask, and decide about those that have not changed since; return the exit code."""
    cause = _read(selected.cause)
    found = _groups(client, selected)
    groups = [group for group in found["groups"] if cause is None or _is_selected(cause, group)]
    total = sum(group["effects"] for group in groups)
    if not client.json:
        _show_groups(groups, selected.status)
    if total and not yes:
        click.confirm(f"{order.name}: {order.means}. {count(total, 'effect')}. Go on?", abort=True, err=True)
    done = _in_chunks(client, order, selected, found["at"]) if total else 0
    beyond = sum(_groups(client, replace(selected, status=each))["total"] for each in selected.beyond)
    if client.json:
        print_json({selected.status.value: total, order.done: done} | ({"underWay": beyond} if selected.beyond else {}))
        return 0
    show(f"{count(done, 'effect')} decided: {order.name}" if total else f"nothing is {selected.status}")
    if done < total:
        show(f"{total - done} were not touched: they had changed meanwhile{_also_left_out(order)}")
    if beyond:
        show(
            f"{count(beyond, 'effect')} cannot be called back: a worker has them or they may have been sent; look again"
        )
    return 0


def _also_left_out(order: Order) -> str:
    if order.route != "redrive":
        return ""
    return ", may have been sent, or cannot be sent again; `drumbeat redrive EFFECT` says why"


def _as_it_is_now(client: Client, effect: str) -> tuple[str, int]:
    """Return the whole id of an effect and its version. Raises click.ClickException where there is none."""
    found = client.get("/v1/effects", id=effect)["items"]
    if not found:
        raise click.ClickException(_no_effect(client, effect))
    return str(found[0]["effectId"]), int(found[0]["version"])


def _no_effect(client: Client, id: str) -> str:
    try:
        client.get(f"/v1/events/{quote(id, safe='')}")
    except Refusal:
        return f"no effect has the id {id}; nothing was changed (`drumbeat effects`)"
    return f"{id} is the id of an event; nothing was changed. Its effects: drumbeat effects --event {id}"


def _groups(client: Client, selected: Selected) -> dict[str, Any]:
    where = {
        "status": selected.status.value,
        "account": selected.account,
        "event": selected.event,
        "since": selected.since,
    }
    found: dict[str, Any] = client.get("/v1/effects/groups", **where)
    return found


def _read(cause: str | None) -> legacy.Cause | None:
    try:
        return None if cause is None else legacy.cause(cause)
    except Invalid as error:
        raise click.UsageError(str(error)) from None


def _is_selected(cause: legacy.Cause, group: dict[str, Any]) -> bool:
    return cause.means(group["reasonCode"], group["reasonDetail"], group["reason"])


def _in_chunks(client: Client, order: Order, selected: Selected, at: str) -> int:
    where = {
        "account": selected.account,
        "event": selected.event,
        "cause": selected.cause,
        "since": selected.since,
        "seenAt": at,
    }
    request = {**order.fields, "reason": order.reason, **{name: each for name, each in where.items() if each}}
    done = 0
    while True:
        answer = client.post(f"/v1/effects/{order.route}", request)
        done += len(answer["effects"])
        if not answer["left"] or not answer["effects"]:
            return done


def _show_groups(groups: list[dict[str, Any]], status: Status) -> None:
    rows = [(each["example"], each["effects"], _described(each)) for each in groups]
    show(table(("for example", status.value, "what"), rows))


def _described(group: dict[str, Any]) -> str:
    step = f"{plain(group['flow'])}.{plain(group['step'])} → {plain(group['account'])}, since {moment(group['since'])}"
    return f"{step}: {plain(group['reason'])} ({group['reasonCode']})" if group["reason"] else step

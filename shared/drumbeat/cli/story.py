"""One event as a tree that a person can read from top to bottom: plan, effects, attempts, outcomes."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.tree import Tree

from drumbeat.cli.output import ago, count, moment, plain, span, status

type Json = Mapping[str, Any]

FACTS_SHOWN = 20


def tree(event: Json) -> Tree:
    """Draw an event."""
    root = Tree(
        f"[bold]event {event['eventId']}[/]  {status(event['status'])}  {plain(event['type'])}", guide_style="dim"
    )
    root.add(f"received {moment(event['receivedAt'])} from {plain(event['source'])} by {plain(event['door'])}")
    root.add(f"key {plain(event['idempotencyKey'])}")
    if event.get("delivery"):  # an older installation says nothing of it
        root.add(f"one fact of delivery {event['delivery']}: drumbeat event {event['delivery']}")
    for said in event.get("consent") or ():  # as above
        root.add(f"says of the list {plain(said['list'] or 'of its mail')}: {plain(said['kind'])}")
    if isinstance(evidence := event.get("evidence"), dict):  # as above; masked for a key that sees no persons
        _add_evidence(root, evidence)
    if report := event.get("report"):
        about = f"{report['mail']}, effect {report['effectId']}" if report["effectId"] else "no mail of this account"
        root.add(f"{told(report)}  [dim]{moment(report['at'])}, about {about}[/]")
    if (mails := event.get("mails")) and mails["mails"]:
        root.add(_mails(mails))
    if event.get("run"):
        root.add(f"a run of campaign {plain(event['source'])}: drumbeat campaign show {event['run']}")
    if event["scheduledAt"]:
        root.add(f"scheduled for {moment(event['scheduledAt'])}")
    if event["erased"]:
        root.add("[dim]its bytes were kept for 30 days[/]" if event.get("facts") else "[dim]payload erased[/]")
    if event.get("payloadForm") == "masked":
        root.add("[dim]payload and key masked: this API key lacks the scope people[/]")
    elif event.get("payloadForm") not in (None, "json"):  # an older installation says nothing of it
        root.add(
            f"body: {event['payloadBytes']:,} bytes that are no plain JSON; --json shows its {event['payloadForm']}"
        )
    if event["conflicts"]:
        bodies = "other body" if event["conflicts"] == 1 else "other bodies"
        root.add(f"[bold yellow]{event['conflicts']} {bodies} came under the same key; the first one counts[/]")
    for dismissal in event["dismissals"]:
        why = f"{plain(dismissal['reason'])}, {plain(dismissal['actor'])}"
        root.add(f"dismissed from attention {moment(dismissal['at'])}: {why}")
    plan = event["plan"]
    if plan is None:
        root.add("[cyan]not planned yet[/]")
        return root
    branch = root.add(
        f"[bold]plan[/] by configuration {plan['version']}  [dim]{plan['hash'][:12]}[/]  {moment(plan['plannedAt'])}"
    )
    for flow, reason in plan["failed"].items():
        branch.add(
            f"[bold yellow]flow {plain(flow)} could not be planned[/]: {plain(reason)}; correct it and `drumbeat apply`"
        )
    for replan in plan["replans"]:
        branch.add(
            f"flow {plain(replan['flow'])} planned by configuration {replan['version']} {moment(replan['plannedAt'])}"
        )
    if facts := event.get("facts"):
        _add_facts(branch, facts)
    elif not event["effects"] and not plan["failed"]:
        branch.add("[dim]no flow acts on this event[/]")
    for effect in event["effects"]:
        _add_effect(branch, effect)
    if (more := event["effectsTotal"] - len(event["effects"])) > 0:
        branch.add(f"[dim]{count(more, 'more effect')}: drumbeat effects --event {event['eventId']}[/]")
    return root


def told(report: Json) -> str:
    """Return what a provider reported of a mail."""
    by = "  [dim]by a program[/]" if report["machine"] else ""
    why = f": {plain(report['said'])}" if report["said"] else ""
    word = f" [dim]({plain(report['word'])})[/]" if report["word"].lower() != report["kind"] else ""
    return f"{plain(report['account'])} reported: {status(report['kind'])}{word}{why}{by}"


def _mails(mails: Json) -> str:
    counted = ", ".join(f"{number:,} {plain(kind)}" for kind, number in sorted(mails["mails"].items()))
    rate = mails["complaintRate"]
    return f"its mails, as reported: {counted}" + (f"; complaints {rate:.2%}" if rate else "")


def _add_evidence(root: Tree, evidence: Json) -> None:
    if evidence.get("unverified"):
        root.add("[yellow]the button may have been pressed by a program[/]: it changed nothing, and works again")
    for name, value in evidence.items():
        if value not in (None, "", [], {}):
            root.add(f"{plain(name)}: {plain(value if isinstance(value, str) else json.dumps(value))}")


def _add_facts(plan: Tree, facts: Sequence[str]) -> None:
    branch = plan.add(f"split into {count(len(facts), 'event')}, each acted on by itself")
    for fact in facts[:FACTS_SHOWN]:
        branch.add(f"event {fact}")
    if (more := len(facts) - FACTS_SHOWN) > 0:
        branch.add(f"[dim]{more:,} more: --json shows them[/]")


def _add_effect(plan: Tree, effect: Json) -> None:
    name = f"{plain(effect['flow'])}.{plain(effect['step'])}"
    branch = plan.add(
        f"[bold]{name}[/]  {status(effect['status'])}  {plain(effect['action'])} → {plain(effect['account'])}"
    )
    if effect["reason"]:
        branch.add(plain(effect["reason"]))
    if effect["dueAt"] and effect["status"] in ("waiting", "unknown"):
        label = "next looked into" if effect["status"] == "unknown" else "due"
        branch.add(f"{label} {moment(effect['dueAt'])}")
    elif effect["after"] and effect["status"] == "waiting":
        branch.add(f"comes after effect {effect['after']}")
    branch.add(f"[dim]effect {effect['effectId']} version {effect['version']}[/]")
    if decision := _possible_decision(effect):
        branch.add(f"{decision} --version {effect['version']} --reason …")
    if effect.get("older"):
        branch.add("[dim]older attempts, outcomes and changes of status are in the ledger's tables[/]")
    if contrary := _contrary(effect):
        branch.add(f"[bold yellow]attention[/]: it is {plain(effect['status'])}, and {contrary} was reported later")
        branch.add("[dim]nothing is done by itself; once it is settled: drumbeat dismiss EVENT_ID --reason …[/]")
    _add_attempts(branch, effect)
    for report in effect.get("feedback") or ():  # an older installation says nothing of it
        branch.add(f"{moment(report['at'])}  {told(report)}")
    _add_journal(branch, effect["journal"])


def _contrary(effect: Json) -> str | None:
    """Return what a provider reported against the end of an effect; None: nothing."""
    told = {each["kind"] for each in effect["outcomes"] if each["origin"] in ("feedback", "late", "look")}
    if effect["status"] == "accepted" and "refused" in told:
        return "refused"
    return "accepted" if effect["status"] in ("refused", "cancelled") and told & {"accepted", "found"} else None


def _possible_decision(effect: Json) -> str | None:
    """Return the command by which a person may change what happens to an effect; None: no decision is possible now."""
    match effect["status"]:
        case "held":
            return f"[bold yellow]decide[/]: drumbeat resolve {effect['effectId']} resend|accepted|drop"
        case "refused" | "cancelled":
            twice = " --even-if-sent" if effect["maybeSent"] else ""
            return f"[dim]send again: drumbeat redrive {effect['effectId']}{twice}[/]"
        case "waiting":
            return f"[dim]prevent: drumbeat cancel {effect['effectId']}[/]"
    return None


def _add_attempts(branch: Tree, effect: Json) -> None:
    for number, attempt in enumerate(effect["attempts"], 1):
        again = f" generation {attempt['generation']}" if attempt["generation"] > 1 else ""
        node = branch.add(
            f"attempt {number}{again}  {moment(attempt['openedAt'])}"
            f"  [dim]{plain(attempt['identity'])} request {attempt['requestHash'][:12]}[/]"
        )
        outcomes = [each for each in effect["outcomes"] if each["n"] == attempt["n"]]
        for outcome in outcomes:
            detail = " ".join(plain(outcome[part]) for part in ("reference", "detail") if outcome[part])
            after = span((_at(outcome["at"]) - _at(attempt["openedAt"])).total_seconds())
            node.add(f"{outcome['origin']}: {status(outcome['kind'])} {detail} [dim]after {after}[/]")
        if not outcomes:
            node.add("[yellow]no answer yet[/]")


def _add_journal(branch: Tree, journal: list[Json]) -> None:
    node = branch.add("[dim]journal[/]")
    before: datetime | None = None
    for entry in journal:
        at = _at(entry["at"])
        when = ago(at) if before is None else f"+{(at - before).total_seconds():.3f} s"
        before = at
        reason = f": {plain(entry['reason'])}" if entry["reason"] else ""
        moved = f"{entry['fromStatus'] or '·'} → {status(entry['toStatus'])}"
        node.add(f"[dim]{at:%H:%M:%S.%f}"[:-3] + f" {when}[/]  {moved} [dim]by {plain(entry['actor'])}[/]{reason}")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)

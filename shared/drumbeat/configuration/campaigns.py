"""Campaigns of the document: read, checked, compiled. One with an audience has steps of its own."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from drumbeat.calendar import parse
from drumbeat.calendar.expression import Rate
from drumbeat.configuration import document_models
from drumbeat.configuration.check_flows import NOT_IN_CAMPAIGNS, Arguments, check_ids, check_step
from drumbeat.configuration.surroundings import Surroundings
from drumbeat.configuration.validation import read_form
from drumbeat.configuration.yaml_lines import Document, Path
from drumbeat.core.campaigns import RECIPIENT
from drumbeat.core.suggestions import instead
from drumbeat.planning import actions
from drumbeat.planning.actions.base import ActionType, Kind

type Json = dict[str, Any]

TO_LEAD = "{{ lead.email }}"
MOST_STEPS = 100
_STEPS_FORM = "steps must be a list with at least one step: - {id, account, action, with}"
# Without an audience there is no one for whom these could be.
_OF_RECIPIENTS = ("steps", "fallback_timezone", "pace", "quiet_hours", "business_days", "cap", "misfire", "approve")


def read_campaign(name: str, entry: object, document: Document) -> document_models.CampaignHead | None:
    """Return a campaign without its steps; None: nothing sensible is left of it."""
    rest = {name: value for name, value in entry.items() if name != "steps"} if isinstance(entry, Mapping) else entry
    return read_form(document_models.CampaignHead, rest, ("campaigns", name), document)


def compile_campaign(
    name: str, head: document_models.CampaignHead | None, entry: object, document: Document, around: Surroundings
) -> Json:
    """Note what is wrong with a campaign beyond its form, and return its stored form."""
    path: Path = ("campaigns", name)
    steps = _steps(entry, path, document, around)
    if head is None:
        return {}
    if head.audience is None:
        _check_without_audience(head, path, document)
    else:
        _check_with_audience(head, path, document, around)
    return _compiled(head, steps, around.defaults.timezone)


def needs_runs(campaigns: Collection[document_models.CampaignHead | None]) -> bool:
    """Return whether a release that knows schedules alone would get one of them wrong."""
    return any(each and (each.audience is not None or each.schedule is None) for each in campaigns)


def _compiled(head: document_models.CampaignHead, steps: list[Json], timezone: str) -> Json:
    zone = head.timezone or timezone
    plain = {"schedule": head.schedule, "timezone": zone, "on_gap": head.on_gap}
    if head.audience is None:
        return plain
    return plain | {
        "fallback_timezone": head.fallback_timezone or (timezone if zone == RECIPIENT else zone),
        "audience": head.audience,
        "steps": steps,
        "pace": head.pace and asdict(head.pace),
        "quiet_hours": head.quiet_hours and list(head.quiet_hours),
        "business_days": head.business_days,
        "cap": head.cap and list(head.cap),
        "misfire": head.misfire,
        "approve": head.approve,
    }


def _check_without_audience(head: document_models.CampaignHead, path: Path, document: Document) -> None:
    if document.has((*path, "audience")):  # it is there and wrong
        return
    for name in _OF_RECIPIENTS:
        if document.has((*path, name)):
            document.wrong(
                (*path, name),
                f"{name} is for a campaign with an audience: say which, like audience: NAME, or delete this and put"
                " what the campaign does into a flow with on: CAMPAIGN_TRIGGER",
            )
    if head.timezone == RECIPIENT:
        document.wrong(
            (*path, "timezone"),
            "timezone: recipient is for a campaign with an audience: say which, like audience: NAME, or write a zone"
            " like Europe/Berlin",
        )


def _check_with_audience(
    head: document_models.CampaignHead, path: Path, document: Document, around: Surroundings
) -> None:
    assert head.audience is not None
    if head.audience not in around.audiences:
        known = instead(head.audience, around.audiences) if around.audiences else "describe it under audiences"
        document.wrong((*path, "audience"), f"there is no audience {head.audience}; {known}")
    if not document.has((*path, "steps")):
        document.wrong(path, "a campaign with an audience needs steps: - {id, account, action, with}; add them")
    if head.timezone != RECIPIENT:
        return
    if head.schedule is None and not document.has((*path, "schedule")):
        document.warn(
            (*path, "timezone"),
            "without a schedule this campaign starts by hand, for everyone at once: recipient says nothing",
        )
    elif head.schedule is not None and isinstance(parse(head.schedule), Rate):
        document.wrong(
            (*path, "schedule"),
            "a rate names no local time that each person could have: write cron(...) or at(...), or a timezone like"
            " Europe/Berlin",
        )


def _steps(entry: object, path: Path, document: Document, around: Surroundings) -> list[Json]:
    place = (*path, "steps")
    if not document.has(place):
        return []
    given = entry.get("steps") if isinstance(entry, Mapping) else None
    if not isinstance(given, list) or not given:
        document.wrong(place, _STEPS_FORM)
        return []
    if len(given) > MOST_STEPS:
        document.wrong(place, f"steps takes at most {MOST_STEPS} entries")
        return []
    check_ids([step.get("id") if isinstance(step, dict) else None for step in given], place, document)
    steps = [
        read_form(document_models.CampaignStep, step, (*place, index), document) for index, step in enumerate(given)
    ]
    for index, step in enumerate(steps):
        if step is not None:
            _check_step(step, (*place, index), document, around)
    return [_step(step) for step in steps if step]


def _check_step(step: document_models.CampaignStep, path: Path, document: Document, around: Surroundings) -> None:
    arguments = check_step(step, path, document, around, foreign=NOT_IN_CAMPAIGNS)
    if step.action not in actions.names():
        return
    action = actions.get(step.action)
    if (person := _person(action)) is None:
        document.wrong(
            (*path, "action"),
            f"{action.name} is not supported yet in a campaign's step, which is for one person: write send_email or"
            f" upsert_contact, and put {action.name} into a flow",
        )
        return
    to = arguments.given.get(person) if arguments else None
    if isinstance(to, str) and "".join(to.split()) != "".join(TO_LEAD.split()):
        document.wrong((*path, "with", person), f'{person} must be "{TO_LEAD}": the audience says who it is for')
    _check_reason(step, arguments, path, document)


def _check_reason(
    step: document_models.CampaignStep, arguments: Arguments | None, path: Path, document: Document
) -> None:
    """Note a mail that says neither which list it belongs to nor why it has none, or both."""
    reason = (*path, "transactional")
    if step.action != "send_email":
        if document.has(reason):
            document.wrong(reason, f"only a mail is transactional, and this is {step.action}; delete it")
    elif "list" in step.with_:
        if document.has(reason):
            document.wrong(
                reason, "a mail to a list goes to people who agreed to it, so it is not transactional: delete one"
            )
    elif not document.has(reason) and not document.has((*path, "with", reason[-1])) and arguments is not None:
        document.wrong(
            (*path, "with"),
            "a campaign's mail belongs to a list, like list: newsletter, and goes to people who agreed to it; or the"
            ' step says why it goes to people who did not: transactional: "reason"',
        )


def _person(action: ActionType) -> str | None:
    """Return the argument that names the person whom an action is for; None: it is for no one person."""
    return next(
        (name for name, one in action.arguments.items() if one.kind is Kind.ADDRESS and one.in_target),
        None,
    )


def _step(step: document_models.CampaignStep) -> Json:
    return {
        "id": step.id,
        "account": step.account,
        "action": step.action,
        "arguments": step.with_,
        "delay": 0.0,
        "after": None,
        "when": None,
        "unless": None,
        "transactional": step.transactional,
    }

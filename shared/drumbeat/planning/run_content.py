"""What the runs of a campaign depend on in a configuration: whether it says the same, and what is different. Pure."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from drumbeat.core.audiences import InAudience, expanded
from drumbeat.core.campaigns import Campaign
from drumbeat.core.configuration import Account, Config, MailingList, Step, Template

type Tree = Mapping[str, Any]

_ABSENT = object()


def content_hash(config: Config, campaign: str) -> bytes:
    """Return a digest of what a campaign's steps say: with the same, two versions send each person the same.

    Raises KeyError for a campaign that the version does not have.
    """
    found = config.campaigns[campaign]
    content = {
        "steps": [_step(each) for each in found.steps],
        "templates": _templates(found, config),
        "lists": _lists(found, config),
        "accounts": {name: _login(account) for name, account in _accounts(found, config).items()},
        "defaults": _defaults(config),
    }
    canonical = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(canonical.encode()).digest()


def configuration_differences(before: Config, after: Config, campaign: str) -> list[str]:
    """Return the paths of what is different in another version, of all that a run of a campaign depends on; in order.

    What is there in one of the two alone is one path. How fast an account may be used, and what it does about unknown
    outcomes, is no part of it: that may be changed while a run is under way.
    """
    if campaign not in after.campaigns:
        return [f"campaigns.{campaign}"]
    return list(_differences(_needed(before, campaign), _needed(after, campaign), ""))


def _needed(config: Config, name: str) -> Tree:
    """Return the parts of a configuration that a run depends on, as a document has them."""
    found = config.campaigns.get(name)
    if found is None:
        return {}
    fields = asdict(found)
    if not found.is_by_recipient:
        del fields["fallback_timezone"]  # no one's: it follows the campaign's own
    steps = {each.id: _step(each) for each in found.steps}
    return {
        "campaigns": {name: fields | {"steps": steps, "order of steps": list(steps)}},
        "audiences": _audiences(found, config),
        "templates": _templates(found, config),
        "lists": _lists(found, config),
        "accounts": {
            name: _login(account) | {"secrets": dict(account.secrets)}
            for name, account in _accounts(found, config).items()
        },
        "defaults": _defaults(config),
    }


def _differences(before: Any, after: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - parts of a document
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        if before is _ABSENT or after is _ABSENT or before != after:
            yield path
        return
    for name in sorted(before.keys() | after.keys()):
        yield from _differences(before.get(name, _ABSENT), after.get(name, _ABSENT), f"{path}.{name}" if path else name)


def _step(step: Step) -> Tree:
    return {
        "id": step.id,
        "account": step.account,
        "action": step.action,
        "with": step.arguments,
        "transactional": step.transactional,
    }


def _audiences(campaign: Campaign, config: Config) -> Tree:
    """Return the audience, and those that it refers to."""
    if campaign.audience is None or campaign.audience not in config.audiences:
        return {}
    leaves = expanded(campaign.audience, config.audiences)
    names = {campaign.audience, *(leaf.audience for leaf in leaves if isinstance(leaf, InAudience))}
    return {name: repr(config.audiences[name]) for name in names}


def _templates(campaign: Campaign, config: Config) -> Tree:
    names = {str(step.arguments["template"]) for step in campaign.steps if step.arguments.get("template")}
    return {name: _template(config.templates[name]) for name in names if name in config.templates}


def _template(template: Template) -> Tree:
    made = asdict(template)
    return made | ({"parts": dict(made["parts"])} if made.get("parts") else {})


def _lists(campaign: Campaign, config: Config) -> Tree:
    names = {str(step.arguments["list"]) for step in campaign.steps if step.arguments.get("list")}
    return {name: _list(config.lists[name]) for name in names if name in config.lists}


def _list(mailing_list: MailingList) -> Tree:
    """Return what mails say of a list; how people come onto it is no matter of a run."""
    return {"title": mailing_list.title, "description": mailing_list.description}


def _accounts(campaign: Campaign, config: Config) -> Mapping[str, Account]:
    names = {step.account for step in campaign.steps}
    return {name: config.accounts[name] for name in names if name in config.accounts}


def _login(account: Account) -> dict[str, Any]:
    """Return whose name mails are sent in, and where to."""
    return {"provider": account.provider, "settings": dict(account.settings), "headers": dict(account.headers)}


def _defaults(config: Config) -> Tree:
    return {
        "public_url": config.public_url,
        "postal_address": config.postal_address,
        "track": config.tracking and asdict(config.tracking),
    }

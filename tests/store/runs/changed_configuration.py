"""Kinds of change to a configuration between an approval and the run, and the differences that a run is told of."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

type Document = dict[str, Any]

TEMPLATE = "letter.txt"


def document(seed: str, *, by_list: bool) -> Document:
    """Return a configuration whose campaign goes to paying people of this seed who are not away."""
    meant: list[Any] = [
        {"field": "seed", "is": seed},
        {"field": "plan", "in": ["pro", "team"]},
        {"not": {"audience": "away"}},
    ]
    return {
        "version": 1,
        "defaults": {"public_url": "https://hooks.example.com", "postal_address": "Fernwood, Am Wald 1, Berlin"},
        "accounts": {"mail": _account("ada"), "other": _account("bob")},
        "lists": {"news": {"title": "Monday notes"}, "offers": {"title": "Offers"}},
        "audiences": {
            "away": {"field": "away", "is": True},
            "readers": {"all": [*meant, *([{"list": "news"}] if by_list else [])]},
            "nobody": {"field": "plan", "is": "none"},
        },
        "flows": {},
        "campaigns": {
            "digest": {
                "audience": "readers",
                "steps": [
                    {
                        "id": "mail",
                        "account": "mail",
                        "action": "send_email",
                        "with": {
                            "to": "{{ lead.email }}",
                            "list": "news",
                            "subject": "News",
                            "text": "Hello {{ unsubscribe_url }} {{ postal_address }}",
                        },
                    }
                ],
            },
            "other": {"schedule": "cron(0 9 ? * MON *)"},
        },
    }


def _account(name: str) -> Document:
    settings = {"from": f"{name} <{name}@example.com>"}
    return {"provider": "resend", "settings": settings, "secrets": {"api_key": "env:MAIL_KEY"}, "limits": ["1000/s"]}


type Change = Callable[[Document], None]


def _set(path: str, value: object) -> Change:
    """Return what sets a value; None deletes it. Numbers are places in lists."""
    *way, last = path.split(".")

    def change(document: Document) -> None:
        place: Any = document
        for name in way:
            place = place[int(name)] if isinstance(place, list) else place.setdefault(name, {})
        if isinstance(place, list):
            place[int(last)] = value
        elif value is None:
            del place[last]
        else:
            place[last] = value

    return change


def _rename_campaign(document: Document) -> None:
    document["campaigns"]["letter"] = document["campaigns"].pop("digest")


def _second_step(document: Document) -> None:
    steps = document["campaigns"]["digest"]["steps"]
    steps.append({**deepcopy(steps[0]), "id": "more"})


def _other_condition(document: Document) -> None:
    document["audiences"]["readers"]["all"].append({"bucket": "50%"})


CAMPAIGN = "campaigns.digest"
STEP = f"{CAMPAIGN}.steps.0"
IN_STEP = f"{CAMPAIGN}.steps.mail"

# With the paths of what is different.
DIFFERENT: dict[str, tuple[Change, set[str]]] = {
    "another subject": (_set(f"{STEP}.with.subject", "Old"), {f"{IN_STEP}.with.subject"}),
    "another text": (
        _set(f"{STEP}.with.text", "Hi {{ unsubscribe_url }} {{ postal_address }}"),
        {f"{IN_STEP}.with.text"},
    ),
    "a preheader": (_set(f"{STEP}.with.headers", {"X-More": "1"}), {f"{IN_STEP}.with.headers"}),
    "another list": (_set(f"{STEP}.with.list", "offers"), {f"{IN_STEP}.with.list", "lists.news", "lists.offers"}),
    "another account": (_set(f"{STEP}.account", "other"), {f"{IN_STEP}.account", "accounts.mail", "accounts.other"}),
    "a step with another name": (
        _set(f"{STEP}.id", "letter"),
        {IN_STEP, f"{CAMPAIGN}.steps.letter", f"{CAMPAIGN}.order of steps"},
    ),
    "one step more": (_second_step, {f"{CAMPAIGN}.steps.more", f"{CAMPAIGN}.order of steps"}),
    "another condition": (_other_condition, {"audiences.readers"}),
    "another meaning of away": (_set("audiences.away.is", False), {"audiences.away"}),
    "another audience": (
        _set(f"{CAMPAIGN}.audience", "nobody"),
        {f"{CAMPAIGN}.audience", "audiences.readers", "audiences.away", "audiences.nobody"},
    ),
    "a pace": (_set(f"{CAMPAIGN}.pace", "50/s"), {f"{CAMPAIGN}.pace"}),
    "a cap": (_set(f"{CAMPAIGN}.cap", "1/1d"), {f"{CAMPAIGN}.cap"}),
    "quiet hours": (_set(f"{CAMPAIGN}.quiet_hours", "22:00-07:00"), {f"{CAMPAIGN}.quiet_hours"}),
    "business days": (_set(f"{CAMPAIGN}.business_days", value=True), {f"{CAMPAIGN}.business_days"}),
    "another misfire": (_set(f"{CAMPAIGN}.misfire", "2h"), {f"{CAMPAIGN}.misfire"}),
    "an approval": (_set(f"{CAMPAIGN}.approve", value=True), {f"{CAMPAIGN}.approve"}),
    "a schedule": (_set(f"{CAMPAIGN}.schedule", "cron(0 9 ? * MON *)"), {f"{CAMPAIGN}.schedule"}),
    "a zone": (_set(f"{CAMPAIGN}.timezone", "Europe/Berlin"), {f"{CAMPAIGN}.timezone"}),
    "the campaign is deleted": (_set(CAMPAIGN, None), {CAMPAIGN}),
    "the campaign is renamed": (_rename_campaign, {CAMPAIGN}),
    "the list has another title": (_set("lists.news.title", "Notes"), {"lists.news.title"}),
    "the list is described": (_set("lists.news.description", "One a week."), {"lists.news.description"}),
    "another sender": (_set("accounts.mail.settings.from", "Cy <cy@example.com>"), {"accounts.mail.settings.from"}),
    "another login": (_set("accounts.mail.secrets.api_key", "env:OTHER_KEY"), {"accounts.mail.secrets.api_key"}),
    "another postal address": (_set("defaults.postal_address", "Elsewhere 2"), {"defaults.postal_address"}),
    "another public address": (_set("defaults.public_url", "https://in.example.com"), {"defaults.public_url"}),
}

# What no mail of the run depends on.
THE_SAME: dict[str, Change] = {
    "the list of nobody has another title": _set("lists.offers.title", "Bargains"),
    "an audience of no one's changes": _set("audiences.nobody.is", "nothing"),
    "another account changes": _set("accounts.other.settings.from", "Dee <dee@example.com>"),
    "the account may send less": _set("accounts.mail.limits", ["500/s"]),
    "another campaign changes": _set("campaigns.other.schedule", "cron(0 8 ? * TUE *)"),
    "another campaign goes": _set("campaigns.other", None),
    "an audience comes": _set("audiences.new", {"list": "offers"}),
    "what is unknown is held": _set("accounts.mail.on_unknown", "hold"),
    "everything is tried for longer": _set("defaults.retry", {"for": "5d"}),
}

"""From a planned effect to the action that is frozen: every text filled, every value checked. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from uuid import UUID

from drumbeat.core.actions import Action, SendEmail
from drumbeat.core.campaigns import campaign_of
from drumbeat.core.check_mails import previewed
from drumbeat.core.configuration import Config, MailingList, confirmed_list
from drumbeat.core.errors import DrumbeatError, NotUnderstood
from drumbeat.core.events import Event
from drumbeat.core.leads import Lead
from drumbeat.planning import actions
from drumbeat.planning.arguments import Unusable
from drumbeat.planning.check_mails import lead_in
from drumbeat.planning.context import Links, Variables, of_list, of_run, variables
from drumbeat.planning.list_headers import list_headers
from drumbeat.planning.payload import Payload, Unmappable, read


class Unrenderable(DrumbeatError):
    """An effect has no content that could be sent. The reason holds nothing of the event."""


def render(
    event: Event,
    config: Config,
    flow: str,
    step: str,
    *,
    effect_id: UUID,
    links: Links | None = None,
    lead: Lead | None = None,
) -> Action:
    """Fill a planned step with its event: the same event, version, links, lead and effect give the same action.

    Whom it goes to comes out as it was planned. `config` is the version that planned it, by the rules that planned it.
    `links` are those of a mail that belongs to a list, or asks to confirm one. `lead` is whom a campaign's step is for;
    None: the lead is not there any more.

    Raises:
        NotUnderstood: a later release planned an action that this one does not know.
        Unrenderable: a text uses what the event does not have, a value does not fit its place (a line break in a
            subject or header), it grows too large, or the event's body, or the lead, was erased.
    """
    planner = config.flow(flow)
    found = next((one for one in planner.steps if one.id == step), None) if planner else None
    if found is None:
        raise Unrenderable(f"step {step} of flow {flow} is not in version {config.version}")
    if found.action not in actions.names():
        raise NotUnderstood(f"The action {found.action} is one of a later release. It waits for that release.")
    try:
        payload = read(event, config)
        # Whom it goes to was fixed when there was no effect yet.
        planned, seen = (_seen(event, payload, config, flow, lead, effect_id=id) for id in (None, effect_id))
        action = actions.get(found.action)
        mailing_list = _list(actions.list_of(flow, found, config.semantics), config)
        if mailing_list is None:
            return _tracked(action.make(found, config, planned, seen), config)
        assert links is not None
        made = _tracked(action.make(found, config, planned, of_list(seen, mailing_list, config, links)), config)
        assert isinstance(made, SendEmail)
        if confirmed_list(flow) is not None:
            return _holding(made, {"the link that confirms": links.confirm})
        needed = {"the link to unsubscribe": links.unsubscribe, "the postal address": config.postal_address or ""}
        return _with_headers(_holding(made, needed), mailing_list, links, flow, step)
    except (Unmappable, Unusable) as error:
        raise Unrenderable(str(error)) from None


def _seen(
    event: Event, payload: Payload, config: Config, flow: str, lead: Lead | None, *, effect_id: UUID | None
) -> Variables:
    if (shown := previewed(flow)) is not None:
        return of_run(event, payload, shown, lead_in(payload), config.semantics, effect_id=effect_id)
    if (campaign := campaign_of(flow)) is None:
        return variables(event, payload, config.semantics, effect_id=effect_id)
    if lead is None:
        raise Unusable("its lead is not there any more")
    return of_run(event, payload, campaign, lead, config.semantics, effect_id=effect_id)


def _list(name: str | None, config: Config) -> MailingList | None:
    if name is None:
        return None
    if name not in config.lists:
        raise Unusable(f"there is no list {name} in version {config.version}")
    return config.lists[name]


def _tracked(made: Action, config: Config) -> Action:
    return replace(made, tracking=config.tracking) if isinstance(made, SendEmail) and config.semantics > 3 else made


def _holding(made: SendEmail, needed: Mapping[str, str]) -> SendEmail:
    """Return a mail whose every part holds what people need there: a condition in a text may have left it out."""
    for part, words in (("text", made.text), ("html", unescape(made.html) if made.html else None)):
        for what, held in needed.items():
            if words is not None and " ".join(held.split()) not in " ".join(words.split()):
                raise Unusable(f"{part} does not hold {what}")
    return made


def _with_headers(made: SendEmail, mailing_list: MailingList, links: Links, flow: str, step: str) -> Action:
    """Add the headers of its list to a mail: no step can set them."""
    ours = list_headers(mailing_list, links.unsubscribe, flow, step)
    taken = {name.lower() for name in ours}
    own = {name: value for name, value in made.headers.items() if name.lower() not in taken}
    return replace(made, headers=own | ours)

"""From a planned effect to the action that is frozen: every text filled, every value checked. Pure."""

from uuid import UUID

from drumbeat.core.actions import Action
from drumbeat.core.configuration import Config
from drumbeat.core.errors import DrumbeatError, NotUnderstood
from drumbeat.core.events import Event
from drumbeat.planning import actions
from drumbeat.planning.arguments import Unusable
from drumbeat.planning.context import variables
from drumbeat.planning.payload import Unmappable, read


class Unrenderable(DrumbeatError):
    """An effect has no content that could be sent. The reason holds nothing of the event."""


def render(event: Event, config: Config, flow: str, step: str, *, effect_id: UUID) -> Action:
    """Fill a planned step with its event: the same event, version and effect give the same action.

    Whom it goes to comes out as it was planned. `config` is the version that planned it, by the rules that planned it.

    Raises:
        NotUnderstood: a later release planned an action that this one does not know.
        Unrenderable: a text uses what the event does not have, a value does not fit its place (a line break in a
            subject or header), it grows too large, or the event's body was erased.
    """
    found = next((one for one in config.flows[flow].steps if one.id == step), None) if flow in config.flows else None
    if found is None:
        raise Unrenderable(f"step {step} of flow {flow} is not in version {config.version}")
    if found.action not in actions.names():
        raise NotUnderstood(f"The action {found.action} is one of a later release. It waits for that release.")
    try:
        payload = read(event, config)
        # Whom it goes to was fixed when there was no effect yet.
        planned, seen = (variables(event, payload, config.semantics, effect_id=id) for id in (None, effect_id))
        return actions.get(found.action).make(found, config, planned, seen)
    except (Unmappable, Unusable) as error:
        raise Unrenderable(str(error)) from None

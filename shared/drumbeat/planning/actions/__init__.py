"""The actions by the name that `action:` of a step gives them; each is imported when it is first asked for."""

from drumbeat.core.configuration import Step, confirmed_list
from drumbeat.core.registry import Registry
from drumbeat.planning.actions.base import ActionType

_ACTIONS: Registry[ActionType] = Registry(
    "action",
    {
        "send_email": "drumbeat.planning.actions.send_email:ACTION",
        "upsert_contact": "drumbeat.planning.actions.upsert_contact:ACTION",
        "publish_post": "drumbeat.planning.actions.publish_post:ACTION",
        "post_message": "drumbeat.planning.actions.post_message:ACTION",
        "call": "drumbeat.planning.actions.call:ACTION",
    },
)

names = _ACTIONS.names
get = _ACTIONS.get
register = _ACTIONS.register
unregister = _ACTIONS.unregister


def list_of(flow: str, step: Step, semantics: int) -> str | None:
    """Return the list that a flow's step belongs to, or asks a person to confirm; None: none."""
    asked = confirmed_list(flow)
    return get(step.action).list_of(step, semantics) if asked is None else asked

"""From a planned effect to the action that is frozen: every text filled, every value checked. Pure."""

from collections.abc import Callable, Mapping
from uuid import UUID

from drumbeat.core.actions import Action, Call, PostMessage, PublishPost, SendEmail, UpsertContact
from drumbeat.core.configuration import Config, Step, Template
from drumbeat.core.errors import DrumbeatError
from drumbeat.core.events import Event
from drumbeat.planning.arguments import (
    Unusable,
    Variables,
    address,
    body,
    line,
    lines,
    method,
    one_line,
    path,
    text,
    texts,
)
from drumbeat.planning.context import variables
from drumbeat.planning.payload import Unmappable, read

_NO_TEMPLATE = Template(None, None, None)


class Unrenderable(DrumbeatError):
    """An effect has no content that could be sent. The reason holds nothing of the event."""


def render(event: Event, config: Config, flow: str, step: str, *, effect_id: UUID) -> Action:
    """Fill a planned step with its event: the same event, version and effect give the same action.

    Whom it goes to comes out as it was planned. `config` is the version that planned it.

    Raises:
        Unrenderable: a text uses what the event does not have, a value does not fit its place (a line break in a
            subject or header), it grows too large, or the event's body was erased.
    """
    found = next((one for one in config.flows[flow].steps if one.id == step), None) if flow in config.flows else None
    if found is None:
        raise Unrenderable(f"step {step} of flow {flow} is not in version {config.version}")
    try:
        payload = read(event, config)
        # Whom it goes to was fixed when there was no effect yet.
        planned, seen = variables(event, payload), variables(event, payload, effect_id=effect_id)
        return _MAKERS[found.action](found, config, planned, seen)
    except (Unmappable, Unusable) as error:
        raise Unrenderable(str(error)) from None


def _send_email(step: Step, config: Config, planned: Variables, seen: Variables) -> SendEmail:
    name = step.arguments.get("template")
    template = config.templates[str(name)] if name is not None else _NO_TEMPLATE
    given = {key: step.arguments.get(key) for key in ("subject", "text", "html")}
    subject = given["subject"] if given["subject"] is not None else template.subject
    plain = given["text"] if given["text"] is not None else template.text
    html = given["html"] if given["html"] is not None else template.html
    if not (line_of_subject := one_line(text(subject, "subject", seen), "subject")):
        raise Unusable("subject is empty")
    return SendEmail(
        to=address(step, "to", planned),
        subject=line_of_subject,
        text=None if plain is None else text(plain, "text", seen),
        html=None if html is None else text(html, "html", seen, html=True),
        headers=lines(step, "headers", seen),
        list=line(step, "list", seen) or None,
    )


def _upsert_contact(step: Step, _: Config, planned: Variables, seen: Variables) -> UpsertContact:
    return UpsertContact(email=address(step, "email", planned), properties=texts(step, "properties", seen))


def _publish_post(step: Step, _: Config, __: Variables, seen: Variables) -> PublishPost:
    parts = step.arguments.get("parts") or []
    assert isinstance(parts, list)
    return PublishPost(
        text=_words(step, seen),
        link=line(step, "link", seen) or None,
        media=line(step, "media", seen) or None,
        parts=tuple(text(part, f"parts[{index}]", seen) for index, part in enumerate(parts)),
    )


def _post_message(step: Step, _: Config, planned: Variables, seen: Variables) -> PostMessage:
    return PostMessage(text=_words(step, seen), channel=line(step, "channel", planned) or None)


def _call(step: Step, _: Config, planned: Variables, seen: Variables) -> Call:
    return Call(
        method=method(step), path=path(step, planned), body=body(step, seen), headers=lines(step, "headers", seen)
    )


def _words(step: Step, seen: Variables) -> str:
    if not (words := text(step.arguments.get("text"), "text", seen)).strip():
        raise Unusable("text is empty")
    return words


_MAKERS: Mapping[str, Callable[[Step, Config, Variables, Variables], Action]] = {
    "send_email": _send_email,
    "upsert_contact": _upsert_contact,
    "publish_post": _publish_post,
    "post_message": _post_message,
    "call": _call,
}

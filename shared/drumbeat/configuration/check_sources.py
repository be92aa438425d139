"""Checks of the flows that act on one source or campaign alone: whether it gives what they use."""

from collections.abc import Collection, Iterator, Mapping

from drumbeat.campaigns.firing import FIELDS
from drumbeat.configuration import document_models
from drumbeat.configuration.check_flows import Arguments, texts_of
from drumbeat.configuration.document_models import FormSource
from drumbeat.configuration.surroundings import Surroundings
from drumbeat.configuration.yaml_lines import Document, Path
from drumbeat.core.configuration import Template
from drumbeat.core.events import EventType
from drumbeat.core.suggestions import instead, misspelt
from drumbeat.planning.condition_checks import condition_fields, pinned_sources
from drumbeat.planning.text_checks import optional_fields, payload_fields, readable

type Place = tuple[Path, document_models.Step | None, Arguments | None]  # of one step, and what is right of it


def check_sources(
    flow: document_models.FlowHead,
    steps: Collection[Place],
    path: Path,
    document: Document,
    around: Surroundings,
) -> None:
    """Note what a flow for certain sources expects of them and they do not give.

    A text that needs a field which a source never has is a mistake: it would refuse each of its effects. What looks at
    such a field and does without is a warning, as is a source that may be misspelt.
    """
    for name in sorted(pinned_sources(flow.when) if flow.when else ()):
        if (type_ := _type_of(name, around)) is not None and type_ != flow.on:
            document.wrong((*path, "on"), f"the events of {name} are {type_}, so this flow would never run")
        elif name not in around.sources and name not in around.campaigns:
            _warn_of_name(name, flow, (*path, "when"), document, around)
        elif known := _fields_of(name, around):
            _check_fields(name, known, flow, steps, path, document, around)


def _check_fields(
    name: str,
    known: Collection[str],
    flow: document_models.FlowHead,
    steps: Collection[Place],
    path: Path,
    document: Document,
    around: Surroundings,
) -> None:
    owner = _owner(name, around)
    for field in sorted(condition_fields(flow.when or "@") - set(known)):
        document.warn((*path, "when"), _never(field, name, owner, known))
    for place, step, arguments in steps:
        texts = list(_texts(arguments, around.templates)) if arguments else []
        for field in sorted({each for text in texts for each in payload_fields(text)} - set(known)):
            document.wrong(
                (*place, "with"), f"payload.{field} is used, and {owner} has no {field}; {instead(field, known)}"
            )
        for field in sorted({each for text in texts for each in optional_fields(text)} - set(known)):
            document.warn((*place, "with"), _never(field, name, owner, known))
        for condition in ("when", "unless"):
            for field in sorted(condition_fields((step and getattr(step, condition)) or "@") - set(known)):
                document.warn((*place, condition), _never(field, name, owner, known))


def _never(field: str, name: str, owner: str, known: Collection[str]) -> str:
    return f"payload.{field} is never there for {name}: {owner} has no {field}; {instead(field, known)}"


def _warn_of_name(
    name: str, flow: document_models.FlowHead, path: Path, document: Document, around: Surroundings
) -> None:
    known = [*around.sources, *around.campaigns]
    if flow.on == EventType.CAMPAIGN_TRIGGER:
        document.warn(path, f"there is no campaign {name}; {instead(name, around.campaigns)}")
    elif (close := misspelt(name, known)) is not None:
        document.warn(
            path,
            f"no source is configured as {name}, so only events of the API under that name reach this flow; "
            f"did you mean {close}?",
        )


def _type_of(name: str, around: Surroundings) -> str | None:
    if name in around.campaigns:
        return EventType.CAMPAIGN_TRIGGER
    source = around.sources.get(name)
    return source.type if source else None


def _owner(name: str, around: Surroundings) -> str:
    if name in around.campaigns:
        return "the campaign"
    return "the form" if isinstance(around.sources.get(name), FormSource) else "the source's map"


def _fields_of(name: str, around: Surroundings) -> Collection[str]:
    """Return the fields that every event of a source has, none where its deliveries decide."""
    if name in around.campaigns:
        return FIELDS
    source = around.sources.get(name)
    if isinstance(source, FormSource):
        return source.form.fields
    return source.map if source else ()


def _texts(arguments: Arguments, templates: Mapping[str, Template]) -> Iterator[str]:
    yield from texts_of(arguments.given)
    yield from _template_texts(arguments, templates)


def _template_texts(arguments: Arguments, templates: Mapping[str, Template]) -> Iterator[str]:
    return filter(readable, arguments.action.template_texts(arguments.given, templates))

"""Reading what a mail or a call carried, in whichever of the vendors' shapes the record has it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from drumbeat.sandbox.record import Entry
from drumbeat.sandbox.reports.base import Sent, made_uuid

MARKER = "effect-id"  # and with `_`: the name under which the caller's own marker travels
BODIES = ("text", "html", "body")


def read_sent(entry: Entry, item: int | None) -> Sent:
    """Return what an accepted entry, or one item of it, sent."""
    part: Entry = entry if item is None else entry["items"][item]
    asked: Mapping[str, Any] = part["asked"]
    variables, labels = _marked(asked)
    return Sent(
        provider=entry["provider"],
        account=entry["account"],
        id=str(part.get("id") or ""),
        key=str(part.get("effect") or part.get("key") or ""),
        at=float(entry["at"]),
        sender=str(asked.get("from", "")),
        to=_recipients(part, asked),
        subject=str(asked.get("subject", "")),
        headers=tuple(_pairs(asked.get("headers"))),
        variables=variables,
        labels=labels,
        size=sum(len(str(asked.get(name) or "")) for name in BODIES),
        stream=str(asked.get("stream") or asked.get("MessageStream") or "outbound"),
        configuration_set=str(asked.get("configuration_set") or asked.get("ConfigurationSetName") or ""),
    )


def never_sent(sent: Sent, name: str) -> Sent:
    """Return a mail like this one, with an id and a marker that were never given out. `name` decides which."""
    marker = f"{made_uuid(name, 'marker')}-1"
    id = f"{marker}@{sent.account}" if sent.provider == "mailgun" else made_uuid(name, "id")
    ours = {name: marker if _is_marker(name) else value for name, value in sent.variables.items()}
    headers = tuple((name, marker if value == sent.key else value) for name, value in sent.headers)
    return replace(sent, id=id, key=marker, variables=ours, headers=headers)


def _is_marker(name: str) -> bool:
    return name.replace("_", "-") == MARKER


def _recipients(part: Entry, asked: Mapping[str, Any]) -> tuple[str, ...]:
    """Return who it went to; of a call, the address that its body names."""
    if part.get("action") != "call":
        return tuple(part["to"])
    try:
        body = json.loads(asked["body"])
    except ValueError:
        return ("",)
    named = [body.get(name) for name in ("email", "to")] if isinstance(body, dict) else []
    return (next((one for one in named if isinstance(one, str) and "@" in one), ""),)


def _marked(asked: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the named values that come back, and the tags that have no value."""
    variables: dict[str, str] = {}
    labels: list[str] = []
    for name in ("variables", "metadata", "Metadata"):
        variables.update(_pairs(asked.get(name)))
    for name in ("tags", "EmailTags", "tag", "Tag"):
        given = asked.get(name)
        variables.update(_pairs(given))
        texts = given if isinstance(given, list) else [given]
        labels += [one for one in texts if isinstance(one, str) and one]
    return variables, tuple(labels)


def _pairs(given: object) -> Iterator[tuple[str, str]]:
    """Yield names and values of an object, or of a list of objects with `name` and `value` in either case."""
    if isinstance(given, dict):
        yield from ((str(name), str(value)) for name, value in given.items())
    for one in given if isinstance(given, list) else ():
        if isinstance(one, dict):
            lower = {str(name).lower(): value for name, value in one.items()}
            if "name" in lower:
                yield str(lower["name"]), str(lower.get("value") or "")

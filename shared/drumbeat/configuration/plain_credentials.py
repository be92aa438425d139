"""Credentials that stand in a step as plain text: each version of the document would keep them for ever."""

import re
from collections.abc import Iterator, Mapping

from drumbeat.configuration.yaml_lines import Document, Path
from drumbeat.planning.text_checks import literal_parts

_ADVICE = (
    "a credential as plain text, which every version of the configuration would keep; take it out, replace it where it"
    " came from, and put the new one under the account's `secrets`, to be filled into a header of its `settings`:"
    ' headers: {Authorization: "Bearer {{ secret.token }}"}'
)
# Words of a name that says: the value is a credential.
_WORDS = frozenset(
    {"apikey", "auth", "authentication", "authorization", "cookie", "credential", "credentials", "passwd", "password"}
    | {"pwd", "secret", "token"}
)
_KINDS_OF_KEY = frozenset({"access", "account", "api", "auth", "functions", "private", "service", "subscription"})
_SCHEMES = frozenset({"apikey", "basic", "bearer", "digest", "key", "ssws", "token"})  # what may stand before one
# How the vendors' credentials look, wherever they stand.
_SHAPES = re.compile(
    r"\b(?:sk|pk|rk)_(?:live|test)_\w{8}|\bgh[pousr]_\w{20}|\bgithub_pat_\w{20}|\bglpat-[\w-]{16}|\bxox[abeprs]-[\w-]{10}"
    r"|\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{30}|\bwhsec_\S{16}|\bSG\.[\w-]{16,}\.|\beyJ[\w-]{10,}\.eyJ|\bpat-(?:na|eu)\d-\S{8}"
    r"|\bkey-[0-9a-f]{32}|\bre_\w{16}|\b(?:Bearer|Basic)\s+[\w+/.=-]{8}|//[^/\s:@]+:[^/\s@]+@"
)


def check_headers(headers: Mapping[str, str], path: Path, document: Document) -> None:
    """Note each header whose written value is a credential."""
    for name, value in headers.items():
        if any(map(_SHAPES.search, literal_parts(value))) or (_names_one(name) and _is_written(value)):
            document.wrong((*path, name), f"{name} holds {_ADVICE}")


def check_path(text: str, path: Path, document: Document) -> None:
    """Note a credential in a path, or in a query that stands in it."""
    parts = list(literal_parts(text))
    if any(map(_SHAPES.search, parts)) or any(_names_one(name) for part in parts for name in _given_in_query(part)):
        document.wrong(path, f"{path[-1]} holds {_ADVICE}")


def _names_one(name: str) -> bool:
    words = set(re.split(r"[-_.]", name.lower()))
    return bool(words & _WORDS) or ("key" in words and bool(words & _KINDS_OF_KEY))


def _is_written(value: str) -> bool:
    """Return whether more is written than the word of a scheme, such as Bearer, before what an event fills in."""
    words = re.split(r"[\s,;]+", " ".join(literal_parts(value)).strip())
    return any(word and word.lower() not in _SCHEMES for word in words)


def _given_in_query(part: str) -> Iterator[str]:
    yield from re.findall(r"(?:^|[?&])([^?&=]+)=[^&#\s]", part)

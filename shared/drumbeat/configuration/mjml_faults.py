"""Why a text of MJML cannot be read, and in which line: the library says neither."""

import re

from drumbeat.core.suggestions import misspelt
from drumbeat.planning.mjml import TAG, VOID

# What MJML has. What is not among it would be handed on to mail programs, which show nothing of it.
ELEMENTS = frozenset(
    {"mjml", "mj-head", "mj-attributes", "mj-all", "mj-class", "mj-breakpoint", "mj-font", "mj-html-attributes"}
    | {"mj-selector", "mj-html-attribute", "mj-preview", "mj-style", "mj-title", "mj-body", "mj-accordion"}
    | {"mj-accordion-element", "mj-accordion-text", "mj-accordion-title", "mj-button", "mj-carousel"}
    | {"mj-carousel-image", "mj-column", "mj-divider", "mj-group", "mj-hero", "mj-image", "mj-navbar"}
    | {"mj-navbar-link", "mj-raw", "mj-section", "mj-social", "mj-social-element", "mj-spacer", "mj-table"}
    | {"mj-text", "mj-wrapper"}
)

_JINJA = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
_STRAY = re.compile(r"<(?![a-zA-Z/!?])")
_BARE = re.compile(r"<[a-zA-Z][^<>\"']*?\s[\w:-]+=(?=[^\s\"'<>])")
_UNKNOWN = re.compile(r"<(mj-[\w-]+)", re.IGNORECASE)


def unreadable(source: str) -> tuple[int, str] | None:
    """Return line and advice for what keeps one file from being read; None: nothing is to be seen in it alone."""
    words = without_jinja(source)
    if found := _STRAY.search(words):
        return _line(words, found.start()), "a lone < is not MJML; write &lt;"
    if found := _BARE.search(words):
        return _line(words, found.start()), "an attribute without quotes is not MJML; put quotes around its value"
    return _unclosed(words)


def without_jinja(source: str, mark: str = " ") -> str:
    """Return a text in which each character of Jinja's expressions and tags is a mark; its lines stay."""
    return _JINJA.sub(lambda found: re.sub(r"[^\n]", mark, found[0]), source)


def unknown_elements(source: str) -> list[tuple[int, str]]:
    """Return line and advice for each element that MJML does not have."""
    found = []
    for each in _UNKNOWN.finditer(source):
        if (name := each[1]) not in ELEMENTS and name.lower() != "mj-include":
            close = misspelt(name, ELEMENTS)
            advice = f"did you mean {close}?" if close else "mail programs would show nothing of it; take it out"
            found.append((_line(source, each.start()), f"MJML has no {name}; {advice}"))
    return found


def _unclosed(words: str) -> tuple[int, str] | None:
    open_ones: list[tuple[str, int]] = []
    for found in TAG.finditer(words):
        closing, name, rest = found[1], found[2], found[3]
        if not closing and not rest.endswith("/") and name.lower() not in VOID:
            open_ones.append((name, found.start()))
        elif closing and open_ones and open_ones[-1][0] == name:
            open_ones.pop()
        elif closing and name in [one for one, _ in open_ones]:
            break
        elif closing:
            return _line(words, found.start()), f"</{name}> closes nothing; take it out"
    if not open_ones:
        return None
    name, start = open_ones[-1]
    return _line(words, start), f"<{name}> is not closed; write </{name}>, or <{name} /> where nothing stands in it"


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1

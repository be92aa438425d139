"""The forms of a page, as a program without scripts sees them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import override


@dataclass
class PageForm:
    """One form: where it posts to, what is in it, and its buttons."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[dict[str, str]] = field(default_factory=list)  # what each adds to the fields


def forms_of(page: str) -> list[PageForm]:
    """Return the forms of a page that post."""
    parser = _Forms()
    parser.feed(page)
    parser.close()
    return parser.found


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[PageForm] = []
        self._open: PageForm | None = None

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("method") == "post":
            self._open = PageForm(given.get("action", ""))
            self.found.append(self._open)
        elif self._open is not None and tag == "button":
            self._open.buttons.append({given["name"]: given.get("value", "")} if "name" in given else {})
        elif self._open is not None and tag in ("input", "textarea") and given.get("type") != "checkbox":
            self._open.fields[given["name"]] = given.get("value", "")

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None

"""The plain words of a mail, made of its HTML, or of the MJML that the HTML is made of.

Links keep their addresses, headings are underlined, lists have their marks, and a table is a line for each row. What is
not shown (styles, the head, what has `display: none`) is left out. The layout of MJML says nothing, so MJML itself
reads better than the tables that are made of it.
"""

import re

from drumbeat.planning.html_reader import HtmlReader
from drumbeat.planning.mjml import VOID

_HEAD = re.compile(r"<(mj-)?head\b.*?</(?(1)mj-)head\s*>", re.IGNORECASE | re.DOTALL)  # long, and says nothing
_UNSEEN = frozenset({"head", "mj-head", "script", "style", "svg", "template", "title"})
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
_PARAGRAPHS = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote", "pre", "form", "hr"}
    | {"mj-text", "mj-button", "mj-table", "mj-image", "mj-section", "mj-hero", "mj-social", "mj-divider"}
)
_LINES = frozenset({"div", "tr", "li", "dt", "dd", "section", "article", "header", "footer", "main", "center"})
_OURS = ("mj-column", "mj-group", "mj-wrapper", "mj-social-element", "mj-navbar-link", "mj-accordion")
_LINKS = frozenset({"a", "mj-button", "mj-social-element", "mj-navbar-link"})
_RULES: dict[str, str] = {"h1": "=", "h2": "-"}
_DIVIDERS = frozenset({"hr", "mj-divider"})
_RULE_LENGTH = 60
_SPACE = re.compile(r"[ \t\r\n\f\v\xa0]+")
_ZERO_WIDTH = re.compile("[\u00ad\u034f\u200b\u2060\ufeff]")  # that say nothing: joiners in words and emoji stay


def plain_text(html: str) -> str:
    """Return the words of HTML, each line without space around it, and no two empty lines after each other."""
    reader = _Reader()
    reader.feed(_HEAD.sub("", html))
    reader.close()
    return reader.text()


class _Reader(HtmlReader):
    """Writes down what is shown."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = [""]
        self._unseen: list[str] = []  # the element that is not shown, and those of its name within
        self._lists: list[int | None] = []  # the number of the last item; None: without numbers
        self._links: list[tuple[str, int, int]] = []  # address, and where its words begin: line, column
        self._headings: list[int] = []  # the line in which each begins
        self._mark = ""  # of the item that begins
        self._pre = 0

    def text(self) -> str:
        """Return what was written, tidied."""
        words = "\n".join(line.rstrip() for line in self._lines)
        return re.sub(r"\n{3,}", "\n\n", words).strip("\n") + "\n" if words.strip() else ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element."""
        given = dict(attrs)
        if self._unseen:
            self._unseen += [tag] if tag == self._unseen[0] and tag not in VOID else []
        elif tag in _UNSEEN or "hidden" in given or _HIDDEN.search(given.get("style") or ""):
            self._unseen += [tag] if tag not in VOID else []
        else:
            self._begin(tag, given)

    def handle_endtag(self, tag: str) -> None:
        """End an element."""
        if self._unseen:
            self._unseen = self._unseen[1:] if tag == self._unseen[0] else self._unseen
        else:
            self._end(tag)

    def handle_data(self, data: str) -> None:
        """Write down words."""
        if self._unseen:
            return
        words = _ZERO_WIDTH.sub("", data)
        if self._pre:
            first, *more = words.split("\n")
            self._write(first)
            for line in more:
                self._lines.append("")
                self._write(line)
            return
        words = _SPACE.sub(" ", words)
        self._write(words if self._lines[-1] and not self._lines[-1].endswith(" ") else words.lstrip())

    def _write(self, words: str) -> None:
        if not words:
            return
        if self._mark:
            self._lines[-1], self._mark = self._mark, ""
        elif not self._lines[-1] and self._lists:
            self._lines[-1] = "   " * len(self._lists)
        self._lines[-1] += words

    def _break(self, lines: int) -> None:
        """Go on in a new line (1), or after an empty one (2)."""
        if lines and self._lines[-1].strip():
            self._lines += [""] * lines
        elif lines > 1 and len(self._lines) > 1 and self._lines[-2].strip():
            self._lines.append("")

    def _begin(self, tag: str, given: dict[str, str | None]) -> None:
        self._break(_breaks(tag, len(self._lists)))
        if tag in ("ul", "ol"):
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            self._mark = self._next_mark()
        elif tag == "br":
            self._lines.append("")
        elif tag in ("td", "th") and self._lines[-1].strip():
            self._lines[-1] = self._lines[-1].rstrip() + " | "
        elif tag in ("img", "mj-image"):
            self._image(given)
        elif tag in _DIVIDERS:
            self._lines[-1] = "-" * _RULE_LENGTH
            self._break(2)
        elif tag in _RULES:
            self._headings.append(len(self._lines) - 1)
        elif tag == "pre":
            self._pre += 1
        if tag in _LINKS:
            self._links.append((_address(given.get("href")), len(self._lines) - 1, len(self._lines[-1])))

    def _end(self, tag: str) -> None:
        if tag in _LINKS and self._links:
            self._end_link()
        if tag in _RULES and self._headings:
            self._underline(_RULES[tag])
        elif tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        elif tag == "pre" and self._pre:
            self._pre -= 1
        if tag not in _DIVIDERS:
            self._break(_breaks(tag, len(self._lists)))

    def _end_link(self) -> None:
        """Write the address behind the words, unless it stands there."""
        address, line, column = self._links.pop()
        words = " ".join([self._lines[line][column:], *self._lines[line + 1 :]]).strip()
        if not address or address == words:
            return
        behind = len(self._lines)
        while len(self._lines) > line + 1 and not self._lines[-1]:
            self._lines.pop()
        self._write(f" ({address})" if words else address)
        self._lines += [""] * (behind - len(self._lines))

    def _image(self, given: dict[str, str | None]) -> None:
        words = (given.get("alt") or "").strip()
        self._write(words)
        if address := _address(given.get("href")):
            self._write(f" ({address})" if words else address)

    def _underline(self, mark: str) -> None:
        words = "".join(self._lines[self._headings.pop() :]).strip()
        if words:
            self._break(1)
            self._lines[-1] = mark * min(len(words), _RULE_LENGTH)

    def _next_mark(self) -> str:
        indent = "   " * (len(self._lists) - 1)
        if not self._lists or (number := self._lists[-1]) is None:
            return f"{indent}-  "
        self._lists[-1] = number + 1
        return f"{indent}{number + 1}. "


def _breaks(tag: str, depth: int) -> int:
    """Return how many lines an element begins and ends; a list in a list stands close."""
    if tag in _PARAGRAPHS:
        return 1 if depth and tag in ("ul", "ol", "p") else 2
    return 1 if tag in _LINES or tag.startswith(_OURS) else 0


def _address(href: str | None) -> str:
    """Return what stands behind words that are a link; "": nothing that leads anywhere."""
    address = (href or "").strip()
    return "" if address.startswith("#") else address.removeprefix("mailto:")

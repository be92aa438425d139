"""What was sent, as a terminal shows it: in short, and without what opens a link, until the whole is asked for."""

import json
from collections.abc import Iterator
from typing import Any

from drumbeat.core.token_links import without_tokens

LINES_SHOWN = 2
CHARACTERS_SHOWN = 200  # of a line


def lines(request: dict[str, Any], *, full: bool) -> Iterator[str]:
    """Give the lines of a request: of a mail the text below its subject, of every other the body."""
    if request["subject"] is None:
        body = request["body"]
        text = "" if body is None else body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    else:
        text = request["text"] or request["html"] or ""
    if request.get("cut"):
        yield f"cut: {request['cut']}"
    if full:
        yield from text.splitlines()
    elif request["subject"] is not None and not request["text"]:
        yield f"HTML alone, {len(text):,} characters: --full shows them"
    else:
        yield from _short([line for line in without_tokens(text).splitlines() if line.strip()])


def _short(written: list[str]) -> Iterator[str]:
    for line in written[:LINES_SHOWN]:
        yield line if len(line) <= CHARACTERS_SHOWN else f"{line[:CHARACTERS_SHOWN]}…"
    if (more := len(written) - LINES_SHOWN) > 0:
        yield f"… {more:,} more {'line' if more == 1 else 'lines'}: --full shows them"

"""MJML as HTML that looks the same in all mail programs. The library is loaded when a mail first needs it.

The language of texts comes first: its values are escaped, so they are no MJML any more. Nothing is fetched: neither
what `mj-include` names, nor fonts that a template does not name itself.
"""

import re

from drumbeat.core.errors import DrumbeatError
from drumbeat.planning.render_limits import LONGEST_OUTPUT

DEEPEST = 100  # levels: what nests without end would end the process, as the library calls itself for each
FEW_TAGS = DEEPEST  # of fewer tags none can be deeper
TAG = re.compile(r"<(/?)([^\s<>/!?=\"'][^\s<>/]*)((?:[^<>\"']++|\"[^\"]*\"|'[^']*')*+)>")
# What HTML never closes, and so can be left open in MJML's texts. (MJML itself wants <img /> closed.)
VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})

_INCLUDE = re.compile(r"<mj-include\b", re.IGNORECASE)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # what a person's name may hold, and no mail shows


class NotMjml(DrumbeatError):
    """A text is not MJML. The reason holds nothing of the text."""


def to_html(source: str) -> str:
    """Return a filled text of MJML as HTML; the same text gives the same bytes.

    Raises:
        NotMjml: it is not well-formed, nests too deep, grows too large, or includes a file by MJML's own means.
    """
    from mjml import mjml2html

    source = _NOT_XML.sub(" ", source)
    if _INCLUDE.search(source):
        raise NotMjml("mj-include is not available: parts are included by {% include %}")
    if source.count("<") > FEW_TAGS and deeper_than(source, DEEPEST):
        raise NotMjml(f"its MJML nests over {DEEPEST} levels deep")
    try:
        made = mjml2html(source.strip(), fonts={})
    except ValueError:  # which says neither the line nor the tag
        raise NotMjml("its MJML is not well-formed: each tag has to be closed, <mj-image /> too") from None
    if len(made) > LONGEST_OUTPUT:
        raise NotMjml(f"its HTML grows over {LONGEST_OUTPUT // 1024} KiB")
    return made


def deeper_than(source: str, most: int) -> bool:
    """Return whether tags of a text may nest deeper. What is left open counts on."""
    depth = 0
    for closing, name, rest in TAG.findall(source):
        if closing:
            depth = max(depth - 1, 0)
        elif not rest.endswith("/") and name.lower() not in VOID:
            depth += 1
            if depth > most:
                return True
    return False

"""The preheader: the words that a list of mails shows behind the subject, hidden in front of the mail's own."""

import re
from html import escape

# So that no words of the mail follow: characters that take a place in the list and show nothing.
_FILL = "&#847;&zwnj;&nbsp;" * 60
_STYLE = (
    "display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;mso-hide:all;"
    "color:transparent"
)
_BODY = re.compile(r"<body(?:\s(?:[^<>\"']++|\"[^\"]*\"|'[^']*')*+)?>", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def with_preheader(html: str, words: str) -> str:
    """Put the words in front of what HTML shows: at the top of its body, which need not be written."""
    hidden = f'<div style="{_STYLE}">{escape(words)}{_FILL}</div>'
    seen = _COMMENT.sub(lambda found: " " * len(found[0]), html)  # those for Outlook may hold a body, too
    place = found.end() if (found := _BODY.search(seen)) else 0
    return html[:place] + hidden + html[place:]

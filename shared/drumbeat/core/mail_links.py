"""The links of a mail that act for its person, left out of a text that others read."""

import re

# The link of a mail, also as a part of another address: its last part is a token, which acts for the person.
_LINK = re.compile(r"""(?:https?:?[^\s"'<>()\\]*)?(?:/|%2f)([uc])(?:/|%2f)[\w-]{40,}""", re.ASCII | re.IGNORECASE)


def without_tokens(text: str) -> str:
    """Return the text with each link to unsubscribe or to confirm as `…/u/…` or `…/c/…`."""
    return _LINK.sub(r"…/\1/…", text)

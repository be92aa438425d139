"""Links of a mail whose last part is a token, which acts for the person: they are not shown where a mail is."""

import re

# Also as a part of another address, as a mailer writes one that counts clicks.
_LINK = re.compile(r"""(?:https?:?[^\s"'<>()\\]*)?(?:/|%2f)([uc])(?:/|%2f)[\w-]{40,}""", re.ASCII | re.IGNORECASE)


def without_tokens(text: str) -> str:
    """Return the text with each link to unsubscribe or to confirm as `…/u/…` or `…/c/…`."""
    return _LINK.sub(r"…/\1/…", text)

"""The status codes of mail servers, as kinds: what a refused mail says of its address, and what of itself."""

import re

from drumbeat.core.feedback import Kind

# RFC 3463: class.subject.detail, anywhere in the text; not a part of an address such as 203.0.113.5.1.1.
_ENHANCED = re.compile(r"(?<![\d.])5\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)", re.ASCII)
_TOO_LARGE = 552  # RFC 5321: exceeded storage allocation, which servers also answer to a mail that is too large

_MAILBOX_FULL = ("2", "2")
_NO_SUCH_ADDRESS = {("2", "1")}  # a mailbox that is disabled; and all of subject 1, but its words about the sender
_OF_THIS_MAIL = {("1", "7"), ("1", "8"), ("2", "3"), ("3", "4")}  # its sender, its size; and all of subjects 6 and 7
_ADDRESSING, _CONTENT, _POLICY = "1", "6", "7"


def refused_by_server(said: str, code: int | None = None) -> Kind | None:
    """Return what a mail server's permanent refusal is about; None: it does not say.

    BOUNCED: the address takes no mail. SOFT_BOUNCED: its mailbox is full. BLOCKED: this mail, by its content, size or
    sender. `said` is the server's text, `code` its three digits (RFC 5321).
    """
    found = _ENHANCED.search(said[:1000])
    if found is None:
        return Kind.BLOCKED if code == _TOO_LARGE else None
    status = (found[1], found[2])
    if status == _MAILBOX_FULL:
        return Kind.SOFT_BOUNCED
    if status in _OF_THIS_MAIL or status[0] in (_CONTENT, _POLICY):
        return Kind.BLOCKED
    return Kind.BOUNCED if status in _NO_SUCH_ADDRESS or status[0] == _ADDRESSING else None

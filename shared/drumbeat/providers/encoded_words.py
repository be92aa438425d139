"""Texts of a mail's header in ASCII, for APIs that take no other letters in them (RFC 2047)."""

from drumbeat.core.address import deliverable, mailbox
from drumbeat.core.errors import InvalidAddress


def ascii_mailbox(text: str) -> str:
    """Return one address with its name in ASCII; what is no address, or has no such form, stays as it is."""
    try:
        read = mailbox(text)
    except InvalidAddress:
        return text
    if read.name.isascii():
        return str(read)
    return f"{ascii_text(read.name)} <{deliverable(read.address)}>"


def ascii_text(text: str) -> str:
    """Return a header's text: as it is where it is ASCII, else as encoded words, each of at most 75 characters."""
    if text.isascii():
        return text
    from email.header import Header  # only texts that need it pay for this import

    return " ".join(Header(text, "utf-8", maxlinelen=75).encode().split())

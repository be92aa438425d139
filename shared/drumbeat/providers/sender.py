"""The `from` of an account that sends mail: one address, written as a header wants it."""

from collections.abc import Mapping

from drumbeat.core.address import mailbox, quoted
from drumbeat.core.errors import InvalidAddress


def problems(settings: Mapping[str, str]) -> list[str]:
    """List, as sentences, what is wrong with `from` if there is one."""
    text = settings.get("from")
    if text is None:
        return []
    try:
        mailbox(text)
    except InvalidAddress as error:
        return [f"from must be one address: {error}; write {_instead(text)}"]
    return []


def sender(settings: Mapping[str, str]) -> str:
    """Return `from` for the request: its name in quotes where RFC 5322 wants them.

    One that an earlier release took and `problems` would refuse is used as it stands.
    """
    try:
        return str(mailbox(settings["from"]))
    except InvalidAddress:
        return settings["from"]


def _instead(text: str) -> str:
    """Return the same with its name in quotes, if that is all it lacks, else an example."""
    name, _, rest = text.rpartition("<")
    try:
        if "<" in name or "@" in name:
            raise InvalidAddress
        return f"'{mailbox(f'{quoted(name.strip())} <{rest}')}'"
    except InvalidAddress:
        return "it like Ada <ada@example.com>"

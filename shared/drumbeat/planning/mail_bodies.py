"""The two bodies of a mail, text and HTML, filled with what one person is told."""

from drumbeat.core.configuration import Template
from drumbeat.planning.arguments import text
from drumbeat.planning.context import Variables


def bodies(words: Template, seen: Variables) -> tuple[str | None, str | None]:
    """Return text and HTML as they are sent; None: the mail has no such body.

    Raises:
        Unusable: a text uses what the event does not have, or grows too large.
    """
    plain = None if words.text is None else text(words.text, "text", seen, parts=words.parts)
    html = None if words.html is None else text(words.html, "html", seen, html=True, parts=words.parts)
    return plain, html

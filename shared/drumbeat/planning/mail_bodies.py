"""The two bodies of a mail, text and HTML, filled with what one person is told."""

from drumbeat.core.configuration import Template
from drumbeat.planning.arguments import Unusable, text
from drumbeat.planning.context import Variables
from drumbeat.planning.mjml import NotMjml, to_html


def bodies(words: Template, seen: Variables) -> tuple[str | None, str | None]:
    """Return text and HTML as they are sent; None: the mail has no such body.

    Raises:
        Unusable: a text uses what the event does not have, grows too large, or is no MJML.
    """
    plain = None if words.text is None else text(words.text, "text", seen, parts=words.parts)
    markup = filled_markup(words, seen)
    if markup is None or words.mjml is None or not markup.strip():
        return plain, markup
    try:
        return plain, to_html(markup)
    except NotMjml as error:
        raise Unusable(f"html: {error}") from None


def filled_markup(words: Template, seen: Variables) -> str | None:
    """Return what the HTML is made of, filled; its values are escaped. Raises Unusable."""
    return None if words.markup is None else text(words.markup, "html", seen, html=True, parts=words.parts)

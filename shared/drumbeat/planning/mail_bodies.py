"""The two bodies of a mail, text and HTML, filled with what one person is told.

By semantics 5 a mail without written text has one that is made of its HTML, the preheader stands in front of the HTML,
and an image is loaded by https or the mail is refused.
"""

from drumbeat.core.configuration import Template
from drumbeat.planning.arguments import Unusable, one_line, text
from drumbeat.planning.context import Variables
from drumbeat.planning.mail_images import image_addresses, is_safe
from drumbeat.planning.mjml import NotMjml, to_html
from drumbeat.planning.plain_text import plain_text
from drumbeat.planning.preheader import with_preheader

WHOLE_SINCE = 5


def bodies(words: Template, seen: Variables) -> tuple[str | None, str | None]:
    """Return text and HTML as they are sent; None: the mail has no such body.

    Raises:
        Unusable: a text uses what the event does not have, grows too large, is no MJML, or names an image that is not
            loaded by https.
    """
    plain = None if words.text is None else text(words.text, "text", seen, parts=words.parts)
    markup = filled_markup(words, seen)
    if markup is None:
        return plain, None
    html = _html(markup, is_mjml=words.mjml is not None)
    if seen.semantics < WHOLE_SINCE:
        return plain, html
    if not all(is_safe(address) for _, address in image_addresses(markup)):
        raise Unusable("html names an image whose address is none of https, or would leave its place")
    if plain is None:
        plain = plain_text(markup)
    preheader = preheader_of(words, seen)
    return plain, with_preheader(html, preheader) if preheader and html.strip() else html


def filled_markup(words: Template, seen: Variables) -> str | None:
    """Return what the HTML is made of, filled; its values are escaped. Raises Unusable."""
    return None if words.markup is None else text(words.markup, "html", seen, html=True, parts=words.parts)


def preheader_of(words: Template, seen: Variables) -> str:
    """Return what a list of mails shows behind the subject. Raises Unusable."""
    return one_line(text(words.preheader, "preheader", seen), "preheader")


def _html(markup: str, *, is_mjml: bool) -> str:
    if not is_mjml or not markup.strip():
        return markup
    try:
        return to_html(markup)
    except NotMjml as error:
        raise Unusable(f"html: {error}") from None

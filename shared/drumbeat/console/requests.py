"""What was sent for an effect, as its page shows it: the request, and a mail in a frame where nothing of it can act."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aws_lambda_powertools.event_handler import Response

from drumbeat import views
from drumbeat.console.mail_frames import framed
from drumbeat.core.errors import NotFound
from drumbeat.core.token_links import without_tokens
from drumbeat.ledger.database import Database
from drumbeat.services import services
from drumbeat.views.effect_stories import EffectStory

SHOWN_CHARACTERS = 24_000  # of each text: a page stays small; the API gives all


@dataclass(frozen=True, slots=True)
class Shown:
    """A request with its mail, if it is one. `cut`: the texts are longer than what is shown of them."""

    subject: str | None
    text: str | None
    has_html: bool
    method: str
    url: str
    headers: dict[str, str]
    body: str
    cut: bool


def request_of(db: Database, effect: UUID) -> Shown | None:
    """Return what was sent, or is about to be; None: nothing was rendered yet, or nothing is kept."""
    from drumbeat.api.sent import sent, whole_of  # reads requests, which few pages need

    kept = views.request(db, effect)
    if kept is None or (mail := sent(kept.frozen, kept.hash)) is None:
        return None
    whole = whole_of(kept.frozen, kept.hash)
    assert whole is not None
    texts = (mail.text or "", whole.body)
    return Shown(
        subject=mail.subject and _short(mail.subject),
        text=mail.text and _short(mail.text),
        has_html=bool(mail.html),
        method=whole.method,
        url=without_tokens(whole.url),
        headers={name: without_tokens(value) for name, value in whole.headers.items()},
        body=_short(whole.body),
        cut=any(len(each) > SHOWN_CHARACTERS for each in texts),
    )


def rendered(db: Database, effect: UUID) -> Response[Any]:
    """Return the mail as its person sees it. Raises NotFound."""
    from drumbeat.api.sent import sent  # as above

    kept = views.request(db, effect)
    mail = sent(kept.frozen, kept.hash) if kept else None
    if mail is None or not mail.html:
        raise NotFound(f"no mail of effect {effect} is kept that has an HTML part")
    return framed(without_tokens(mail.html))


def sandbox_of(effect: EffectStory) -> str | None:
    """Return where the sandbox of a local deployment shows what it was sent for an effect."""
    settings = services().settings
    if not (settings.local and settings.sandbox_url and effect.action == "send_email" and effect.attempts):
        return None
    return f"{settings.sandbox_url}/?q={effect.effect_id}"


def _short(text: str) -> str:
    return re.sub(r"\r\n?", "\n", without_tokens(text))[:SHOWN_CHARACTERS]

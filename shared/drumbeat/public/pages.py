"""The pages that people see: plain HTML, without scripts, cookies, or anything from elsewhere."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from drumbeat.core.configuration import MailingList
from drumbeat.public.fields import Fields, Flaw
from drumbeat.public.forms import FormPage
from drumbeat.public.locales import Said, Words

if TYPE_CHECKING:
    from jinja2 import Environment

HTML = "text/html; charset=utf-8"
TYPES = {"email": "email", "phone": "tel", "website": "url", "message": "textarea"}
AUTOCOMPLETE = {
    "email": "email",
    "name": "name",
    "first_name": "given-name",
    "last_name": "family-name",
    "company": "organization",
    "phone": "tel",
    "website": "url",
    "country": "country-name",
    "city": "address-level2",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page, and how it is answered."""

    status: int
    html: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Input:
    """One field of a form, as its page shows it."""

    name: str
    label: str
    type: str
    autocomplete: str
    value: str
    required: bool
    flaw: str


def said(message: Said, words: Words, status: int = 200) -> Page:
    """Return a page that only says something."""
    return _page("said.html", words, message.title, status, text=message.text)


def form(page: FormPage, stamp: str, *, flaws: Sequence[Flaw] = (), posted: Fields | None = None) -> Page:
    """Return the page of a form: empty, or as it was posted with what is wrong beside each field."""
    words, wrong = page.words, {flaw.field: page.words.flaws[flaw.code] for flaw in flaws}
    marked = not page.form.fields.keys().isdisjoint(wrong)
    return _page(
        "form.html",
        words,
        page.title,
        422 if flaws else 200,
        # As seen from the form's page: `public_url` may have a path. What was posted is shown where it is posted to.
        action=None if flaws else f"../v1/forms/{page.source.name}",
        redirect=page.form.redirect,
        stamp=stamp,
        flawed=(words.form_flawed if marked else words.form_unsent) if flaws else "",
        general=list(dict.fromkeys(said for name, said in wrong.items() if name not in page.form.fields)),
        inputs=[_input(name, need, page, wrong, posted or {}) for name, need in page.form.fields.items()],
        honeypot=page.form.honeypot,
        text=page.text,
        button=page.form.button or (words.form_subscribe if page.list else words.form_button),
    )


def confirm(words: Words, stamp: str, *, again: bool = False) -> Page:
    """Return the page with the button that confirms; `again`: it was pressed as fast as programs are."""
    title = words.again_title if again else words.confirm_title
    text = words.again_text if again else words.confirm_text
    return _page("confirm.html", words, title, 200, stamp=stamp, text=text, again=again)


def unsubscribe(words: Words, lists: Sequence[MailingList]) -> Page:
    """Return the page of an unsubscribe link. Of one list it has one button, which leaves the list that it names."""
    if len(lists) == 1:
        return _page("unsubscribe_one.html", words, words.leave_title, 200, list=lists[0])
    return _page("unsubscribe.html", words, words.leave_title, 200, lists=lists)


def _input(name: str, need: str, page: FormPage, wrong: Mapping[str, str], posted: Fields) -> Input:
    return Input(
        name=name,
        label=page.words.labels.get(name) or name.replace("_", " ").capitalize(),
        type=TYPES.get(name, "text"),
        autocomplete=AUTOCOMPLETE.get(name, ""),
        value=str(posted.get(name, ("",))[0]),
        required=need == "required",
        flaw=wrong.get(name, ""),
    )


def _page(
    template: str, words: Words, title: str, status: int, *, redirect: str | None = None, **values: object
) -> Page:
    from markupsafe import Markup

    style = Markup(_style())  # noqa: S704 - our own file, and its hash is in the policy
    html = _environment().get_template(template).render(words=words, title=title, style=style, **values)
    return Page(status, html, _headers(redirect))


def _headers(redirect: str | None) -> dict[str, str]:
    """Return the headers of a page. Browsers hold a redirect after a form to the form's policy as well."""
    target = urlsplit(redirect or "")
    forms = "'self'" + (f" {target.scheme}://{target.netloc}" if target.netloc else "")
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src '{_style_hash()}'; form-action {forms}; "
        "base-uri 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Robots-Tag": "noindex",
        "X-Content-Type-Options": "nosniff",
    }


@cache
def _style() -> str:
    return _text("style.css")


@cache
def _style_hash() -> str:
    return f"sha256-{b64encode(hashlib.sha256(_style().encode()).digest()).decode()}"


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # most requests need no page

    return Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _text(name: str) -> str:
    return (resources.files("drumbeat.public") / "templates" / name).read_text(encoding="utf-8")

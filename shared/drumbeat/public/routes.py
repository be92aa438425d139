"""The routes of the public pages, and how what is refused looks there: a page to a person, a problem to a program."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from drumbeat.core.consent import EVERY_LIST
from drumbeat.core.errors import (
    Encoded,
    Forbidden,
    Invalid,
    NotFound,
    Problem,
    SecretAway,
    SecretMissing,
    TooLarge,
    TooMany,
    Unavailable,
)
from drumbeat.ingest.answers import Answers
from drumbeat.ingest.door import Door
from drumbeat.public import confirm, forms, pages, stamps, unsubscribe
from drumbeat.public.confirm import Pressed
from drumbeat.public.fields import JSON, Flawed
from drumbeat.public.forms import FormPage
from drumbeat.public.languages import of_link, of_visitor
from drumbeat.public.locales import Said, Words, words_of
from drumbeat.public.pages import Page
from drumbeat.public.visit import Visit

PREFLIGHT_SECONDS = 600  # for which a browser remembers that a page may post
ANYTHING = (
    r"[\s\S]*"  # the rest of a path. Powertools' own <name> matches no quote, and mail programs put some behind a link
)
LOOKING = ["GET", "HEAD"]


class Routes:
    """Answers what people and their browsers ask. Adds itself to the routes of the ingest function."""

    def __init__(self, app: APIGatewayHttpResolver, answers: Answers, door: Callable[[], Door]) -> None:
        self._app = app
        self._answers = answers
        self._door = door
        app.post("/v1/forms/<source>")(self.post_form)
        app.route("/v1/forms/<source>", method="OPTIONS")(self.allow_form)
        app.route(f"/f/{ANYTHING}", method=LOOKING)(self.show_form)
        app.route(f"/c/{ANYTHING}", method=LOOKING)(self.show_confirm)
        app.post(f"/c/{ANYTHING}")(self.press_confirm)
        app.route(f"/u/{ANYTHING}", method=LOOKING)(self.show_unsubscribe)
        app.post(f"/u/{ANYTHING}")(self.post_unsubscribe)

    def post_form(self, source: str) -> Response[str]:
        """Record what was posted: 303 or a page to a browser, the receipt to a program."""
        visit = self._visit()
        browser = visit.wants_page and visit.media_type != JSON
        try:
            page = self._form(source, visit)
        except (Problem, SecretMissing) as problem:
            return self._refused(problem, words_of(of_visitor(visit)) if browser else None, "no_form")
        answer = self._posted(page, visit, browser=browser)
        answer.headers.update(_allowed(page, visit))
        return answer

    def _posted(self, page: FormPage, visit: Visit, *, browser: bool) -> Response[str]:
        try:
            receipt = forms.post(page, visit, self._door())
        except Flawed as flaws:
            answer = self._answers.problem(flaws)
            if browser:
                stamp = stamps.issue(page.use, self._door().services)
                _become(answer, pages.form(page, stamp, flaws=flaws.flaws, posted=flaws.posted))
            return answer
        except (Problem, SecretMissing) as problem:
            return self._refused(problem, page.words if browser else None, "no_form")
        answer = self._answers.receipt(receipt)
        if not browser:
            return answer
        if page.form.redirect:
            return Response(303, pages.HTML, "", {"Location": page.form.redirect, "Cache-Control": "no-store"})
        return _response(pages.said(page.words.check_inbox if page.asks_to_confirm else page.words.sent, page.words))

    def allow_form(self, source: str) -> Response[str]:
        """Say to a browser which pages may post to a form by a script. Raises NotFound, Forbidden."""
        visit = self._visit()
        allowed = _allowed(self._form(source, visit), visit)
        if not allowed:
            raise Forbidden(
                "This form takes no posts by scripts of that page. Nothing was stored; name its address in `origins`, "
                "or let the form post by itself."
            )
        asks = {"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "content-type"}
        return Response(204, None, "", {**allowed, **asks, "Access-Control-Max-Age": str(PREFLIGHT_SECONDS)})

    def show_form(self) -> Response[str]:
        """Show the page of a form."""
        visit = self._visit()
        with self._shown(visit, "no_form") as shown:
            page = self._form(visit.name, visit)
            shown.page = pages.form(page, stamps.issue(page.use, self._door().services))
        return shown.answer(visit)

    def show_confirm(self) -> Response[str]:
        """Show the button that confirms. Changes nothing."""
        visit = self._visit()
        with self._shown(visit, "no_link") as shown:
            mail = confirm.read(visit.token, self._door())
            stamp = stamps.issue(confirm.first_use(mail), self._door().services)
            shown.page = pages.confirm(self._words(visit), stamp)
        return shown.answer(visit)

    def press_confirm(self) -> Response[str]:
        """Confirm, or ask to press again."""
        visit = self._visit()
        with self._shown(visit, "no_link") as shown:
            visit.check_size()
            mail = confirm.read(visit.token, self._door())
            words, pressed = self._words(visit), confirm.press(mail, visit, self._door())
            self._answers.acted(f"confirmation_{pressed}")
            match pressed:
                case Pressed.AGAIN:
                    stamp = stamps.issue(confirm.second_use(mail), self._door().services)
                    shown.page = pages.confirm(words, stamp, again=True)
                case Pressed.EXPIRED:
                    shown.page = pages.said(words.expired, words, 410)
                case Pressed.LEFT:
                    shown.page = pages.said(words.left_since, words, 410)
                case Pressed.UNKNOWN:
                    shown.page = pages.said(words.unknown_sign_up, words, 404)
                case Pressed.RECEIVED:
                    shown.page = pages.said(words.confirm_received, words)
                case Pressed.CONFIRMED:
                    shown.page = pages.said(words.confirmed, words)
        return shown.answer(visit)

    def show_unsubscribe(self) -> Response[str]:
        """Show what can be left. Changes nothing, and reads nothing of the ledger."""
        visit = self._visit()
        with self._shown(visit, "no_link") as shown:
            unsubscribe.read(visit.token, self._door())
            shown.page = pages.unsubscribe(self._words(visit), list(unsubscribe.lists(self._door()).values()))
        return shown.answer(visit)

    def post_unsubscribe(self) -> Response[str]:
        """Unsubscribe, whatever the body."""
        visit = self._visit()
        with self._shown(visit, "no_link") as shown:
            mail = unsubscribe.read(visit.token, self._door())
            shown.unknown = "unknown_mail"
            left = unsubscribe.post(mail, visit, self._door())
            self._answers.acted("unsubscribed")
            words = self._words(visit)
            shown.page = pages.said(_left(left, words), words)
        return shown.answer(visit)

    @contextmanager
    def _shown(self, visit: Visit, unknown: str) -> Iterator["Shown"]:
        """Answer what is refused by a page. `unknown`: what is said where there is nothing by that name."""
        shown = Shown(unknown)
        try:
            yield shown
        except (Problem, SecretMissing) as problem:
            shown.refused = self._refused(problem, words_of(of_visitor(visit)), shown.unknown)

    def _refused(self, problem: Problem | SecretMissing, words: Words | None, unknown: str) -> Response[str]:
        if isinstance(problem, SecretMissing):
            answer = self._answers.secret_missing(problem)
        else:
            answer = self._answers.problem(problem)
        if words is not None:
            _become(answer, pages.said(_said(problem, words, unknown), words))
        return answer

    def _visit(self) -> Visit:
        return Visit.of(self._app.current_event.raw_event)

    def _words(self, visit: Visit) -> Words:
        return words_of(of_link(visit, self._door()))

    def _form(self, source: str, visit: Visit) -> FormPage:
        host: str = visit.event["requestContext"]["domainName"]
        return forms.find(source, host, self._door())


class Shown:
    """The page that is made, or what was refused."""

    def __init__(self, unknown: str) -> None:
        self.unknown = unknown
        self.page: Page | None = None
        self.refused: Response[str] | None = None

    def answer(self, visit: Visit) -> Response[str]:
        """Return the answer; only its head where no more is asked for."""
        answer = self.refused or (_response(self.page) if self.page else None)
        assert answer is not None
        if visit.is_head:
            answer.body = ""
        return answer


def _response(page: Page) -> Response[str]:
    return Response(page.status, pages.HTML, page.html, dict(page.headers))


def _become(answer: Response[str], page: Page) -> None:
    """Make an answer a page; what its problem added to the headers stays."""
    answer.body = page.html
    answer.headers |= {**page.headers, "Content-Type": pages.HTML}


def _left(lists: tuple[str | None, ...] | None, words: Words) -> Said:
    if lists == (EVERY_LIST,):
        return words.left_everything
    return words.left_list if lists is None or None in lists else words.left_some


def _said(problem: Problem | SecretMissing, words: Words, unknown: str) -> Said:
    found: dict[type[Exception], Said] = {
        NotFound: getattr(words, unknown),
        TooLarge: words.too_large,
        Invalid: words.not_read,
        Encoded: words.not_read,
        TooMany: words.too_often,
        Unavailable: words.unavailable,
        SecretMissing: words.unavailable,
        SecretAway: words.unavailable,
    }
    return found.get(type(problem), words.failed)


def _allowed(page: FormPage, visit: Visit) -> dict[str, Any]:
    """Return the headers that let a page's script read the answer; none to a page that is not named."""
    if visit.origin not in page.form.origins:
        return {}
    return {"Access-Control-Allow-Origin": visit.origin, "Vary": "Origin"}

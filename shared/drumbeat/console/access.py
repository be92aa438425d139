"""Who looks at a page, or changes something by a form of it: the guards that no route of the console goes without.

A page is shown to a session whose key is not revoked, as the row of the key says at this request. A form changes
something only if it was one of that session's: it carries the session's token, and comes from a page of this origin.
What a key without `people` is shown passes through the masking of the JSON API.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import ApiGatewayResolver
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from drumbeat.access import sessions
from drumbeat.access import sql as stored_keys
from drumbeat.access.keys import PEOPLE, ApiKey
from drumbeat.access.sessions import Session
from drumbeat.api.masking import mask
from drumbeat.api.response import wire
from drumbeat.console import pages, spent
from drumbeat.core.errors import Forbidden, Invalid, Problem
from drumbeat.ingest import catalog
from drumbeat.services import services
from drumbeat.web.requests import bytes_of

type Next = Callable[[ApiGatewayResolver], Response[Any]]
type Middleware = Callable[[ApiGatewayResolver, Next], Response[Any]]

SIGN_IN = "/sign-in"
_TOKEN = "token"  # noqa: S105 - the name of a form's field
_DID, _MARK = "did", "mark"  # of an address: what was done before the page was shown, and what shows that it was
_SAME_SITE = ("same-origin", "none")  # of Sec-Fetch-Site; `none`: typed, or a bookmark


class Page:
    """One request for a page, by a person who signed in."""

    def __init__(
        self, event: APIGatewayProxyEventV2, session: Session, caller: ApiKey, form: Mapping[str, str]
    ) -> None:
        self.event = event
        self.session = session
        self.caller = caller
        self.form = form

    @property
    def actor(self) -> str:
        """Name who is asking, for the journal."""
        return f"person:{self.caller.id}"

    @property
    def sees_people(self) -> bool:
        """Whether persons are shown."""
        return PEOPLE in self.caller.scopes

    def may(self, scope: str) -> bool:
        """Return whether what needs a scope is offered."""
        return scope in self.caller.scopes

    @property
    def query(self) -> Mapping[str, str]:
        """What the address asks for, without what is empty."""
        given = self.event.query_string_parameters or {}
        found = {name: value for name, value in given.items() if value and "\0" not in value}
        mark = found.pop(_MARK, "")
        if _DID in found and not self._did(found[_DID], mark):
            del found[_DID]
        return found

    def _did(self, what: str, mark: str) -> bool:
        deed = _deed(self.event.path, what)
        return sessions.is_deed_mark(mark, self.session, deed, services().key_secret, services().clock.now())

    @property
    def reason(self) -> str:
        """Why the person decides so. Raises Invalid."""
        if (reason := self.reason_given) is None:
            raise Invalid("Say why: the reason stays in the journal. Nothing was changed.")
        return reason

    @property
    def reason_given(self) -> str | None:
        """Why the person decides so, where the decision speaks for itself; None: they do not say."""
        return self.form.get("reason", "").strip()[:500] or None

    def show(
        self, template: str, title: str, *, status: int = 200, here: str = "", **documents: object
    ) -> Response[str]:
        """Return a page of these documents, which are what the JSON API answers, persons masked as there."""
        shown = {name: self._shown(value) for name, value in documents.items()}
        head = {"title": title, "here": here or template.removesuffix(".html"), "page": _Head(self)}
        return pages.rendered(template, head | shown, status)

    def _shown(self, value: object) -> object:
        document = wire(value)
        return document if self.sees_people else mask(document, services().mask_secret)


class _Head:
    """What every template knows of its reader."""

    def __init__(self, page: Page) -> None:
        self.key = page.caller.id
        self.scopes = page.caller.scopes
        self.form_token = sessions.form_token(page.session, services().key_secret)
        self.query = page.query
        self.path = page.event.path
        self.now = services().clock.now().isoformat()

    def may(self, scope: str) -> bool:
        return scope in self.scopes


def reads(*scopes: str) -> list[Middleware]:
    """Guard a page: it is shown to a session whose key has these scopes; anyone else is asked to sign in."""
    return [_guard(scopes, changes=False)]


def changes(*scopes: str) -> list[Middleware]:
    """Guard what a form changes: a form of a session of a key with these scopes."""
    return [_guard(scopes, changes=True)]


def follower() -> list[Middleware]:
    """Guard what an open page asks for again and again: by its session alone, so that no database is kept awake.

    It shows numbers and no person. That a key was revoked is read in Redis; without it, at the key's next page.
    """

    def guard(app: ApiGatewayResolver, following: Next) -> Response[Any]:
        event = app.current_event
        assert isinstance(event, APIGatewayProxyEventV2)
        session = session_of(event)
        known = catalog.in_redis(services())
        revoked = session is not None and known is not None and session.key in known.revoked
        if session is None or revoked or "read" not in session.scopes:
            return Response(403, pages.HTML, "", headers=dict(pages.HEADERS))
        app.append_context(page=Page(event, session, session.caller, {}))  # type: ignore[no-untyped-call]
        return following(app)

    return [guard]


def _guard(scopes: tuple[str, ...], *, changes: bool) -> Middleware:
    def guard(app: ApiGatewayResolver, following: Next) -> Response[Any]:
        event = app.current_event
        assert isinstance(event, APIGatewayProxyEventV2)
        answer = _answer(app, event, following, scopes, changes=changes)
        return pages.compressed(answer, event.headers.get("accept-encoding", ""))

    return guard


def _answer(
    app: ApiGatewayResolver, event: APIGatewayProxyEventV2, following: Next, scopes: tuple[str, ...], *, changes: bool
) -> Response[Any]:
    session = session_of(event)
    caller = stored_keys.good(services().db, session.caller) if session else None
    if session is None or caller is None:
        return to_sign_in(event)
    page = Page(event, session, caller, form_of(event) if changes else {})
    try:
        if changes:
            _check_form(page)
        for scope in scopes:
            caller.need(scope)
        app.append_context(page=page)  # type: ignore[no-untyped-call]
        answer = following(app)
        return _noted(answer, session) if changes else answer
    except Problem as problem:
        return page.show(
            "problem.html", problem.title, status=problem.status, here="", detail=problem.detail, back=_back(event)
        )


def _noted(answer: Response[Any], session: Session) -> Response[Any]:
    """Mark in the address of the page that follows what was done: without the mark it says nothing of it."""
    where = urlsplit(str(answer.headers.get("Location", "")))
    if did := dict(parse_qsl(where.query)).get(_DID):
        deed = _deed(where.path, did)
        mark = sessions.deed_mark(session, deed, services().key_secret, services().clock.now())
        answer.headers["Location"] = where._replace(query=f"{where.query}&{_MARK}={mark}").geturl()
    return answer


def _deed(path: str, did: str) -> str:
    return f"{did} {path}"


def session_of(event: APIGatewayProxyEventV2) -> Session | None:
    """Return the session of a request; None: there is none, or it is over."""
    wanted = cookie_name() + "="
    for cookie in event.raw_event.get("cookies") or ():
        if cookie.startswith(wanted):
            session = sessions.read(cookie.removeprefix(wanted), services().key_secret, services().clock.now())
            return None if session is None or spent.is_ended(session) else session
    return None


def cookie_name() -> str:
    """Return the name of the cookie: over TLS one that no other host can set (RFC 6265bis, section 4.1.3)."""
    return "drumbeat" if services().settings.local else "__Host-drumbeat"


def cookie_of(value: str, seconds: int) -> str:
    """Return the header that sets the session's cookie."""
    secure = "" if services().settings.local else "; Secure"
    return f"{cookie_name()}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


def to_sign_in(event: APIGatewayProxyEventV2) -> Response[Any]:
    """Ask to sign in, and come back to where a page was asked for."""
    where = event.path + (f"?{event.raw_query_string}" if event.raw_query_string else "")
    back = "" if event.http_method != "GET" or where == "/" else f"?next={quote(where, safe='')}"
    return see(SIGN_IN + back)


def see(path: str) -> Response[Any]:
    """Answer that another page follows."""
    return Response(303, pages.HTML, "", headers={**pages.HEADERS, "Location": path})


def form_of(event: APIGatewayProxyEventV2) -> dict[str, str]:
    """Return the fields of a posted form; of two of one name the last."""
    try:
        text = bytes_of(event.raw_event).decode()
        return dict(parse_qsl(text.replace("\0", ""), keep_blank_values=True, max_num_fields=100))
    except ValueError:  # not UTF-8, or too many
        raise Invalid("The form could not be read. Nothing was changed; open the page again.") from None


def is_foreign(event: APIGatewayProxyEventV2) -> bool:
    """Return whether a browser says that a page of another origin sends this."""
    headers = {name.lower(): value for name, value in event.headers.items()}
    if (site := headers.get("sec-fetch-site")) is not None:
        return site not in _SAME_SITE
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host", "")


def _check_form(page: Page) -> None:
    token = page.form.get(_TOKEN, "")
    if is_foreign(page.event) or not sessions.is_form_token(token, page.session, services().key_secret):
        raise Forbidden(
            "This form was not one of your session, or your session began anew since. Nothing was changed; open the"
            " page again and repeat it there."
        )


def _back(event: APIGatewayProxyEventV2) -> str:
    """Return the page of ours that a request came from, or the first one."""
    try:
        referer = urlsplit(event.headers.get("referer", ""))
    except ValueError:
        return "/"
    host = event.headers.get("host", "")
    path = referer.path + (f"?{referer.query}" if referer.query else "")
    return own_path(path) if host and referer.netloc == host else "/"


def own_path(path: str) -> str:
    """Return a path of this console; anything else is the first page."""
    try:
        parts = urlsplit(path)
    except ValueError:
        return "/"
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return path if is_own and path.isprintable() else "/"

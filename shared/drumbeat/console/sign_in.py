"""Signing in: with an API key, or by a link that `drumbeat console` makes, which works once and for a minute."""

from contextlib import suppress
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from redis.exceptions import RedisError

from drumbeat.access import keys, sessions
from drumbeat.access import sql as stored_keys
from drumbeat.access.keys import ApiKey
from drumbeat.api.routing import Routes
from drumbeat.console import pages, spent
from drumbeat.console.access import cookie_of, form_of, is_foreign, own_path, see, session_of
from drumbeat.core.errors import Forbidden, TooMany, Unauthorized
from drumbeat.services import services

router = Routes()

WRONG_IN_A_MINUTE = 10  # keys, from one network address
_MINUTE_SECONDS = 60


@router.get("/sign-in")
def ask() -> Response[Any]:
    """Ask for an API key."""
    return _page(router.current_event)


@router.post("/sign-in")
def sign_in() -> Response[Any]:
    """Begin a session of the key that was typed in."""
    event = router.current_event
    if is_foreign(event):
        raise Forbidden("A page of another site may not sign you in. Nothing was changed; open the console's own page.")
    _admit(event)
    form = form_of(event)
    try:
        claimed = keys.verify(services().key_secret, form.get("key", "").strip())
        caller = stored_keys.good(services().db, claimed)
        if caller is None:
            raise keys.refused()
    except Unauthorized:
        _note_wrong(event)
        return _page(
            event,
            flaw="This key is not valid here, or was revoked. `drumbeat keys create` makes another.",
            following=form.get("next", "/"),
        )
    return _begin(caller, form.get("next", "/"))


@router.get("/sign-in/<token>")
def follow(token: str) -> Response[Any]:
    """Begin the session of a link."""
    event = router.current_event
    if is_foreign(event):  # another site's page would sign a person in as someone else
        return _page(event, flaw="Open this link from your terminal, or type it: another site led here.")
    session = sessions.of_link(token, services().key_secret, services().clock.now())
    caller = stored_keys.good(services().db, session.caller) if session else None
    if session is None or caller is None or not spent.take(session):
        return _page(event, flaw="This link was used, or is older than a minute. `drumbeat console` makes another.")
    return _begin(caller, "/")


@router.post("/sign-out")
def sign_out() -> Response[Any]:
    """End the session, also for a copy of its cookie."""
    if is_foreign(router.current_event):
        raise Forbidden("A page of another site may not sign you out. Nothing was changed.")
    session = session_of(router.current_event)
    if session is None or spent.end(session):
        answer = see("/sign-in")
    else:
        answer = _page(
            router.current_event,
            flaw="This browser is signed out. A copy of its cookie would be taken until its twelve hours are over, for"
            " Redis did not note it: if someone may have one, revoke the key (`drumbeat keys revoke`).",
        )
        answer.status_code = 200
    answer.headers["Set-Cookie"] = cookie_of("", 0)
    return answer


def _begin(caller: ApiKey, following: str) -> Response[Any]:
    session = sessions.begin(caller, services().clock.now())
    answer = see(own_path(following))
    value = sessions.written(session, services().key_secret)
    answer.headers["Set-Cookie"] = cookie_of(value, int(sessions.LASTS.total_seconds()))
    return answer


def _page(event: APIGatewayProxyEventV2, *, flaw: str = "", following: str | None = None) -> Response[Any]:
    if not flaw and session_of(event) is not None and "next" not in (event.query_string_parameters or {}):
        return see("/")
    if following is None:
        following = (event.query_string_parameters or {}).get("next", "/")
    values = {"title": "Sign in", "flaw": flaw, "next": own_path(following)}
    return pages.rendered("sign_in.html", values, 403 if flaw else 200)


def _admit(event: APIGatewayProxyEventV2) -> None:
    """Raises TooMany. While Redis is away all pass: a key cannot be guessed, this only saves work."""
    try:
        wrong = services().redis.get(_tries(event))
    except RedisError:
        return
    if int(wrong or 0) >= WRONG_IN_A_MINUTE:
        raise TooMany(
            "Too many keys were tried from here. Nothing was changed; try again in a minute.", _MINUTE_SECONDS
        )


def _note_wrong(event: APIGatewayProxyEventV2) -> None:
    with suppress(RedisError):
        services().redis.run_all([("INCR", _tries(event)), ("EXPIRE", _tries(event), _MINUTE_SECONDS, "NX")])


def _tries(event: APIGatewayProxyEventV2) -> str:
    return f"console:tries:{event.request_context.http.source_ip}"

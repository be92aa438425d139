"""Errors as HTTP answers: `application/problem+json` (RFC 9457), one form for every function."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from drumbeat.core.errors import Ambiguous, ConfigurationChanged, KeyReused, Problem, TooMany, Unauthorized, Unavailable
from drumbeat.core.suggestions import instead

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

MEDIA_TYPE = "application/problem+json"

MAX_MISTAKES_NAMED = 10
LONGEST_NAME_COMPARED = 64  # characters: comparing takes the square of them
# pydantic's errors, in the terms of JSON.
_TEXTS = {
    "missing": "is missing",
    "model_type": "has to be a JSON object",
    "dict_type": "has to be a JSON object",
    "list_type": "has to be a list",
    "string_type": "has to be text",
}


def document(problem: Problem, request_id: str, **facts: object) -> dict[str, object]:
    """Return what the caller reads: what happened, what was not lost, and the id of the request."""
    if isinstance(problem, KeyReused):
        facts["eventId"] = str(problem.event_id)
    if isinstance(problem, ConfigurationChanged):
        facts["differences"] = problem.differences
    if isinstance(problem, Ambiguous):
        facts["candidates"] = problem.candidates
    return {
        "type": f"urn:drumbeat:problem:{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        **facts,
        "requestId": request_id,
    }


def headers(problem: Problem) -> dict[str, str | list[str]]:
    """Return the headers that go with a problem."""
    if isinstance(problem, Unavailable | TooMany):
        return {"Retry-After": str(problem.retry_after)}
    if isinstance(problem, Unauthorized):
        return {"WWW-Authenticate": "Bearer"}
    return {}


def mistakes(error: "ValidationError", whole: str, known: Collection[str] = ()) -> str:
    """Name each field that is wrong and why, never its value.

    `whole` names what the fields are of, `known` has the names that it may have.
    """
    found = error.errors(include_url=False, include_context=False, include_input=False)[:MAX_MISTAKES_NAMED]
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or whole}: {_said(each, known)}" for each in found)


def _said(mistake: "ErrorDetails", known: Collection[str]) -> str:
    if mistake["type"] != "extra_forbidden":
        return _TEXTS.get(mistake["type"]) or _plain(mistake["msg"])
    name = str(mistake["loc"][-1])
    if not known or len(mistake["loc"]) > 1 or len(name) > LONGEST_NAME_COMPARED:
        return "is not known here; leave it out"
    return f"is not known here; {instead(name, known)}"


def _plain(message: str) -> str:
    text = message.removeprefix("Value error, ").partition(" after validation")[0]
    for subject in ("Input should be", "String should have", "List should have"):
        text = text.replace(subject, "has to be" if subject.endswith("be") else "has to have")
    return text

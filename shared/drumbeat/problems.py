"""Errors on their way out over HTTP: `application/problem+json` (RFC 9457), one form for every function."""

from drumbeat.errors import KeyReused, Problem, Unauthorized, Unavailable

MEDIA_TYPE = "application/problem+json"


def document(problem: Problem, request_id: str, **facts: object) -> dict[str, object]:
    """Return what the caller reads: what happened, what was not lost, and the id to ask about."""
    if isinstance(problem, KeyReused):
        facts["eventId"] = str(problem.event_id)
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
    if isinstance(problem, Unavailable):
        return {"Retry-After": str(problem.retry_after)}
    if isinstance(problem, Unauthorized):
        return {"WWW-Authenticate": "Bearer"}
    return {}


def place(error: BaseException) -> str:
    """Return where an unforeseen error arose; its message may hold personal data, its place does not."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "nowhere"

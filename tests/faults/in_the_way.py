"""What can be in the way of a request: given it, how to sleep, and the call's budget, the end that it comes to."""

from collections.abc import Callable, Mapping

from drumbeat.core.outcomes import NotSent, Unknown
from drumbeat.core.request import Reply, Request

type Failure = NotSent | Unknown
type InTheWay = Callable[[Request, Callable[[float], None], float], Reply | Failure | None]  # None: nothing


def not_sent(reason: str) -> InTheWay:
    """Let no request leave."""
    return lambda request, sleep, budget: NotSent(reason)


def unreachable(path: str) -> InTheWay:
    """Let no request leave whose URL holds this."""
    return lambda request, sleep, budget: NotSent("connection refused") if path in request.url else None


def replied(status: int, headers: Mapping[str, str] | None = None) -> InTheWay:
    """Answer every request so, and do nothing."""
    return lambda request, sleep, budget: Reply(status, headers or {}, b"")


def forbidden(word: str) -> InTheWay:
    """Answer 403 to the requests that hold a word."""
    return lambda request, sleep, budget: (
        Reply(403, {}, b"") if word.encode() in request.body or word in request.url else None
    )


def silent(request: Request, sleep: Callable[[float], None], budget: float) -> Unknown:
    """Take every request, do nothing, and never answer."""
    sleep(budget)
    return Unknown("no complete reply in time")

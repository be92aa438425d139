"""Errors on their way out: `application/problem+json` that says what happened and what was not lost."""

from collections.abc import Callable

import psycopg
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from drumbeat.api.response import written
from drumbeat.core.errors import ConfigError, NotFound, Problem, SecretMissing, Unavailable, place
from drumbeat.infrastructure.sqs.client import SqsError
from drumbeat.wakeups.queue import QueueError
from drumbeat.web import problems

RETRY_AFTER_SECONDS = 5

type AsPage = Callable[[Problem, str], Response[str]]
READING = ("GET", "HEAD")


class Refused(Problem):
    """A configuration with mistakes."""

    status, slug, title = 400, "configuration-mistakes", "The configuration has mistakes"


class Unanswered(Unavailable):
    """A change whose outcome is not known."""

    title = "A part of Drumbeat does not answer right now"


class Problems:
    """Answers each of our errors, and anything unexpected, as a problem."""

    def __init__(self, app: APIGatewayHttpResolver, logger: Logger, as_page: AsPage | None = None) -> None:
        """`as_page` makes a page of a problem, for who asked for one."""
        self._app = app
        self._logger = logger
        self._as_page = as_page
        for errors, answer in (
            (Problem, self.known),
            (ConfigError, self.mistakes),
            ([psycopg.OperationalError, SqsError, QueueError, SecretMissing], self.unreachable),
            (NotFoundError, self.no_route),
            (Exception, self.unexpected),
        ):
            app.exception_handler(errors)(answer)

    def known(self, error: Problem, **facts: object) -> Response[str]:
        """Answer an error of ours, whose text is for the caller."""
        if self._as_page and "text/html" in self._request.headers.get("accept", ""):
            return self._as_page(error, self._request.request_context.request_id)
        body = problems.document(error, self._request.request_context.request_id, **facts)
        return Response(error.status, problems.MEDIA_TYPE, written(body), headers=problems.headers(error))

    def mistakes(self, error: ConfigError) -> Response[str]:
        """Answer a configuration that was refused, with every mistake at its place."""
        found = [{"file": each.file, "line": each.line, "message": each.message} for each in error.mistakes]
        refused = Refused(f"{len(found)} to correct; nothing was stored, the version in force stays")
        return self.known(refused, mistakes=found)

    def unreachable(self, error: Exception) -> Response[str]:
        """Answer that a dependency is unreachable; the log says which.

        The answer to a change may have been lost after it was made.
        """
        self._logger.warning("dependency_away", extra={"error": type(error).__name__})
        what = "the ledger" if isinstance(error, psycopg.Error) else "a part of Drumbeat"
        away = f"{what} cannot be reached; what was recorded is safe"
        if self._request.http_method in READING:
            return self.known(Unavailable(f"{away}; try again", RETRY_AFTER_SECONDS))
        unknown = "what was asked for may or may not have been done, and is safe to repeat: try again"
        return self.known(Unanswered(f"{away}; {unknown}", RETRY_AFTER_SECONDS))

    def no_route(self, _: NotFoundError) -> Response[str]:
        """Answer that there is no such route."""
        route = f"{self._request.http_method} {self._request.path}"
        return self.known(NotFound(f"there is no {route}; nothing was changed"))

    def unexpected(self, error: Exception) -> Response[str]:
        """Answer an unexpected error; its message may hold personal data, so only its type and place are logged."""
        self._logger.error("unforeseen", extra={"error": type(error).__name__, "place": place(error)})
        return self.known(Problem("it was logged under this request id; what was recorded is safe"))

    @property
    def _request(self) -> APIGatewayProxyEventV2:
        request = self._app.current_event
        assert isinstance(request, APIGatewayProxyEventV2)
        return request

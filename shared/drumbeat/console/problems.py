"""Errors on their way out: `application/problem+json` that says what happened and what was not lost."""

import json

import psycopg
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from drumbeat.errors import ConfigError, NotFound, Problem, SecretMissing, Unauthorized, Unavailable
from drumbeat.queue import QueueError
from drumbeat.sqs import SqsError

PROBLEM = "application/problem+json"
RETRY_AFTER = 5  # seconds


class Problems:
    """Answers each of our errors, and anything unforeseen, as a problem."""

    def __init__(self, app: APIGatewayHttpResolver, logger: Logger) -> None:
        self._app = app
        self._logger = logger
        for errors, answer in (
            (Problem, self.known),
            (ConfigError, self.mistakes),
            ([psycopg.OperationalError, SqsError, QueueError, SecretMissing], self.away),
            (NotFoundError, self.nowhere),
            (Exception, self.unforeseen),
        ):
            app.exception_handler(errors)(answer)

    def known(self, error: Problem) -> Response[str]:
        """Answer an error that says itself what it means."""
        response = self._respond(error.status, error.slug, error.title, error.detail)
        if isinstance(error, Unavailable):
            response.headers["Retry-After"] = str(error.retry_after)
        if isinstance(error, Unauthorized):
            response.headers["WWW-Authenticate"] = "Bearer"
        return response

    def mistakes(self, error: ConfigError) -> Response[str]:
        """Answer a configuration that was refused, with every mistake at its place."""
        found = [{"file": each.file, "line": each.line, "message": each.message} for each in error.mistakes]
        detail = f"{len(found)} to correct; nothing was stored, the version in force stays"
        title = "The configuration has mistakes"
        return self._respond(400, "configuration-mistakes", title, detail, mistakes=found)

    def away(self, error: Exception) -> Response[str]:
        """Answer that a dependency does not; what it was is for the log."""
        self._logger.warning("dependency_away", extra={"error": type(error).__name__})
        what = "the ledger" if isinstance(error, psycopg.Error) else "a part of Drumbeat"
        return self.known(Unavailable(f"{what} cannot be reached; what was recorded is safe; try again", RETRY_AFTER))

    def nowhere(self, _: NotFoundError) -> Response[str]:
        """Answer that there is no such route."""
        return self.known(NotFound(f"no route {self._request.http_method} {self._request.path}"))

    def unforeseen(self, error: Exception) -> Response[str]:
        """Answer an error of ours; its message may hold personal data, so only its kind and place are logged."""
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "nowhere"
        self._logger.error("unforeseen", extra={"error": type(error).__name__, "where": where})
        return self.known(Problem("it was logged under this request id; what was recorded is safe"))

    @property
    def _request(self) -> APIGatewayProxyEventV2:
        request = self._app.current_event
        assert isinstance(request, APIGatewayProxyEventV2)
        return request

    def _respond(self, status: int, slug: str, title: str, detail: str, **facts: object) -> Response[str]:
        body = {
            "type": f"urn:drumbeat:problem:{slug}",
            "title": title,
            "status": status,
            "detail": detail,
            **facts,
            "requestId": self._request.request_context.request_id,
        }
        return Response(status, PROBLEM, json.dumps(body, ensure_ascii=False), headers={})

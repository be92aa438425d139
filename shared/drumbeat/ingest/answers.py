"""Answers over HTTP: receipts, results of a batch, and problems in one form for all that is refused or fails."""

import json
from collections.abc import Sequence

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from drumbeat.core.clock import SystemClock
from drumbeat.core.errors import (
    FormRefused,
    NotFound,
    Problem,
    SecretMissing,
    TooLarge,
    TooMany,
    Unauthorized,
    Unavailable,
    place,
)
from drumbeat.ingest.rationing import Ration
from drumbeat.ingest.receipt import Receipt
from drumbeat.sources.signature import Reply
from drumbeat.web import problems

JSON = "application/json"
RETRY_AFTER_SECONDS = 5  # while a parameter cannot be read: a throttled store answers within seconds


WEBHOOKS = "/v1/webhooks/"
BY_ANYONE = (WEBHOOKS, "/v1/forms/", "/f/", "/c/", "/u/")  # paths that need no API key
# Says nothing of a caller: a stranger can cause it as often as they like.
ANONYMOUS = (Unauthorized, NotFound)


class Answers:
    """Makes the answers of one function and writes one log line for each, without anything of what was sent.

    What anyone can cause without a key or a signature shares one line a kind and minute, so that it fills no log.
    """

    def __init__(self, app: APIGatewayHttpResolver, logger: Logger) -> None:
        self._app = app
        self._logger = logger
        self._refusals: Ration[tuple[str, str]] = Ration(SystemClock().elapsed)
        app.exception_handler(Problem)(self.problem)
        app.exception_handler(NotFoundError)(self._no_route)
        app.exception_handler(SecretMissing)(self.secret_missing)
        app.exception_handler(Exception)(self._unexpected)

    def receipt(self, receipt: Receipt) -> Response[str]:
        """Answer one event: 202, 200 for a repeat, or as the sender of a webhook needs it, whatever became of it."""
        id = str(receipt.event_id)
        self._logger.set_correlation_id(id)
        self._logger.info(receipt.status, extra={"replayed": receipt.replayed})
        reply = receipt.reply or Reply(200 if receipt.replayed else 202)
        body = json.dumps({"eventId": id, "status": receipt.status}) if reply.body is None else reply.body
        return Response(
            reply.status, reply.media_type, body, {"Idempotent-Replayed": "true"} if receipt.replayed else {}
        )

    def webhook(self, answer: Receipt | Reply) -> Response[str]:
        """Answer one request of a webhook's sender: a delivery, or a question that is no event."""
        if isinstance(answer, Receipt):
            return self.receipt(answer)
        self._logger.info("asked")
        return Response(answer.status, answer.media_type, answer.body)

    def acted(self, done: str) -> None:
        """Log what a person's press of a button did; of whom is not said."""
        self._logger.info(done)

    def batch(self, results: Sequence[Receipt | Problem]) -> Response[str]:
        """Answer a batch, one result for each event, in order."""
        refused = sum(isinstance(one, Problem) for one in results)
        self._logger.info("batch", extra={"events": len(results), "refused": refused})
        return Response(207, JSON, json.dumps({"results": [self._result(one) for one in results]}))

    def problem(self, problem: Problem) -> Response[str]:
        """Answer what was refused."""
        path = str(self._app.current_event.raw_event["rawPath"])
        if not path.startswith(BY_ANYONE) and not isinstance(problem, ANONYMOUS):
            self._logger.info("refused", extra={"problem": problem.slug})
        else:
            self._seldom(problem.slug, _source(path, problem))
        return Response(
            problem.status, problems.MEDIA_TYPE, json.dumps(self._document(problem)), problems.headers(problem)
        )

    def _seldom(self, problem: str, source: str = "") -> None:
        self._refusals.add((problem, source))
        for (refused, where), number in self._refusals.due():
            self._logger.info("refused", extra={"problem": refused, "source": where, "count": number})

    def _no_route(self, _: NotFoundError) -> Response[str]:
        return self.problem(NotFound("There is no such method and path. Nothing was stored."))

    def secret_missing(self, error: SecretMissing) -> Response[str]:
        """Answer while a parameter of this function cannot be read: a start in an outage of the parameter store."""
        self._seldom(f"secret_missing {error.reference}")
        return self.problem(
            Unavailable(
                "A parameter of Drumbeat cannot be read. Nothing was stored; send the same request again later.",
                retry_after=RETRY_AFTER_SECONDS,
            )
        )

    def _unexpected(self, error: Exception) -> Response[str]:
        """Answer an unexpected error. Its message may hold personal data, so only its type and place are logged."""
        self._logger.error("failed", extra={"error": type(error).__name__, "place": place(error)})
        return self.problem(
            Problem(
                "It is logged under this request id. Nothing is promised about this request; send it again with the "
                "same idempotency key, which can do no harm."
            )
        )

    def _result(self, one: Receipt | Problem) -> dict[str, object]:
        if isinstance(one, Problem):
            return {"status": one.status, "problem": self._document(one)}
        return {"status": 200 if one.replayed else 202, "eventId": str(one.event_id)}

    def _document(self, problem: Problem) -> dict[str, object]:
        return problems.document(problem, self._app.current_event.raw_event["requestContext"]["requestId"])


def _source(path: str, problem: Problem) -> str:
    """Return the source that a path names where it is configured: other names are as many as anyone likes.

    "" for those, and for links: what they name is personal.
    """
    known = isinstance(problem, Unauthorized | TooLarge | FormRefused | TooMany)
    return path.rpartition("/")[2] if known and path.startswith((WEBHOOKS, "/v1/forms/")) else ""

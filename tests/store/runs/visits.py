"""Visits of the pages that mails link to, as mailbox providers and scanners make them."""

from typing import Any, cast

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from drumbeat.ingest.answers import Answers
from drumbeat.ingest.door import Door
from drumbeat.public.routes import Routes
from drumbeat.services import Services

ONE_CLICK = "List-Unsubscribe=One-Click"


class Visits:
    """Asks the public pages of a deployment; each method returns the status of the answer."""

    def __init__(self, services: Services) -> None:
        self._app = APIGatewayHttpResolver()
        Routes(self._app, Answers(self._app, Logger()), lambda: Door(services))

    def follow(self, url: str) -> int:
        """Look at a page, as a scanner of links does."""
        return self._visit("GET", url)

    def unsubscribe(self, url: str) -> int:
        """Post by one click, as mailbox providers do for people."""
        return self._visit("POST", url, ONE_CLICK)

    def _visit(self, method: str, url: str, body: str = "") -> int:
        path = "/" + url.split("/", 3)[3]
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": f"{method} {path}",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"content-type": "application/x-www-form-urlencoded"},
            "requestContext": {
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
                "requestId": "r",
                "stage": "$default",
            },
            "body": body,
            "isBase64Encoded": False,
        }
        status: int = self._app.resolve(event, cast(LambdaContext, None))["statusCode"]
        return status

"""Routing by path: vendors, the control API and the pages."""

import traceback
from collections.abc import Awaitable, Callable

from drumbeat.sandbox import sns_endpoints
from drumbeat.sandbox.control import control
from drumbeat.sandbox.feedback import Webhook
from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse, json_response
from drumbeat.sandbox.origin import refusal
from drumbeat.sandbox.sandbox import CONTROL, Sandbox
from drumbeat.sandbox.sender import Sender
from drumbeat.sandbox.vendors import registry

SNS = "ses"  # Amazon SES reports by way of SNS, which has its addresses below the same path


class Router:
    """The handler of every connection."""

    def __init__(self, sandbox: Sandbox, sender: Sender | None = None) -> None:
        self._sandbox = sandbox
        self._sender = sender

    def __call__(
        self, request: HttpRequest, when_gone: Callable[[Callable[[], None]], None]
    ) -> HttpResponse | Awaitable[HttpResponse]:
        """Answer one request; never raises."""
        _, first, rest = (request.path + "/").split("/", 2)
        try:
            vendor = first in registry.names()
            if (foreign := refusal(request.method, request.headers, pages=not vendor)) is not None:
                return json_response(403, {"error": foreign})
            if first == SNS and (served := sns_endpoints.answer(self._sandbox, request)) is not None:
                return served
            if vendor:
                response = self._sandbox.handle(registry.get(first), request, "/" + rest.removesuffix("/"), when_gone)
                return self._after_reports(response)
            if first == CONTROL:
                return control(self._sandbox, request)
            from drumbeat.sandbox.inbox import page  # imports the template engine, which a start does not need

            return page(self._sandbox, request)
        except Exception as error:  # noqa: BLE001  (a bug of ours must not look like a provider's response)
            traceback.print_exc()
            return json_response(599, {"sandbox_bug": f"{type(error).__name__}: {error}"})

    def _after_reports(self, response: HttpResponse) -> HttpResponse | Awaitable[HttpResponse]:
        """Hold a response back until what a fault wants to be reported before it was sent."""
        if self._sender is None or not (first := self._sandbox.due_first()):
            return response
        return _held(self._sender, first, response)


async def _held(sender: Sender, first: list[Webhook], response: HttpResponse) -> HttpResponse:
    await sender.send_first(first)
    return response

"""Routing by path: vendors, the control API and the pages."""

import traceback
from collections.abc import Awaitable, Callable

from drumbeat.sandbox.control import control
from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse, json_response
from drumbeat.sandbox.origin import refusal
from drumbeat.sandbox.sandbox import CONTROL, Sandbox
from drumbeat.sandbox.vendors import registry


class Router:
    """The handler of every connection."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def __call__(
        self, request: HttpRequest, when_gone: Callable[[Callable[[], None]], None]
    ) -> HttpResponse | Awaitable[HttpResponse]:
        """Answer one request; never raises."""
        _, first, rest = (request.path + "/").split("/", 2)
        try:
            vendor = first in registry.names()
            if (foreign := refusal(request.method, request.headers, pages=not vendor)) is not None:
                return json_response(403, {"error": foreign})
            if vendor:
                return self._sandbox.handle(registry.get(first), request, "/" + rest.removesuffix("/"), when_gone)
            if first == CONTROL:
                return control(self._sandbox, request)
            from drumbeat.sandbox.inbox import page  # imports the template engine, which a start does not need

            return page(self._sandbox, request)
        except Exception as error:  # noqa: BLE001  (a bug of ours must not look like a provider's response)
            traceback.print_exc()
            return json_response(599, {"sandbox_bug": f"{type(error).__name__}: {error}"})

"""The sandbox's front door: vendors, control and pages by path."""

import traceback
from collections.abc import Callable

from drumbeat.sandbox.control import control
from drumbeat.sandbox.http_messages import Answer, Inbound, reply
from drumbeat.sandbox.origin import admits
from drumbeat.sandbox.sandbox import VENDORS, Sandbox


class Front:
    """What a connection asks for its answers."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def __call__(self, request: Inbound, when_gone: Callable[[Callable[[], None]], None]) -> Answer:
        """Answer one request; never raises."""
        _, first, rest = (request.path + "/").split("/", 2)
        vendor = VENDORS.get(first)
        try:
            if vendor is not None:
                return self._sandbox.answer(vendor, request, "/" + rest.removesuffix("/"), when_gone)
            if not admits(request):
                return reply(403, {"error": "the sandbox answers this machine and its own pages only"})
            if first == "_sandbox":
                return control(self._sandbox, request)
            from drumbeat.sandbox.inbox import page  # templates cost a start nothing until somebody looks

            return page(self._sandbox, request)
        except Exception as error:  # noqa: BLE001  (a bug of ours must not pass for a provider's answer)
            traceback.print_exc()
            return reply(599, {"sandbox_bug": f"{type(error).__name__}: {error}"})

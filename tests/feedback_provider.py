"""A provider of repeat class F, for tests: Drumbeat ships none yet whose only evidence is what it tells by itself.

Its adapter is the one of HTTP receivers, and so is its place in the sandbox; what may be done after an unknown outcome
is what differs.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from drumbeat.core.request import Request
from drumbeat.providers import registry
from drumbeat.providers.base import Feedback, Repeat, Target
from drumbeat.providers.http_endpoint import HttpEndpoint


class Courier(HttpEndpoint):
    """Carries parcels. It knows no key, has no search, and reports within `horizon` seconds what it has done."""

    name = "courier"
    settings: Mapping[str, bool] = {"base_url": True, "horizon": True}

    def repeat(self, target: Target, request: Request | None = None) -> Repeat:
        """Wait for its word."""
        return Feedback(timedelta(seconds=int(target.settings["horizon"])))


COURIER = Courier()


def enrol() -> None:
    """Add the courier to this process's providers."""
    registry.register(Courier.name, "tests.feedback_provider:COURIER")


@contextmanager
def enrolled() -> Iterator[None]:
    """Add the courier to this process's providers for a while."""
    enrol()
    try:
        yield
    finally:
        registry.unregister(Courier.name)

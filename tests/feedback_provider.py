"""A provider of repeat class F, for tests: Drumbeat ships none yet whose only evidence is its feedback.

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
        """Wait for its feedback."""
        return Feedback(timedelta(seconds=int(target.settings["horizon"])))


def enrol() -> None:
    """Have this process know the courier."""
    registry._PROVIDERS[Courier.name] = Courier()
    registry.NAMES = tuple(registry._PROVIDERS)


@contextmanager
def enrolled() -> Iterator[None]:
    """Have this process know the courier for a while."""
    enrol()
    try:
        yield
    finally:
        del registry._PROVIDERS[Courier.name]
        registry.NAMES = tuple(registry._PROVIDERS)

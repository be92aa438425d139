"""A provider of repeat class F, for tests: one whose horizon is a setting.

It has the adapter and the sandbox vendor of HTTP receivers; what differs is what may be done after an unknown outcome.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from drumbeat.core.request import Request
from drumbeat.providers import registry
from drumbeat.providers.base import Feedback, Repeat, Target
from drumbeat.providers.http_endpoint import HttpEndpoint


class FeedbackProvider(HttpEndpoint):
    """A courier. It has no idempotency key and no search, and reports within `horizon` seconds what it has done."""

    name = "courier"
    settings: Mapping[str, bool] = {"base_url": True, "horizon": True}

    def repeat(self, target: Target, request: Request | None = None) -> Repeat:
        """Wait for its feedback."""
        return Feedback(timedelta(seconds=int(target.settings["horizon"])))


COURIER = FeedbackProvider()


def register() -> None:
    """Register the courier in this process."""
    registry.register(FeedbackProvider.name, "tests.feedback_provider:COURIER")


@contextmanager
def registered() -> Iterator[None]:
    """Register the courier in this process for a while."""
    register()
    try:
        yield
    finally:
        registry.unregister(FeedbackProvider.name)

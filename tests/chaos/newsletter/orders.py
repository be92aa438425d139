"""What people order meanwhile, one each second: each has its mail, which waits for no newsletter."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import quantiles

from tests.chaos.environment import Environment
from tests.chaos.newsletter.asking import ask
from tests.chaos.oracle import Performed
from tests.chaos.workload import Action

DOMAIN = "buyers.example.net"
EVERY_SECONDS = 1.0
THREADS = 8


@dataclass
class Orders:
    """Sends an order each second; `acknowledged` has when each was received, in seconds of the epoch."""

    environment: Environment
    acknowledged: dict[str, float] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin."""
        self._pool = ThreadPoolExecutor(THREADS)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Order no more, and wait until each is acknowledged."""
        self._ending.set()
        self._thread.join()
        self._pool.shutdown(wait=True)

    def _run(self) -> None:
        number = 0
        while not self._ending.wait(EVERY_SECONDS):
            number += 1
            self._pool.submit(self._order, f"order-{number}@{DOMAIN}")

    def _order(self, email: str) -> None:
        body = {"type": "LEAD_CAPTURE", "source": "shop", "payload": {"email": email}, "idempotencyKey": email}
        with suppress(TimeoutError):
            answered = ask(self.environment, "POST", "/v1/events", body)
            if answered.status in (200, 202):
                self.acknowledged[email] = answered.at
                return
        self.refused.append(f"an order was not acknowledged: {email}")


def waits(acknowledged: dict[str, float], done: dict[Action, Performed]) -> list[float]:
    """Return how long each order that has its mail waited for it, in seconds."""
    mails = {email: done.get(Action("gifts", email)) for email in acknowledged}
    return [max(0.0, mail.at - acknowledged[email]) for email, mail in mails.items() if mail is not None]


def shown(seconds: list[float]) -> str:
    """Describe them."""
    cuts = quantiles(seconds, n=100) if len(seconds) > 1 else [0.0] * 99
    return f"{len(seconds)}: median {cuts[49]:.1f} s, p99 {cuts[98]:.1f} s, longest {max(seconds, default=0.0):.1f} s"

"""People who leave while the newsletter is sent: by the link of an earlier mail, by a file, by a call, by a bounce."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from urllib.parse import urlsplit

from drumbeat.core.feedback import Kind
from tests.chaos.connection import Connection
from tests.chaos.environment import Environment
from tests.chaos.inboxes import Mail
from tests.chaos.newsletter import people
from tests.chaos.newsletter.asking import AGAIN_SECONDS, PATIENCE_SECONDS, ask

THREADS = 8
FORM = {"content-type": "application/x-www-form-urlencoded", "connection": "close"}
ONE_CLICK = b"List-Unsubscribe=One-Click"
SHARES = {"one-click": 0.35, "file": 0.15, "call": 0.15, "bounce": 0.2}  # of those who had the edition before


@dataclass
class Left:
    """Whose leaving was acknowledged, by the way they took, with when it was, in seconds of the epoch."""

    at: dict[str, dict[str, float]] = field(default_factory=lambda: {way: {} for way in SHARES})
    refused: list[str] = field(default_factory=list)


class Leavers:
    """Lets people leave at random moments of some seconds, by threads of their own."""

    def __init__(self, environment: Environment, mails: Sequence[Mail], seconds: float, random: Random) -> None:
        self.left = Left()
        self._environment = environment
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(THREADS)
        self._began = time.monotonic()
        chosen = random.sample(list(mails), round(len(mails) * sum(SHARES.values())))
        ways = [way for way, share in SHARES.items() for _ in range(round(len(mails) * share))]
        self._waiting = sorted(
            (random.uniform(0, seconds), mail.to, way, mail) for mail, way in zip(chosen, ways, strict=False)
        )

    def start(self) -> None:
        """Begin."""
        self._began = time.monotonic()
        for at, _, way, mail in self._waiting:
            self._pool.submit(self._leave, at, way, mail)

    def end(self) -> None:
        """Wait until all have left."""
        self._pool.shutdown(wait=True)

    def _leave(self, at: float, way: str, mail: Mail) -> None:
        time.sleep(max(0.0, self._began + at - time.monotonic()))
        ways: Mapping[str, Callable[[Mail], bool]] = {
            "one-click": self._click,
            "file": lambda mail: people.withdraw(self._environment, mail.to),
            "call": lambda mail: people.suppress(self._environment, mail.to),
            "bounce": self._bounce,
        }
        try:
            acknowledged = ways[way](mail)
        except TimeoutError as error:
            acknowledged = False
            way_said = f"{way}: {error}"
        else:
            way_said = way
        with self._lock:
            if acknowledged:
                self.left.at[way][mail.to] = time.time()
            else:
                self.left.refused.append(f"leaving was not acknowledged: {way_said}, {mail.to}")

    def _click(self, mail: Mail) -> bool:
        connection = Connection(urlsplit(self._environment.stack.ready["url"]).netloc, FORM)
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            status, _ = connection.send("POST", f"/u/{mail.token}", ONE_CLICK)
            connection.close()
            if status and status < 500:
                return status == 200
            time.sleep(AGAIN_SECONDS)
        return False

    def _bounce(self, mail: Mail) -> bool:
        order = {"provider": mail.provider, "key": mail.key, "kind": Kind.BOUNCED, "after": 0.0}
        return ask(self._environment, "POST", "/_sandbox/feedback", order).status == 201

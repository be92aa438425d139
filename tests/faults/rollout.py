"""One seed, one run of two releases: upgraded, rolled back and upgraded again while everything else goes on."""

from collections.abc import Callable, Mapping
from random import Random
from typing import override

from tests.faults.beside import Beside, Release, check_ledger
from tests.faults.environment import Environment
from tests.faults.interleaving import Interleaving
from tests.faults.runs import Simulate
from tests.faults.webhooks import Webhook

FUNCTIONS = ("ingest", "sender", "worker", "worker 1", "worker 2", "relay", "person", "feedback")
WEBHOOKS = (Webhook("order"), Webhook("form", "forms"))


class Rollout(Interleaving):
    """An interleaving whose seed also decides which process runs which release, and when that changes."""

    simulation: Beside

    def __init__(self, environment: Environment, simulate: Simulate, seed: int) -> None:
        self._choice = Random(seed + 2)
        self._release = self._choice.choice([*Release])  # that was deployed last to all functions
        super().__init__(environment, simulate, seed, kind=Beside)

    @override
    def _begin(self) -> None:
        self._deploy()
        super()._begin()

    @override
    def _parts(self) -> Mapping[str, Callable[[], None]]:
        return {**super()._parts(), "sender": self._sender, "deployment": self._deployment}

    def _deployment(self) -> None:
        for _ in range(self._choice.randint(2, 4)):
            self._wait("deployment", self._choice.randint(3, 25))
            self._deploy()

    def _deploy(self) -> None:
        """Deploy the other release to all functions, or each to some of them: a deployment that is not finished."""
        if self._choice.random() < 0.6:
            self._release = next(release for release in Release if release is not self._release)
            self.simulation.deploy(self._release, FUNCTIONS)
            return
        for release in Release:
            self.simulation.deploy(release, [name for name in FUNCTIONS if self._choice.random() < 0.5])

    def _sender(self) -> None:
        """Webhooks are delivered, each twice; the first answer may have been lost."""
        for sent in (*WEBHOOKS, *WEBHOOKS):
            self._wait("sender", self._choice.randint(0, 10))
            self.simulation.deliver_webhook(sent, "sender")

    @override
    def _end_faults(self) -> None:
        super()._end_faults()
        self._deploy()

    @override
    def _check(self) -> None:
        check_ledger(self.simulation)

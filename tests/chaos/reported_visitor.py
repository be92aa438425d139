"""A person of whose mails a provider reports what ends them: no mailbox, a full one, a complaint, or that they left."""

import json
from collections.abc import Callable, Mapping
from typing import override

from drumbeat.core.feedback import Kind
from tests.chaos.connection import Connection
from tests.chaos.inboxes import Mail
from tests.chaos.people import OFFERS
from tests.chaos.reports_oracle import SOFT_BOUNCES
from tests.chaos.visitor import EDITION_SECONDS, Visitor

LEAVES_AT = "mailgun"  # which reports that a person left by its own link
DELIVERED_SECONDS = 3.0  # after which the last delivery is over


class ReportedVisitor(Visitor):
    """One person, and what the sandbox is ordered to report of them at `sandbox`, an address."""

    sandbox: str

    @override
    def _ways(self) -> Mapping[str, Callable[[], None]]:
        return {
            "bounced": self._bounce,
            "full": self._be_full,
            "complaining": self._complain,
            "leaving there": self._leave_there,
        }

    def _bounce(self) -> None:
        """Never be mailed again: by no edition, and by no other sign-up."""
        self._report(self._first(), Kind.BOUNCED)
        self._edition(OFFERS)
        self._wait(self._random.uniform(0, 3))
        self._sign_up(OFFERS)
        self._edition(OFFERS)

    def _be_full(self) -> None:
        """Get some mails, all of which come back a little later."""
        self._sign_up(OFFERS)
        while len(mails := self._mails()) < SOFT_BOUNCES:
            self._edition(OFFERS)
            self._wait(EDITION_SECONDS)
        self._wait(DELIVERED_SECONDS)
        for mail in mails[:SOFT_BOUNCES]:
            self._report(mail, Kind.SOFT_BOUNCED)
        for _ in range(2):
            self._edition(OFFERS)
            self._wait(self._random.uniform(0, 3))

    def _complain(self) -> None:
        self._report(self._first(), Kind.COMPLAINED)
        for _ in range(2):
            self._edition(OFFERS)
            self._wait(self._random.uniform(0, 3))

    def _leave_there(self) -> None:
        """Leave by the provider's own link, and at times come back by the form."""
        self._report(self._first(LEAVES_AT), Kind.UNSUBSCRIBED)
        self._edition(OFFERS)
        if self._random.random() < 0.5:
            self._wait(self._random.uniform(0, 3))
            self._sign_up(OFFERS)
            self._edition(OFFERS)

    def _first(self, provider: str = "") -> Mail:
        """Sign up, and return the first mail by a provider."""
        self._sign_up(OFFERS)
        return self._until(lambda: [mail for mail in self._mails() if provider in ("", mail.provider)])[0]

    def _mails(self) -> list[Mail]:
        """Return each mail once."""
        return list({mail.id: mail for mail in self._inboxes.of(self._person.email, OFFERS)}.values())

    def _report(self, mail: Mail, kind: Kind, after: float = 0.0) -> None:
        """Order a report of a mail, until the sandbox has taken the order."""
        order = {"provider": mail.provider, "key": mail.key, "kind": kind, "after": after}
        connection = Connection(self.sandbox, {"content-type": "application/json", "connection": "close"})
        while True:
            status, answer = connection.send("POST", "/_sandbox/feedback", json.dumps(order).encode())
            connection.close()
            assert status in (0, 201) or status >= 500, answer
            if status == 201:
                return
            self._wait(self._random.uniform(0.2, 2.0))

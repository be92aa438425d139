"""What clients, people and providers do to a deployment. Each tries again until it is done, as they would.

Long, because everything that they may do is one vocabulary, and each word of it is short.
"""

import contextlib
import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from drumbeat.access import sql as access_sql
from drumbeat.campaigns import fire
from drumbeat.configuration import apply as applying
from drumbeat.core import fingerprint, ids
from drumbeat.core.address import keys_of, normalise
from drumbeat.core.errors import Problem, Stale, Unavailable
from drumbeat.core.events import Arrival
from drumbeat.core.status import Status
from drumbeat.ingest import batch, buffer, parking, recording, webhook
from drumbeat.ingest.parking_sql import Choice
from drumbeat.ingest.receipt import RECORDED, Receipt
from drumbeat.ingest.returns import FORM
from drumbeat.ingest.single import UNREACHABLE
from drumbeat.ledger.database import Row
from drumbeat.operations import decisions
from drumbeat.operations.decisions import MOVES, Decision
from drumbeat.operations.decisions_sql import Selection
from drumbeat.people import erasure, imports, suppressions, wishes
from drumbeat.people import sql as people_sql
from drumbeat.people.imports import Mode
from drumbeat.people.wishes import Taken, Wish, WishKind
from drumbeat.public import forms
from tests.faults import sample_deployment
from tests.faults.deployment import ACTOR, CALLER, Deployment
from tests.faults.fault_points import NoFaults, OneFault
from tests.faults.processes import Process
from tests.faults.reports import Told
from tests.faults.sample_deployment import Lead
from tests.faults.sample_people import Saying
from tests.faults.webhooks import Webhook

MAX_CLIENT_TRIES = 30

DECIDABLE = """
    SELECT id, seq
      FROM effects
     WHERE status = ANY (%(takes)s) AND (%(steps)s::text[] = '{}' OR step = ANY (%(steps)s))
     ORDER BY after IS NOT NULL, id
"""


class World(Deployment):
    """A deployment, and what those around it do."""

    def ingest(self, lead: Lead, who: str = "ingest") -> Receipt | None:
        """Be a client that sends a lead and tries again until it has a receipt."""
        for _ in range(MAX_CLIENT_TRIES):
            with self.living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                receipt = process.single.ingest(lead.body, caller=CALLER)
                self.receipts.append((lead, receipt))
                return receipt
            self.advance(1.0)
        return None

    def ingest_all(self, *leads: Lead, who: str = "ingest") -> None:
        """Be a client that sends many leads at once and tries again until it has a receipt for all."""
        body = b'{"events": [%s]}' % b", ".join(lead.body for lead in leads)
        for _ in range(MAX_CLIENT_TRIES):
            with self.living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                results = batch.ingest(body, process.door, caller=CALLER)
                self.receipts += [
                    (lead, receipt)
                    for lead, receipt in zip(leads, results, strict=True)
                    if isinstance(receipt, Receipt)
                ]
                return
            self.advance(1.0)

    def deliver_webhook(self, sent: Webhook, who: str = "ingest", *, id: str = "") -> None:
        """Be a sender that delivers a webhook and tries again until it is taken, possibly under an id of its choice."""
        for _ in range(MAX_CLIENT_TRIES):
            with self.living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                webhook.ingest(sent.source, sent.delivery(self.clock.timestamp(), id), process.door)
                self.delivered.append((sent, id))
                return
            self.advance(1.0)

    def deliver_as_formerly(self, sent: Webhook, who: str = "ingest") -> None:
        """Be that sender when a release answered that took the id for the key, though it is not signed."""
        for _ in range(MAX_CLIENT_TRIES):
            with self.living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                self._take(sent, "webhook", process)
                self.delivered.append((sent, ""))
                return
            self.advance(1.0)

    def say(self, saying: Saying, who: str = "ingest", *, meant: Saying | None = None) -> None:
        """Be a form, a page or a program that passes on what a person says, and tries again until that is taken.

        `meant`: what has to come of it, where that is not the event of its key.
        """
        for _ in range(MAX_CLIENT_TRIES):
            with self.living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                self.receipts.append((meant or saying, self._take(saying, saying.door, process)))
                return
            self.advance(1.0)

    def _take(self, sent: Webhook | Saying, door: str, process: Process) -> Receipt:
        """Record an event, or buffer it, as a door does."""
        arrival = Arrival(
            id=ids.event_id(sent.source, sent.name),
            source=sent.source,
            key=sent.name,
            type=sent.type,
            door=door,
            fingerprint=fingerprint.of_raw(sent.body),
            scheduled_at=None,
            received_at=process.clock.now(),
            body=sent.body,
        )
        if door == FORM:
            return forms.store(arrival, lambda key: None, process.door)
        try:
            return Receipt(recording.record(arrival, process.door).event, RECORDED)
        except UNREACHABLE:
            return buffer.put([arrival], process.door)[0]

    def withdraw(self, mail: UUID, *, of: str | None = None, who: str = "page") -> UUID:
        """Be a person who withdraws by the link of a mail, and presses again until a page says that it is done.

        Returns the event by which they do.
        """
        id, taken = self._wish(WishKind.WITHDRAW, mail, None if of is None else (of,), who)
        if taken in (Taken.RECORDED, Taken.WAITING):
            self.withdrawals.append((mail, of))
        if taken is Taken.WAITING and self._keeps_the_flag():
            self.invariants.left(mail, of)
        return ids.event_id(wishes.UNSUBSCRIBE_SOURCE, str(id))

    def confirm(self, mail: UUID, who: str = "page") -> Taken | None:
        """Be a person who confirms what a mail asks by its button, and presses again until a page says something."""
        taken = self._wish(WishKind.CONFIRM, mail, None, who)[1]
        self.presses.append((mail, taken))
        return taken

    def _wish(self, kind: WishKind, mail: UUID, lists: tuple[str, ...] | None, who: str) -> tuple[UUID, Taken | None]:
        id = UUID(int=self.random.getrandbits(128), version=4)
        for _ in range(MAX_CLIENT_TRIES):
            with self.living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                return id, wishes.take(Wish(kind, mail, id, lists, process.clock.now(), {}), process.door)
            self.advance(1.0)
        return id, None

    def _keeps_the_flag(self) -> bool:
        """Return whether Redis answers in this run: without it marketing may go on for a minute."""
        faults = self.point.faults
        return not self.outages.redis and (
            isinstance(faults, NoFaults) or (isinstance(faults, OneFault) and not faults.site.name.startswith("redis"))
        )

    def suppress(self, lead: Lead, who: str = "person", *, lifted: bool = False) -> None:
        """Suppress a lead's address, or lift that; try again until it is done."""
        change = suppressions.lift if lifted else suppressions.suppress
        for _ in range(MAX_CLIENT_TRIES):
            with self.living(who) as process, contextlib.suppress(psycopg.Error):
                change(lead.email, reason="unsubscribed", actor=ACTOR, services=process)
                self._suppressed(lead, lifted=lifted)
                return

    def _suppressed(self, lead: Lead, *, lifted: bool) -> None:
        self.lifted |= lifted
        if lifted:
            self.unwanted.discard(lead)
        elif lead not in (sent for sent, _ in self.receipts):
            self.unwanted.add(lead)

    def import_people(self, mode: Mode, *leads: Lead, who: str = "person") -> None:
        """Import a file of these people, and again until the command has ended: they get no mail, or withdraw."""
        rows = [(line, {"email": lead.email}) for line, lead in enumerate(leads, 2)]
        file = hashlib.sha256(str(rows).encode()).hexdigest()
        for _ in range(MAX_CLIENT_TRIES):
            with self.living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                imports.record(imports.Rows(file, rows, mode), process.door, caller=CALLER, actor=ACTOR)
                for lead in leads if mode is Mode.SUPPRESS else ():
                    self._suppressed(lead, lifted=False)
                return
            self.advance(1.0)

    def suppress_as_before(self, lead: Lead, who: str = "person") -> None:
        """Suppress a lead's address as a release of rules 1 does: under the key of then alone."""
        with self.living(who) as process:
            keys = keys_of(process.contact_secret, normalise(lead.email, 1), 1)
            people_sql.change(process.db, keys, reason="unsubscribed", actor=ACTOR, lifted=False)

    def decide(self, decision: Decision, *steps: str, even_if_sent: bool = False, who: str = "person") -> None:
        """Decide about every effect for which that is possible, or those of some steps, as a person would."""
        for row in self.decidable(decision, *steps):
            with self.living(who) as process, contextlib.suppress(psycopg.Error, Stale):
                self.resent[row["id"]] += decision is Decision.RESEND or even_if_sent
                decisions.decide(
                    row["id"],
                    decision,
                    reason="looked",
                    version=row["seq"],
                    actor=ACTOR,
                    services=process,
                    even_if_sent=even_if_sent,
                )

    def decidable(self, decision: Decision, *steps: str) -> list[Row]:
        """List the effects that a decision takes, of some steps or all; those that come after others last."""
        takes = [status.value for status in MOVES[decision].takes]
        return self.environment.owner.run(DECIDABLE, {"takes": takes, "steps": list(steps)})

    def decide_all(self, decision: Decision, *statuses: Status, who: str = "person") -> None:
        """Decide about all effects of some statuses at once, as a person would who has seen them now."""
        (row,) = self.environment.owner.run("SELECT drumbeat_now() AS now")
        with self.living(who) as process, contextlib.suppress(psycopg.Error):
            selection = Selection(statuses, row["now"])
            while decisions.decide_all(decision, selection, reason="looked", actor=ACTOR, services=process).left:
                pass

    def revoke_caller(self) -> None:
        """Revoke the API key of every client."""
        access_sql.revoke(self.environment.owner, CALLER.id, actor=ACTOR)

    def release_parked(self, lead: Lead, who: str = "person") -> None:
        """Be a person who records what was parked after all, and tries again until that is done."""
        self._decide_parked(lead, parking.release, who)

    def discard_parked(self, lead: Lead, who: str = "person") -> None:
        """Be a person who decides that what was parked is never recorded: its receipt promises nothing more."""
        self._decide_parked(lead, parking.discard, who)
        self.receipts[:] = [(sent, receipt) for sent, receipt in self.receipts if sent != lead]

    def _decide_parked(self, lead: Lead, act: Callable[..., object], who: str) -> None:
        for _ in range(MAX_CLIENT_TRIES):
            with self.living(who) as process, contextlib.suppress(psycopg.Error):
                act(Choice(events=(lead.event,)), reason="looked", actor=ACTOR, services=process)
                return
            self.advance(1.0)

    def report(self, *told: Told, who: str = "feedback") -> None:
        """Be providers that report what became of mails, each in a delivery that it repeats until it is taken."""
        for one in told if self.lists else ():
            self._report(one, who)

    def _report(self, told: Told, who: str) -> None:
        id = f"report-{self.random.getrandbits(64):x}"
        self.delivered_reports.append(told)
        for _ in range(MAX_CLIENT_TRIES):
            with self.living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                webhook.ingest(told.source, told.delivery(self.clock.timestamp(), id), process.door)
                self.told.append(told)
                return
            self.advance(1.0)

    def erase(self, lead: Lead, who: str = "person") -> None:
        """Erase a person; try again until it is done."""
        self.erased.add(lead)
        for _ in range(MAX_CLIENT_TRIES):
            with self.living(who) as process, contextlib.suppress(psycopg.Error, Unavailable):
                erasure.erase(lead.email, actor=ACTOR, services=process)
                return
            self.advance(1.0)

    def fire(self, campaign: str, scheduled: datetime, who: str = "scheduler") -> None:
        """Be the scheduler, which repeats a firing until it is taken."""
        for _ in range(MAX_CLIENT_TRIES):
            with self.living(who) as process, contextlib.suppress(psycopg.Error):
                fire(campaign, scheduled, process)
                return
            self.advance(1.0)

    def fired(self, campaign: str) -> list[datetime]:
        """List the instants of a campaign that are events."""
        rows = self.environment.owner.run(
            "SELECT scheduled_at FROM events WHERE source = %s AND door = 'schedule' ORDER BY scheduled_at", (campaign,)
        )
        return [row["scheduled_at"] for row in rows]

    def apply(self, who: str = "person", **changes: Any) -> bool:
        """Apply a configuration, as a person would; return False when it was refused or failed."""
        with self.living(who) as process, contextlib.suppress(psycopg.Error, Stale):
            document = sample_deployment.document(**{"lists": self.lists} | changes)
            templates = sample_deployment.templates(lists=self.lists)
            applying.apply(document, templates, actor=ACTOR, services=process)
            return True
        return False

"""Observes every commit about consent and attempts, and checks at once that it was allowed."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from drumbeat.core.reasons import ReasonCode
from drumbeat.ledger.database import Database
from drumbeat.views.run_totals import run_totals
from tests.faults.clock import SimulatedClock
from tests.faults.consent import Fact, state_of

FENCES_AND_LEASES = "SELECT id, fence, lease_until FROM effects WHERE id = ANY (%s)"
MAILS_OF_LISTS = """
    SELECT e.id, e.contact, e.list, e.confirms, e.status, e.reason_code, c.complained_at
      FROM effects e JOIN contacts c ON c.key = e.contact
     WHERE e.id = ANY (%s) AND e.list IS NOT NULL AND e.status IN ('sending', 'cancelled')
"""
SAID = """
    SELECT contact, list, event_id AS event, kind, by_person, at FROM consents WHERE contact = %s
"""
MAILED = """
    SELECT contact
      FROM effects e
     WHERE id = %s AND account = %s AND EXISTS (SELECT FROM attempts a WHERE a.effect_id = e.id)
"""
ASKED = """
    SELECT count(DISTINCT a.effect_id) AS mails
      FROM attempts a JOIN effects e ON e.id = a.effect_id
     WHERE e.contact = %s AND e.list = %s AND e.confirms AND a.opened_at > drumbeat_now() - interval '24 hours'
"""
OF_RUNS = """
    SELECT e.id, e.status, e.reason_code, r.state, cap.most, planned.contact IS NOT NULL AS planned,
           (SELECT count(*) FROM attempts WHERE effect_id = e.id) AS attempts,
           (SELECT count(DISTINCT other.id)
              FROM effects other
              JOIN attempts a ON a.effect_id = other.id
             WHERE other.contact = e.contact AND other.of_run AND other.list IS NOT NULL AND other.id <> e.id
               AND a.opened_at > drumbeat_now() - make_interval(secs => cap.seconds)) AS others
      FROM effects e
      JOIN runs r ON r.id = e.event_id
      JOIN configs c ON c.version = r.version
     CROSS JOIN LATERAL (SELECT c.compiled #> ARRAY['campaigns', r.campaign, 'cap'] AS it) AS configured
      LEFT JOIN LATERAL (SELECT (it ->> 0)::int AS most, (it ->> 1)::int AS seconds WHERE e.list IS NOT NULL) AS cap
        ON true
      LEFT JOIN recipients planned
        ON planned.run_id = r.id AND planned.contact = e.contact
       AND (coalesce(planned.left_since, planned.left_out))[array_position(r.steps, e.step)] IS NULL
     WHERE e.id = ANY (%s) AND e.of_run AND e.status IN ('sending', 'cancelled')
"""
SENDING = ("expanding", "running", "finished")  # states of a run of which mails may be opened
RUNS = "SELECT id FROM runs"
MOST_CONFIRMATIONS = 3  # to one person, for one list, in a day


# A worker that claims a mail afterwards reads that withdrawals wait, and puts it back.
LEFT_BEFORE = """
    SELECT e.id
      FROM effects e
      JOIN effects mail ON mail.id = %(mail)s AND mail.contact = e.contact
     WHERE e.id = %(effect)s AND coalesce(%(list)s, mail.list) IN (e.list, '*')
       AND (SELECT max(at) FROM journal WHERE effect_id = e.id AND to_status = 'claimed') > %(since)s
       AND NOT EXISTS (SELECT FROM consents c
                        WHERE c.contact = e.contact AND c.list = coalesce(%(list)s, mail.list)
                          AND c.kind = 'withdrawn' AND c.at >= %(since)s)
"""


class Invariants:
    """What was committed, in order, and which commits broke an invariant."""

    def __init__(self, owner: Database, clock: SimulatedClock) -> None:
        self.observed: list[tuple[str, object]] = []
        self.violations: list[str] = []
        self._owner = owner
        self._clock = clock
        self._left: list[tuple[UUID, str | None, datetime]] = []
        self._leases: dict[tuple[object, int], datetime] = {}  # of open attempts: from when on no call may be under way

    def left(self, mail: UUID, name: str | None) -> None:
        """Note a withdrawal that was acknowledged, and waits to be recorded: by which mail, of which other list."""
        self._left.append((mail, name, self._clock.now()))

    def observe(self, observed: Sequence[tuple[str, Any]]) -> None:
        """Check one commit."""
        moved = [facts[0] for what, facts in observed if what == "moved"]
        held = {row["id"]: row for row in self._owner.run(FENCES_AND_LEASES, (moved,))} if moved else {}
        for what, facts in observed:
            if what == "moved":
                self._move(*facts, **held[facts[0]])
            elif what == "people of runs":
                self._add_up()
            elif what == "bounced":
                self.observed += [("suppressed", row["contact"]) for row in self._owner.run(MAILED, facts)]
            else:
                self.observed.append((what, facts))
        if moved:
            self.violations += [*self._of_lists(moved), *self._of_runs(moved)]

    def _add_up(self) -> None:
        """Check after a commit that each person of a run is in exactly one place."""
        for run in self._owner.run(RUNS):
            self.violations += [
                f"run {run['id']} {step.step}: {step.unaccounted} people are in no place, or in two"
                for step in run_totals(self._owner, run["id"])
                if step.unaccounted
            ]

    def _of_runs(self, moved: Sequence[UUID]) -> Iterator[str]:
        """Check that a run's mail was opened for one of its plan, while it went on, and not once too often."""
        for one in self._owner.run(OF_RUNS, (list(moved),)):
            opened, about = one["status"] == "sending", f"{one['id']} of a run"
            if opened and not one["planned"]:
                yield f"{about} was opened, and its person is not in the plan"
            if opened and one["state"] not in SENDING:
                yield f"{about} was opened, while that is {one['state']}"
            if opened and one["most"] is not None and one["attempts"] == 1 and one["others"] >= one["most"]:
                yield f"{about} was opened, after {one['others']} others to its person"
            if one["reason_code"] == ReasonCode.CAPPED and (one["most"] is None or one["others"] < one["most"]):
                yield f"{about} was ended as one too many, after {one['others']} others"

    def _of_lists(self, moved: Sequence[UUID]) -> Iterator[str]:
        """Check that a mail to a list was opened because its person had agreed, or ended because they had not.

        Read right after the commit, before any other: so it is what was true at it.
        """
        for mail in self._owner.run(MAILS_OF_LISTS, (list(moved),)):
            state = state_of([Fact(**said) for said in self._owner.run(SAID, (mail["contact"],))], mail["list"])
            (asked,) = self._owner.run(ASKED, (mail["contact"], mail["list"]))
            opened, about = mail["status"] == "sending", f"{mail['id']} of {mail['list']}"
            if opened and mail["confirms"] and asked["mails"] > MOST_CONFIRMATIONS:
                yield f"{about} asks to confirm, the {asked['mails']}th time in a day"
            for left, name, since in self._left if opened and not mail["confirms"] else ():
                wish = {"effect": mail["id"], "mail": left, "list": name, "since": since}
                if self._owner.run(LEFT_BEFORE, wish):
                    yield f"{about} was opened, while its person's withdrawal waited"
            if opened and not mail["confirms"] and state != "given":
                yield f"{about} was opened, and consent is {state}"
            if opened and not mail["confirms"] and mail["complained_at"] is not None:
                yield f"{about} was opened, and its person has complained"
            if mail["reason_code"] == ReasonCode.NO_CONSENT and state == "given":
                yield f"{about} was ended for want of consent, which is given"
            if mail["reason_code"] == ReasonCode.NOT_ASKED and state not in ("given", "withdrawn"):
                yield f"{about} was not asked for, and its person has not decided: {state}"
            if mail["confirms"] and mail["reason_code"] == ReasonCode.CAPPED and asked["mails"] < MOST_CONFIRMATIONS:
                yield f"{about} was ended as one too many, after {asked['mails']}"

    def _move(self, effect: UUID, status: str, under: int, *, id: UUID, fence: int, lease_until: datetime) -> None:
        """Check that only the last fence or proof of acceptance moves an effect, and that one lease at a time calls."""
        if fence != under and status != "accepted":
            self.violations.append(f"{effect} was moved to {status} under fence {under}, it is {fence}")
        if status == "sending":
            self.observed.append(("opened", effect))
            self.violations += [
                f"{effect} was opened again under a lease that had not ended"
                for (other, _), until in self._leases.items()
                if other == effect and self._clock.now() < until
            ]
            self._leases[effect, under] = lease_until
        else:
            self._leases.pop((effect, under), None)

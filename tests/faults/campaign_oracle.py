"""Runs of campaigns, worked out anew: who was planned, what follows for each, and what became of that.

The plainest means are used: Python over the rows of recipients, where the code has statements over ranges.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID

from drumbeat.calendar.run_times import UNKNOWN, due
from drumbeat.core import ids
from drumbeat.core.reasons import ReasonCode
from drumbeat.delivery.requests import thaw
from drumbeat.ledger.database import Database, Row
from drumbeat.runs.times import loads
from drumbeat.views.run_totals import run_totals
from tests.faults.clock import EPOCH
from tests.faults.ends import wrong_end
from tests.faults.sample_people import OFFERS
from tests.faults.simulation import Simulation

RUNS = """
    SELECT r.id, r.campaign, r.version, r.steps, r.content, r.state, r.reason_code, r.seq, r.needs_approval,
           r.starts_at, r.created_at, p.chunks, p.gathered, p.expanded, p.matched, p.times, plans.hash,
           approvals.hash AS approved,
           (SELECT array_agg(j.seq || ' ' || coalesce(j.from_state, '') || '>' || j.to_state ORDER BY j.seq)
              FROM run_journal j WHERE j.run_id = r.id) AS moves
      FROM runs r
      JOIN run_progress p ON p.run_id = r.id
      LEFT JOIN plans ON plans.event_id = r.id
      LEFT JOIN approvals ON approvals.run_id = r.id
     ORDER BY r.id
"""
RECIPIENTS = "SELECT contact, due_at, zone, left_out, left_since FROM recipients WHERE run_id = %s ORDER BY contact"
EFFECTS = """
    SELECT id, step, contact, status, reason_code, reason, maybe_sent, due_at = 'infinity' AS resting
      FROM effects WHERE event_id = %s AND of_run ORDER BY id
"""
SENT = """
    SELECT r.effect_id, r.frozen, r.hash, leads.address ->> 'v' AS address
      FROM requests r JOIN effects e ON e.id = r.effect_id JOIN leads ON leads.contact = e.contact
     WHERE e.of_run AND r.frozen IS NOT NULL
"""
# Who had agreed before a run began, and has been on good terms since: the run is for them.
SURE = """
    SELECT key
      FROM contacts
      JOIN leads ON contact = key
     WHERE suppressed_at IS NULL AND complained_at IS NULL
       AND EXISTS (SELECT FROM consents c
                    WHERE c.contact = key AND c.list = %(list)s AND c.kind = 'given' AND c.by_person
                      AND c.recorded_at < %(before)s)
       AND NOT EXISTS (SELECT FROM consents c
                        WHERE c.contact = key AND c.list IN (%(list)s, '*') AND c.kind = 'withdrawn')
       AND NOT EXISTS (SELECT FROM suppressions s WHERE s.contact = contacts.key)
"""
BY_A_PERSON = {"cancelled", "paused", "awaiting_approval", "planned"}  # a person has done it, or has to do more
MOST_COMPLAINTS = 3  # of few people; then a run stops
UNTOUCHED = {"planned", "awaiting_approval", "missed"}  # nothing was sent


def check_runs(simulation: Simulation, *, strict: bool = False) -> list[str]:
    """Return what is wrong about runs once nothing is left to do."""
    owner = simulation.environment.owner
    done = Counter(action.effect for action in simulation.vendors.performed())
    runs = owner.run(RUNS)
    violations = [f"run {id} was asked for, and never began" for id in simulation.runs - {run["id"] for run in runs}]
    for run in runs:
        people = owner.run(RECIPIENTS, (run["id"],))
        effects = owner.run(EFFECTS, (run["id"],))
        wrong = [
            *_state(simulation, run),
            *_plan(run, people),
            *_born(run, people, effects),
            *_totals(owner, run, people, effects),
            *_ends(simulation, run, effects, done, strict=strict),
            *_left_out(owner, run, people),
        ]
        violations += [f"run of {run['campaign']}, {run['id']}: {each}" for each in wrong]
    return [*violations, *_addresses(simulation)]


def _state(simulation: Simulation, run: Row) -> Iterator[str]:
    """It has ended, or a person has to do something; and its journal leads there."""
    state, moves = run["state"], run["moves"]
    seqs, pairs = zip(*(move.split(" ") for move in moves), strict=True)
    ends = [pair.partition(">") for pair in pairs]
    if [*map(int, seqs)] != [*range(1, run["seq"] + 1)] or ends[-1][2] != state:
        yield f"it is {state} at {run['seq']}, and its journal says {moves}"
    if any(before[2] != after[0] for before, after in pairwise(ends)):
        yield f"its journal has a gap: {moves}"
    if state != "finished" and state not in BY_A_PERSON and not (state == "missed" and run["starts_at"]):
        yield f"it is {state}"
    if state == "cancelled" and not _may_be_cancelled(simulation, run):
        yield "it was cancelled, and no one asked for that"


def _may_be_cancelled(simulation: Simulation, run: Row) -> bool:
    complaints = sum(told.word == "complained" for told in simulation.delivered_reports)
    return run["id"] in simulation.cancelled or (run["reason_code"] == "complaints" and complaints >= MOST_COMPLAINTS)


def _plan(run: Row, people: Sequence[Row]) -> Iterator[str]:
    """The plan covers all who were recorded, and only that plan was approved and carried out."""
    started = any(move.endswith(">expanding") for move in run["moves"])
    if run["hash"] is None:
        if started:
            yield "it began without a plan"
        return
    head = "\x1f".join([str(run["version"]), run["campaign"], *run["steps"], run["content"].hex()])
    wanted = hashlib.sha256(head.encode() + _digest(run["chunks"], people)).digest()
    if run["gathered"] != run["chunks"] or run["matched"] != len(people) or run["hash"] != wanted:
        yield f"its plan is not over the {len(people)} people that are recorded"
    times = {each.zone: each for each in loads(run["times"])}
    if any(each["due_at"] != due(times[each["zone"] or UNKNOWN], each["contact"]) for each in people):
        yield "people of its plan are due at another time than its zones and pace say"
    if run["approved"] not in (None, run["hash"]):
        yield "another plan was approved"
    waited = any(move.endswith(">awaiting_approval") for move in run["moves"])
    if started and (run["needs_approval"] or waited) and run["approved"] is None:
        yield "it began without the approval that it needs"


def _digest(chunks: int, people: Sequence[Row]) -> bytes:
    digest = b""
    for number in range(chunks):
        low, high = ((2**32 * place // chunks) for place in (number, number + 1))
        some = [each for each in people if low <= int.from_bytes(each["contact"][:4]) < high]
        texts = b"".join(_text(each) for each in some)
        digest = hashlib.sha256(digest + (hashlib.sha256(texts).digest() if some else b"")).digest()
    return digest


def _text(each: Row) -> bytes:
    since = each["due_at"] - EPOCH
    micros: int = round(EPOCH.timestamp() * 1_000_000) + (since.days * 86_400 + since.seconds) * 1_000_000
    left_out: str = ",".join(reason or "-" for reason in each["left_out"] or [])
    contact: bytes = each["contact"]
    return b"".join([contact, (micros + since.microseconds).to_bytes(8), left_out.encode()])


def _is_meant(each: Row, place: int) -> bool:
    reasons = each["left_since"] or each["left_out"]  # the later word counts: it may have been sent all the same
    return not (reasons and reasons[place])


def _born(run: Row, people: Sequence[Row], effects: Sequence[Row]) -> Iterator[str]:
    """Each recipient who is not left out has one effect for each step, under the id that follows from both."""
    born = {row["id"]: row for row in effects}
    if run["state"] in UNTOUCHED and born:
        yield f"it is {run['state']}, and has {len(born)} effects"
    meant = {
        ids.effect_id(run["id"], f"campaign:{run['campaign']}", step, each["contact"].hex()): (step, each["contact"])
        for each in people
        for place, step in enumerate(run["steps"])
        if _is_meant(each, place)
    }
    if strange := born.keys() - meant.keys():
        yield f"{len(strange)} effects are for people whom its plan does not have, or leaves out"
    if run["expanded"] == run["chunks"] and (lost := meant.keys() - born.keys()):
        yield f"{len(lost)} people of its plan have no effect"
    for id in born.keys() & meant.keys():
        if (born[id]["step"], born[id]["contact"]) != meant[id]:
            yield f"{id} is another person's or step's"


def _totals(owner: Database, run: Row, people: Sequence[Row], effects: Sequence[Row]) -> Iterator[str]:
    """The view adds up, and says what counting row by row gives."""
    for place, (step, totals) in enumerate(zip(run["steps"], run_totals(owner, run["id"]), strict=True)):
        statuses = Counter(row["status"] for row in effects if row["step"] == step)
        said = {
            "accepted": totals.accepted,
            "refused": totals.refused,
            "held": totals.held,
            "waiting": totals.waiting,
            "cancelled": sum(totals.cancelled.values()),
        }
        left_out = sum(not _is_meant(each, place) for each in people)
        if totals.unaccounted or totals.matched != run["matched"] or sum(totals.left_out.values()) != left_out:
            yield f"{step} does not add up: {totals}"
        if {status: n for status, n in said.items() if n} != statuses:
            yield f"{step} has {dict(statuses)}, and the view says {said}"


def _ends(
    simulation: Simulation, run: Row, effects: Sequence[Row], done: Mapping[UUID, int], *, strict: bool
) -> Iterator[str]:
    reasons = [ReasonCode.CAPPED]
    reasons += [ReasonCode.RUN_CANCELLED] if _may_be_cancelled(simulation, run) else []
    reasons += [ReasonCode.MISSED] if run["starts_at"] else []
    for row in effects:
        if run["state"] == "paused" and row["status"] == "waiting":
            continue
        why = wrong_end(
            row,
            row["step"],
            done.get(row["id"], 0),
            risked=bool(simulation.resent[row["id"]]),
            strict=strict and not simulation.erased,
            reasons=reasons,
        )
        if why:
            yield f"{row['step']} is {row['status']} ({row['reason']}): {why}"


def _left_out(owner: Database, run: Row, people: Sequence[Row]) -> Iterator[str]:
    """Who was in the audience all the time is in the plan, and not left out of it."""
    if run["hash"] is None:
        return
    by_contact = {each["contact"]: each for each in people}
    for row in owner.run(SURE, {"list": OFFERS, "before": run["created_at"]}):
        each: Any = by_contact.get(row["key"])
        if each is None or {*(each["left_since"] or each["left_out"] or ())} - {None, "missed"}:
            yield f"{row['key'].hex()} agreed before it began, and is not in its plan: {each}"


def _addresses(simulation: Simulation) -> Iterator[str]:
    """What was sent names the person whose effect it is."""
    for row in simulation.environment.owner.run(SENT):
        body = thaw(row["frozen"], row["hash"]).body.replace(b"%40", b"@")
        if row["address"] and row["address"].encode() not in body:
            yield f"{row['effect_id']} was sent to another person"

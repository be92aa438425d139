"""The oracle: reads what the providers really did and what callers were promised, and compares the ledger with both."""

import json
from collections import Counter
from typing import Any
from uuid import UUID

from drumbeat.core import fingerprint
from drumbeat.core.call_times import LEASE
from drumbeat.core.configuration import Config
from drumbeat.core.events import Event
from drumbeat.core.status import ALLOWED
from drumbeat.observability.stages import MARKS
from drumbeat.planning.plan import plan, plan_flow
from drumbeat.views.counts import COUNTED_EFFECTS, COUNTED_HOURS, COUNTED_MINUTES
from drumbeat.views.violations import listed_violations
from tests.faults.campaign_oracle import check_runs
from tests.faults.ends import wrong_end
from tests.faults.fault_points import NoFaults
from tests.faults.peoples_oracle import check_people
from tests.faults.reports_oracle import check_reports
from tests.faults.sample_deployment import MAILS, Recorded
from tests.faults.sample_people import PEOPLES_STEPS
from tests.faults.simulation import Simulation
from tests.faults.vendors import PerformedAction

STANDING = "SELECT id, status, reason_code, reason, maybe_sent, due_at = 'infinity' AS resting FROM effects"
JOURNAL = """
    SELECT e.id, e.status, e.seq, e.fence,
           array_agg(coalesce(j.from_status, '') || '>' || j.to_status ORDER BY j.seq) AS moves,
           array_agg(j.seq ORDER BY j.seq) AS seqs, array_agg(j.fence ORDER BY j.seq) AS fences
      FROM effects e LEFT JOIN journal j ON j.effect_id = e.id
     GROUP BY e.id ORDER BY e.id
"""
ATTEMPTS = """
    SELECT a.effect_id, a.n, a.generation, a.identity, e.generation AS present, e.tries,
           (SELECT count(*) FROM journal j
             WHERE j.effect_id = a.effect_id AND j.to_status = 'sending' AND j.fence = a.n) AS openings,
           coalesce(r.hash = a.request_hash, erased.id IS NOT NULL) AS same
      FROM attempts a
      JOIN effects e ON e.id = a.effect_id
      LEFT JOIN events erased ON erased.id = e.event_id AND erased.key = erased_key(erased.id)
      LEFT JOIN requests r ON r.effect_id = a.effect_id AND r.generation = a.generation
"""
COUNTED = f"""
    SELECT what, sum(kept)::int AS kept, sum(there)::int AS there
      FROM (SELECT 'events' AS what, events AS kept, 0 AS there FROM ({COUNTED_MINUTES}) AS counted
             UNION ALL
            SELECT 'effects', effects, 0 FROM ({COUNTED_MINUTES}) AS counted
             UNION ALL
            SELECT 'effects of ' || account || ', ' || status, n, 0 FROM ({COUNTED_EFFECTS}) AS counted
             UNION ALL
            SELECT 'moves of ' || account || ', ' || move.of, move.n, 0
              FROM ({COUNTED_HOURS}) AS counted
             CROSS JOIN LATERAL (VALUES ('accepted', accepted), ('refused', refused), ('cancelled', cancelled),
                                        ('held', held), ('unknown', unknown), ('sending', attempts)) AS move (of, n)
             UNION ALL
            SELECT 'events', 0, 1 FROM events
             UNION ALL
            SELECT 'effects', 0, 1 FROM effects
             UNION ALL
            SELECT 'effects of ' || account || ', ' || counted_as(status), 0, 1 FROM effects
             UNION ALL
            SELECT 'moves of ' || account || ', ' || move.of, 0, 1
              FROM journal
              JOIN effects ON effects.id = journal.effect_id
             CROSS JOIN LATERAL (VALUES (to_status), (CASE from_status WHEN 'sending' THEN 'sending' END)) AS move (of)
             WHERE (move.of = to_status AND to_status IN ('accepted', 'refused', 'cancelled', 'held', 'unknown'))
                OR (move.of = 'sending' AND from_status = 'sending')) AS counts
     GROUP BY what
"""
ANSWERED_TWICE = """
    SELECT effect_id, n FROM outcomes WHERE origin IN ('answer', 'late') GROUP BY effect_id, n HAVING count(*) > 1
"""
FREED_EARLY = """
    SELECT freed.effect_id, freed.to_status
      FROM journal freed
      JOIN journal claim USING (effect_id, fence)
     WHERE freed.reason_code IN ('lease_ended', 'lease_ended_sending')
       AND claim.to_status = 'claimed'
       AND freed.at < claim.at + %s
"""
# What is proven only after it has ended is kept beside its end.
PROVEN = """
    SELECT DISTINCT e.id, e.status
      FROM effects e JOIN outcomes o ON o.effect_id = e.id AND o.generation = e.generation
     WHERE o.kind IN ('accepted', 'found')
       AND (e.status IN ('waiting', 'unknown', 'held')
            OR e.status = 'refused' AND o.id < (SELECT max(refused.id) FROM outcomes refused
                                                 WHERE refused.effect_id = e.id AND refused.kind = 'refused'))
"""
CONTACTS = """
    SELECT effects.id, effects.contact, contacts.former
      FROM effects
      LEFT JOIN contacts ON contacts.key = effects.contact
"""
DELIVERED = "SELECT id FROM events WHERE source = %s AND fingerprint = %s"
FACTS = "SELECT e.id, p.body FROM events e JOIN payloads p ON p.event_id = e.id WHERE e.delivery = %s ORDER BY e.key"
UNPLANNED = """
    SELECT id
      FROM events
     WHERE NOT EXISTS (SELECT FROM plans WHERE event_id = events.id)
       AND NOT EXISTS (SELECT FROM runs WHERE runs.id = events.id)
"""
REPLANNED = """
    SELECT flow, replans.version, replans.semantics, compiled
      FROM replans JOIN configs ON configs.version = replans.version
     WHERE event_id = %s
"""
PLANNED = """
    SELECT e.id, e.source, e.key, e.type, e.door, e.scheduled_at, e.received_at, e.delivery, p.body, plans.version,
           plans.hash, plans.semantics, configs.compiled
      FROM plans
      JOIN events e ON e.id = plans.event_id
      JOIN payloads p ON p.event_id = e.id
      JOIN configs ON configs.version = plans.version
     WHERE NOT EXISTS (SELECT FROM runs WHERE runs.id = plans.event_id)
"""


def check_promises(simulation: Simulation, *, strict: bool = False) -> None:
    """Check a run in which nothing is left to do; raises AssertionError with every broken promise.

    `strict`: one fault at most has happened, so only the classes F and X may be held, and nothing may be refused or
    cancelled.
    """
    violations = [
        *_at_any_time(simulation),
        *_lost(simulation, strict=strict),
        *_plans(simulation),
        *_evidence(simulation),
        *_counts(simulation),
        *check_people(simulation),
        *check_reports(simulation),
        *check_runs(simulation, strict=strict),
        *_traces(simulation),
    ]
    assert not violations, "\n".join(violations)


def check_promises_so_far(simulation: Simulation) -> None:
    """Check what must hold after every step; raises AssertionError."""
    violations = _at_any_time(simulation)
    assert not violations, "\n".join(violations)


def _at_any_time(simulation: Simulation) -> list[str]:
    return [
        *simulation.invariants.violations,
        *simulation.vendors.violations,
        *_doubled(simulation),
        *_journal(simulation),
        *_leases(simulation),
        *_attempts(simulation),
        *_consent(simulation),
        *_strange_keys(simulation),
        *_found_by_monitors(simulation),
    ]


def _found_by_monitors(simulation: Simulation) -> list[str]:
    """The monitors look with each sweep, and find nothing, whatever was cut or came late."""
    return [
        f"{each.invariant} of {each.subject}: {each.kind} {each.facts}"
        for each in listed_violations(simulation.environment.owner)
    ]


def _traces(simulation: Simulation) -> list[str]:
    """Once the collector is there again, it has a complete trace of everything, whatever had failed before."""
    if not simulation.traces.wanted:
        return []
    simulation.point.faults = NoFaults()
    simulation.traces.away = False
    of_the_run = len(simulation.point.sites)
    for _ in range(3):  # after a failure the first may be too early
        simulation.advance(7 * 3600.0)  # a full sweep is due
        simulation.sweep()
    del simulation.point.sites[of_the_run:]
    return simulation.traces.violations(simulation.environment.owner)


def _counts(simulation: Simulation) -> list[str]:
    """The counts that the ledger keeps are what counting gives, whoever wrote."""
    return [
        f"{row['kept']} {row['what']} are counted, and there are {row['there']}"
        for row in simulation.environment.owner.run(COUNTED)
        if row["kept"] != row["there"]
    ]


def _strange_keys(simulation: Simulation) -> list[str]:
    """Every key belongs to one installation, but for the list of those that are there."""
    keys: Any = simulation.environment.redis.keys()
    strange = {key.decode() for key in keys if not key.decode().startswith(tuple(simulation.prefixes))} - {MARKS}
    return [f"{key} has no prefix" for key in strange]


def _doubled(simulation: Simulation) -> list[str]:
    """I1: each effect was done at most once, and once more each time a person sent again what may have been sent."""
    performed = list(simulation.vendors.performed())
    keys = Counter(action.key for action in performed)
    effects = Counter(action.effect for action in performed)
    return [
        f"done {count} times under one key: {_described(simulation, key)}" for key, count in keys.items() if count > 1
    ] + [f"done {count} times: {effect}" for effect, count in effects.items() if count > 1 + simulation.resent[effect]]


def _lost(simulation: Simulation, *, strict: bool) -> list[str]:
    """I2, I3: what was promised was done once, or ended otherwise for an allowed reason."""
    rows = {row["id"]: row for row in simulation.environment.owner.run(STANDING)}
    events = {row["id"] for row in simulation.environment.owner.run("SELECT id FROM events")}
    done = Counter(action.effect for action in simulation.vendors.performed())
    recorded, violations = _delivered(simulation)
    erased = {lead.email for lead in simulation.erased}
    for lead in dict.fromkeys([*(lead for lead, _ in simulation.receipts), *recorded]):
        if lead.event not in events:
            violations.append(f"{lead.name} was promised, and is not recorded")
            continue
        for step, effect in lead.effects().items():
            if effect not in rows:
                violations.append(f"{lead.name} {step} was lost")
            elif why := wrong_end(
                rows[effect],
                step,
                done[effect],
                risked=bool(simulation.resent[effect]),
                strict=strict and lead not in simulation.forbidden and lead.email not in erased,
            ):
                violations.append(f"{lead.name} {step} is {rows[effect]['status']} ({rows[effect]['reason']}): {why}")
    return violations


def _delivered(simulation: Simulation) -> tuple[list[Recorded], list[str]]:
    """Return the events of each webhook that was taken, and which of them, or of its facts, is not one event."""
    recorded: list[Recorded] = []
    violations: list[str] = []
    for sent in dict.fromkeys(sent for sent, _ in simulation.delivered):
        events = simulation.environment.owner.run(DELIVERED, (sent.source, fingerprint.of_raw(sent.body)))
        if len(events) != 1:
            violations.append(f"{sent.name} was delivered by {sent.source} and is {len(events)} events")
        if not sent.people:
            recorded += [Recorded(sent.name, sent.type, id=row["id"]) for row in events]
            continue
        facts = [row for event in events for row in simulation.environment.owner.run(FACTS, (event["id"],))]
        names = [json.loads(row["body"])["name"] for row in facts]
        recorded += [Recorded(name, sent.type, id=row["id"]) for name, row in zip(names, facts, strict=True)]
        if names != list(sent.people):
            violations.append(f"{sent.name} holds {list(sent.people)} and became the events {names}")
    return recorded, violations


def _journal(simulation: Simulation) -> list[str]:
    """I5, I7: the journal leads to each effect's status by allowed moves, each opening under a fence of its own."""
    allowed = {f"{before or ''}>{after}" for before, after in ALLOWED}
    violations: list[str] = []
    for row in simulation.environment.owner.run(JOURNAL):
        moves = row["moves"]
        ends = [move.partition(">")[2] for move in moves]
        starts = [move.partition(">")[0] for move in moves]
        if row["seqs"] != list(range(1, row["seq"] + 1)) or starts != ["", *ends[:-1]] or ends[-1] != row["status"]:
            violations.append(f"{row['id']} is {row['status']}, its journal says {moves}")
        if not set(moves) <= allowed:
            violations.append(f"{row['id']} moved {set(moves) - allowed}")
        if row["fences"] != sorted(row["fences"]) or row["fences"][-1] > row["fence"]:
            violations.append(f"{row['id']} went under the fences {row['fences']}")
    return violations


def _leases(simulation: Simulation) -> list[str]:
    """A claim is taken for dead only when its lease has ended."""
    rows = simulation.environment.owner.run(FREED_EARLY, (LEASE,))
    return [f"{row['effect_id']} became {row['to_status']} under a lease that had not ended" for row in rows]


def _attempts(simulation: Simulation) -> list[str]:
    """I4, I8: each attempt has the bytes of its generation and an opening of its own, under one login."""
    violations: list[str] = []
    logins: dict[tuple[UUID, int], str] = {}
    tried: Counter[UUID] = Counter()
    tries: dict[UUID, int] = {}
    for row in simulation.environment.owner.run(ATTEMPTS):
        key = (row["effect_id"], row["generation"])
        if row["openings"] != 1 or not row["same"]:
            violations.append(f"{key} attempt {row['n']}: {row['openings']} openings, frozen bytes: {row['same']}")
        if logins.setdefault(key, row["identity"]) != row["identity"]:
            violations.append(f"{key} was tried under two logins")
        if row["generation"] == row["present"]:
            tried[row["effect_id"]] += 1
            tries[row["effect_id"]] = row["tries"]
    for row in simulation.environment.owner.run(ANSWERED_TWICE):
        violations.append(f"{row['effect_id']} attempt {row['n']} has two answers")
    violations += [f"{id} counts {tries[id]} tries in {tried[id]} attempts" for id in tries if tries[id] > tried[id]]
    return violations


def _plans(simulation: Simulation) -> list[str]:
    """Each event has one plan, the same that any other machine would make."""
    owner = simulation.environment.owner
    violations = [f"event {row['id']} has no plan" for row in owner.run(UNPLANNED)]
    for row in owner.run(PLANNED):
        version, expected, compiled = row.pop("version"), row.pop("hash"), row.pop("compiled")
        semantics = row.pop("semantics")
        event = Event(**row)
        made = plan(event, Config.load(version, compiled).by(semantics))
        wanted = {effect.id for effect in made.effects}
        for again in owner.run(REPLANNED, (event.id,)):
            later = Config.load(again["version"], again["compiled"]).by(again["semantics"])
            wanted |= {effect.id for effect in plan_flow(event, later, again["flow"]).effects}
        born = {each["id"] for each in owner.run("SELECT id FROM effects WHERE event_id = %s", (event.id,))}
        if made.hash != expected or born != wanted:
            violations.append(f"event {row['id']} was planned otherwise than version {version} says")
    return violations


def _evidence(simulation: Simulation) -> list[str]:
    """Evidence is never discarded: what a provider is known to have accepted is not left open."""
    return [f"{row['id']} is {row['status']} against evidence" for row in simulation.environment.owner.run(PROVEN)]


def _consent(simulation: Simulation) -> list[str]:
    """I6: in the order of commits, nothing is opened for a suppressed contact."""
    contacts = {row["id"]: {row["contact"], row["former"]} for row in simulation.environment.owner.run(CONTACTS)}
    suppressed: set[object] = set()
    violations: list[str] = []
    for what, about in simulation.invariants.observed:
        if what == "suppressed":
            suppressed.add(about)
        elif what == "lifted":
            suppressed.discard(about)
        elif contacts.get(about, set()) & suppressed:
            violations.append(f"{about} was opened after its contact was suppressed")
    done = {action.effect for action in simulation.vendors.performed()}
    violations += [
        f"{lead.name} was suppressed and got {step}"
        for lead in simulation.unwanted
        for step, effect in lead.effects().items()
        if step in (*MAILS, *PEOPLES_STEPS) and effect in done
    ]
    return violations


def _described(simulation: Simulation, key: str) -> str:
    effect = PerformedAction("", "", key).effect
    rows = simulation.environment.owner.run("SELECT step, status, reason FROM effects WHERE id = %s", (effect,))
    return f"{key} {rows}"

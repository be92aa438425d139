"""From recorded events to recorded, partly claimed effects."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from drumbeat.core.address import Keys, keys_of
from drumbeat.core.configuration import Config
from drumbeat.core.errors import NotUnderstood, place
from drumbeat.core.events import Event, EventType
from drumbeat.core.feedback import Kind
from drumbeat.core.status import Status
from drumbeat.delivery import candidates_sql, plans_sql
from drumbeat.delivery.budget import BYTES_PER_BATCH, EFFECTS_CLAIMED_WHEN_PLANNED, LATE_PLANNING
from drumbeat.delivery.candidates_sql import Candidate, Turn
from drumbeat.delivery.effects import Claimed
from drumbeat.delivery.feedback import settle
from drumbeat.delivery.person import person_of
from drumbeat.delivery.splits import record_splits
from drumbeat.delivery.splits_sql import Split
from drumbeat.ledger.batches import REFUSED_OR_LOCKED, write_apart
from drumbeat.ledger.database import Row
from drumbeat.planning.plan import NEVER_ENDS, Plan, PlannedEffect, plan, plan_flow, without_planning
from drumbeat.runs.advance import expect_soon
from drumbeat.runs.begin import begin, run_of
from drumbeat.runs.complaints import judge
from drumbeat.services import Services

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Planned:
    """What planning a batch of events left to do."""

    claimed: list[Claimed] = field(default_factory=list)
    due_later: list[tuple[UUID, float]] = field(default_factory=list)  # effects; seconds until due, 0: now
    missing: set[UUID] = field(default_factory=set)  # event ids that the ledger does not know
    ours: set[UUID] = field(default_factory=set)  # events whose plan was made here; another may be busy with the rest
    left: list[UUID] = field(default_factory=list)  # events whose bodies did not fit beside the others
    suspects: list[UUID] = field(default_factory=list)  # events to be planned alone: they may end their worker
    runs: list[UUID] = field(default_factory=list)  # that have steps to take
    stopped: list[UUID] = field(default_factory=list)  # runs, by the complaints about them
    only_reports: bool = False  # of providers, and no effect follows from them


@dataclass(frozen=True, slots=True)
class _Made:
    """A plan of one event, not yet recorded; `flow` names the single flow of a re-plan."""

    event: Event
    plan: Plan
    flow: str | None


def plan_events(ids: Sequence[UUID], services: Services, *, alone: bool = False) -> Planned:
    """Plan what is not planned yet, record it, and claim what is due. Two statements for the whole batch, and one more
    for each lot of deliveries that are split.

    An event whose planning has not come to its end is only planned `alone`, and given up after three times. While the
    configuration in force is one that this release must not act on, the events stay as they are.
    """
    candidates = candidates_sql.read(
        services.db,
        ids,
        late=LATE_PLANNING,
        lease=services.settings.times.lease,
        most_bytes=BYTES_PER_BATCH,
        alone=alone,
    )
    found = Planned(
        missing=set(ids) - {candidate.event.id for candidate in candidates},
        left=[candidate.event.id for candidate in candidates if candidate.turn is Turn.LATER],
        suspects=[candidate.event.id for candidate in candidates if candidate.turn is Turn.ALONE],
    )
    newest = candidates[0].newest_version if candidates else None
    if newest is None:  # events wait for the first configuration
        return found
    try:
        config = services.configuration(newest)
    except NotUnderstood as error:
        _LOG.error("configuration_not_understood", extra={"reason": str(error), "events": len(candidates)})
        return replace(found, left=[], suspects=[])
    found.runs.extend(_runs(candidates, config, services))
    made = _make_plans([each for each in candidates if each.event.id not in found.runs], config)
    reported = {one.event.id: one.plan.reported for one in made if one.event.type == EventType.FEEDBACK}
    settle(reported, services)
    if complained := [id for id, one in reported.items() if one and one.report.kind is Kind.COMPLAINED]:
        found.stopped.extend(judge(complained, services))
    found.ours.update(_split([one for one in made if one.plan.facts], services))  # before anything is claimed
    whole = [one for one in made if not one.plan.facts]
    found = replace(found, only_reports=not found.runs and all(_only_reports(one) for one in made))
    return _record(whole, config, found, services) if whole else found


def _runs(candidates: Sequence[Candidate], config: Config, services: Services) -> Iterator[UUID]:
    """Begin the runs among these events; yield all that are runs."""
    for candidate in candidates:
        if not candidate.is_run:
            if candidate.turn is not Turn.PLAN or candidate.planned_version or run_of(candidate.event, config) is None:
                continue
            expect_soon(candidate.event.id, services)
            begin(candidate.event, config, services)
        yield candidate.event.id


def _only_reports(one: _Made) -> bool:
    return one.event.type == EventType.FEEDBACK and not (one.plan.effects or one.plan.facts)


def _split(made: Sequence[_Made], services: Services) -> set[UUID]:
    """Record deliveries with the facts that they are split into; return those that the ledger took."""
    refused: set[UUID] = set()

    def refuse(split: Split, error: Exception) -> None:
        refused.add(split.plan.event_id)
        _LOG.error("not_split", extra={"event_id": str(split.plan.event_id), "error": type(error).__name__})

    record_splits([Split(_new_plan(one, services), one.plan.facts) for one in made], services, refuse)
    return {one.event.id for one in made} - refused


def _record(made: Sequence[_Made], config: Config, found: Planned, services: Services) -> Planned:
    steps = {effect.id: (one, effect) for one in made for effect in one.plan.effects}
    people = {id: _keys(one, effect, services) for id, (one, effect) in steps.items()}
    now = services.clock.now()
    later = {
        effect.id: (effect.due_at - now).total_seconds()
        for _, effect in steps.values()
        if effect.after is None and effect.due_at > now
    }
    services.notifier.schedule(later)  # before the commit that makes future work
    new: list[Row] = []
    refused: set[UUID] = set()

    def refuse(one: _Made, error: Exception) -> None:
        refused.add(one.event.id)
        _LOG.error("plan_not_recorded", extra={"event_id": str(one.event.id), "error": type(error).__name__})

    write_apart(
        lambda some: new.extend(_write(some, people, config, services)), made, refuse, concerns_one=REFUSED_OR_LOCKED
    )
    claimed = [
        _claimed(*steps[row["id"]], people[row["id"]], row, config) for row in new if row["status"] == Status.CLAIMED
    ]
    # What waits for its account's pause is due when that ends: the pause has an entry of its own.
    unclaimed = [row["id"] for row in new if row["status"] != Status.CLAIMED and not row["paused"]]
    due_later = [(id, later.get(id, 0.0)) for id in unclaimed if steps[id][1].after is None]
    recorded = {steps[row["id"]][0].event.id for row in new}
    empty = {one.event.id for one in made if not one.plan.effects} - refused
    return replace(found, claimed=claimed, due_later=due_later, ours=found.ours | recorded | empty)


def _keys(one: _Made, effect: PlannedEffect, services: Services) -> Keys | None:
    """Return the keys of the person whose consent an effect needs; None: it needs none."""
    if not effect.needs_consent:
        return None
    return keys_of(services.contact_secret, effect.target, one.plan.semantics)


def _write(made: Sequence[_Made], people: Mapping[UUID, Keys | None], config: Config, services: Services) -> list[Row]:
    effects = [(one, effect) for one in made for effect in one.plan.effects]
    return plans_sql.record(
        services.db,
        [_new_plan(one, services) for one in made],
        [
            _new_effect(one, effect, people[effect.id], config, claim=index < EFFECTS_CLAIMED_WHEN_PLANNED)
            for index, (one, effect) in enumerate(effects)
        ],
        services.settings.times.lease,
    )


def _make_plans(candidates: Sequence[Candidate], config: Config) -> list[_Made]:
    made: list[_Made] = []
    for candidate in candidates:
        try:
            made += list(_plans(candidate, config))
        except Exception as error:  # noqa: BLE001 - a mistake of ours; it costs no neighbour its plan
            _LOG.error("not_planned", extra={"event_id": str(candidate.event.id), "place": place(error)})
    # What people caused themselves is claimed first: the others may find the batch full.
    return sorted(made, key=lambda one: one.event.is_campaign)


def _plans(candidate: Candidate, config: Config) -> Iterator[_Made]:
    if candidate.turn is Turn.GIVE_UP and candidate.planned_version is None:
        yield _Made(candidate.event, without_planning(candidate.event, config, NEVER_ENDS), None)
    if candidate.turn is not Turn.PLAN:
        return
    if candidate.planned_version is None:
        yield _Made(candidate.event, plan(candidate.event, config), None)
        return
    if config.version <= candidate.planned_version:
        return
    for flow in candidate.failed_flows:  # planned again, alone, by a configuration that came later
        if config.flow(flow) is None or (again := plan_flow(candidate.event, config, flow)).failed:
            continue
        if not (again.facts and candidate.acted_on):  # one of its facts was carried out, and nothing says which
            yield _Made(candidate.event, again, flow)


def _new_plan(one: _Made, services: Services) -> plans_sql.NewPlan:
    made = one.plan
    person = person_of(one.event, made, services) if one.flow is None else None
    return plans_sql.NewPlan(one.event.id, made.version, made.hash, made.failed, one.flow, made.semantics, person)


def _expires_at(effect: PlannedEffect, config: Config) -> datetime:
    try:
        return effect.due_at + timedelta(seconds=config.accounts[effect.account].retry.lasts)
    except OverflowError:  # beyond the calendar: it never does
        return datetime.max.replace(tzinfo=UTC)


def _new_effect(
    one: _Made, effect: PlannedEffect, person: Keys | None, config: Config, *, claim: bool
) -> plans_sql.NewEffect:
    return plans_sql.NewEffect(
        id=effect.id,
        event_id=one.event.id,
        version=one.plan.version,
        flow=effect.flow,
        step=effect.step,
        account=effect.account,
        action=effect.action,
        contact=person and person.today,
        former=person and person.former,
        list=effect.list,
        confirms=effect.confirms,
        after=effect.after,
        dependents=effect.dependents,
        due_at=effect.due_at,
        expires_at=_expires_at(effect, config),
        claim=claim,
    )


def _claimed(one: _Made, effect: PlannedEffect, person: Keys | None, row: Row, config: Config) -> Claimed:
    """Return an effect that was claimed as it was recorded, as `claims_sql.claim` would."""
    return Claimed(
        id=effect.id,
        event=one.event,
        version=one.plan.version,
        semantics=one.plan.semantics,
        flow=effect.flow,
        step=effect.step,
        account=effect.account,
        action=effect.action,
        contact=person and person.today,
        list=effect.list,
        confirms=effect.confirms,
        status=Status.CLAIMED,
        fence=1,
        generation=1,
        tries=0,
        crashes=0,
        looks=0,
        slot=None,
        base_due_at=effect.due_at,
        expires_at=_expires_at(effect, config),
        dependents=effect.dependents,
        now=row["now"],
        newest_version=config.version,
        frozen=None,
        request_hash=None,
        attempts=0,
        unresolved=0,
        first_opened_at=None,
        last_opened_at=None,
        last_n=None,
        identity=None,
        proof=None,
        proof_reference=None,
        suppressed=None,
        predecessor=None,
        denied_at=None,
        unrepeatable=None,
        account_failing=row["failing"],
    )

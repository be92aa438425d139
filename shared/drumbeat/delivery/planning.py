"""From recorded events to recorded, partly claimed effects."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from drumbeat.core.address import contact_key
from drumbeat.core.configuration import Config
from drumbeat.core.errors import place
from drumbeat.core.events import Event
from drumbeat.core.status import Status
from drumbeat.delivery import plans_sql
from drumbeat.delivery.budget import EFFECTS_CLAIMED_WHEN_PLANNED, LEASE
from drumbeat.delivery.effects import Claimed
from drumbeat.ledger.database import Row
from drumbeat.planning.plan import Plan, PlannedEffect, plan, plan_flow
from drumbeat.services import Services

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Planned:
    """What planning a batch of events left to do."""

    claimed: list[Claimed]
    due_later: list[tuple[UUID, float]]  # effects and seconds until they are due (0: as soon as possible)
    missing: set[UUID]  # event ids that the ledger does not know
    ours: set[UUID]  # events whose plan is the one made here; another worker may still be busy with the rest


@dataclass(frozen=True, slots=True)
class _Made:
    """A plan of one event, not yet recorded; `flow` names the single flow of a re-plan."""

    event: Event
    plan: Plan
    flow: str | None


def plan_events(ids: Sequence[UUID], services: Services) -> Planned:
    """Plan what is not planned yet, record it, and claim what is due. Two statements for the whole batch."""
    candidates = plans_sql.read(services.db, ids)
    missing = set(ids) - {candidate.event.id for candidate in candidates}
    newest = candidates[0].newest_version if candidates else None
    if newest is None:  # events wait for the first configuration
        return Planned([], [], missing, set())
    config = services.configuration(newest)
    made = _make_plans(candidates, config)
    if not made:
        return Planned([], [], missing, set())

    steps = {effect.id: (one, effect) for one in made for effect in one.plan.effects}
    now = services.clock.now()
    later = {
        effect.id: (effect.due_at - now).total_seconds()
        for _, effect in steps.values()
        if effect.after is None and effect.due_at > now
    }
    services.notifier.schedule(later)  # before the commit that makes future work
    new = plans_sql.record(
        services.db,
        [plans_sql.NewPlan(one.event.id, one.plan.version, one.plan.hash, one.plan.failed, one.flow) for one in made],
        [
            _new_effect(one, effect, config, services, claim=index < EFFECTS_CLAIMED_WHEN_PLANNED)
            for index, (one, effect) in enumerate(steps.values())
        ],
        LEASE,
    )
    claimed = [_claimed(*steps[row["id"]], row, config, services) for row in new if row["status"] == Status.CLAIMED]
    # What waits for its account's pause is due when that ends: the pause has an entry of its own.
    unclaimed = [row["id"] for row in new if row["status"] != Status.CLAIMED and not row["paused"]]
    due_later = [(id, later.get(id, 0.0)) for id in unclaimed if steps[id][1].after is None]
    recorded = {steps[row["id"]][0].event.id for row in new}
    empty = {one.event.id for one in made if not one.plan.effects}
    return Planned(claimed, due_later, missing, recorded | empty)


def _make_plans(candidates: Sequence[plans_sql.Candidate], config: Config) -> list[_Made]:
    made: list[_Made] = []
    for candidate in candidates:
        try:
            made += list(_plans(candidate, config))
        except Exception as error:  # noqa: BLE001 - a mistake of ours; it costs no neighbour its plan
            _LOG.error("not_planned", extra={"event_id": str(candidate.event.id), "place": place(error)})
    return made


def _plans(candidate: plans_sql.Candidate, config: Config) -> Iterator[_Made]:
    if candidate.planned_version is None:
        yield _Made(candidate.event, plan(candidate.event, config), None)
        return
    if config.version <= candidate.planned_version:
        return
    for flow in candidate.failed_flows:  # planned again, alone, by a configuration that came later
        if flow in config.flows and not (again := plan_flow(candidate.event, config, flow)).failed:
            yield _Made(candidate.event, again, flow)


def _expires_at(effect: PlannedEffect, config: Config) -> datetime:
    try:
        return effect.due_at + timedelta(seconds=config.accounts[effect.account].retry.lasts)
    except OverflowError:  # beyond the calendar: it never does
        return datetime.max.replace(tzinfo=UTC)


def _new_effect(
    one: _Made, effect: PlannedEffect, config: Config, services: Services, *, claim: bool
) -> plans_sql.NewEffect:
    return plans_sql.NewEffect(
        id=effect.id,
        event_id=one.event.id,
        version=one.plan.version,
        flow=effect.flow,
        step=effect.step,
        account=effect.account,
        action=effect.action,
        contact=contact_key(services.contact_secret, effect.target) if effect.needs_consent else None,
        after=effect.after,
        dependents=effect.dependents,
        due_at=effect.due_at,
        expires_at=_expires_at(effect, config),
        claim=claim,
    )


def _claimed(one: _Made, effect: PlannedEffect, row: Row, config: Config, services: Services) -> Claimed:
    """Return an effect that was claimed as it was recorded, as `claims_sql.claim` would."""
    return Claimed(
        id=effect.id,
        event=one.event,
        version=one.plan.version,
        flow=effect.flow,
        step=effect.step,
        account=effect.account,
        action=effect.action,
        contact=contact_key(services.contact_secret, effect.target) if effect.needs_consent else None,
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

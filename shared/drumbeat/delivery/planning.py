"""From recorded events to recorded, partly claimed effects."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from drumbeat.core.address import contact_key
from drumbeat.core.configuration import Config
from drumbeat.core.errors import place
from drumbeat.core.events import Event
from drumbeat.core.status import Status
from drumbeat.delivery import plans_sql
from drumbeat.delivery.effects import Claimed
from drumbeat.ledger.database import Row
from drumbeat.planning.plan import Plan, PlannedEffect, plan, plan_flow
from drumbeat.services import Services

CLAIMED_AT_BIRTH = 48  # effects of one batch that are carried out at once; more are rung for

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Planned:
    """What planning a batch of events left to do."""

    claimed: list[Claimed]
    due_later: list[tuple[UUID, float]]  # effects and seconds until they are due (0: as soon as possible)
    missing: set[UUID]  # event ids that the ledger does not know
    ours: set[UUID]  # events whose plan is the one made here; others' may still be in their hands


def plan_events(ids: Sequence[UUID], services: Services, lease: timedelta) -> Planned:
    """Plan what is not planned yet, record it, and claim what is due. Two statements for the whole batch."""
    candidates = plans_sql.read(services.db, ids)
    missing = set(ids) - {candidate.event.id for candidate in candidates}
    made: list[tuple[Event, Plan, str | None]] = []
    if candidates and candidates[0].newest_version is not None:  # else events wait for the first configuration
        config = services.configuration(candidates[0].newest_version)
        for candidate in candidates:
            try:
                made += list(_plans(candidate, config))
            except Exception as error:  # noqa: BLE001 - a mistake of ours; it costs no neighbour its plan
                _LOG.error("not_planned", extra={"event_id": str(candidate.event.id), "place": place(error)})
    if not made:
        return Planned([], [], missing, set())

    events = {event.id: event for event, _, _ in made}
    versions = {event.id: plan.version for event, plan, _ in made}
    newest = candidates[0].newest_version or 0
    steps = {effect.id: (event.id, effect) for event, plan, _ in made for effect in plan.effects}
    now = services.clock.now()
    later = {
        effect_id: (effect.due_at - now).total_seconds()
        for effect_id, (_, effect) in steps.items()
        if effect.after is None and effect.due_at > now
    }
    services.notifier.schedule(later)  # before the commit that makes future work
    born = plans_sql.record(
        services.db,
        [plans_sql.NewPlan(event.id, plan.version, plan.hash, plan.failed, flow) for event, plan, flow in made],
        [
            _new(event_id, versions[event_id], effect, services, claim=index < CLAIMED_AT_BIRTH)
            for index, (event_id, effect) in enumerate(steps.values())
        ],
        lease,
    )
    claimed = [
        _claimed(events[steps[row["id"]][0]], versions[steps[row["id"]][0]], steps[row["id"]][1], row, newest, services)
        for row in born
        if row["status"] == Status.CLAIMED
    ]
    taken = {effect.id for effect in claimed}
    due_later = [
        (row["id"], max(later.get(row["id"], 0.0), 0.0))
        for row in born
        if row["id"] not in taken and steps[row["id"]][1].after is None
    ]
    ours = {steps[row["id"]][0] for row in born} | {event.id for event, plan, _ in made if not plan.effects}
    return Planned(claimed, due_later, missing, ours)


def _plans(candidate: plans_sql.Candidate, config: Config) -> Iterator[tuple[Event, Plan, str | None]]:
    if candidate.planned_version is None:
        yield candidate.event, plan(candidate.event, config), None
        return
    if config.version <= candidate.planned_version:
        return
    for flow in candidate.failed_flows:  # planned again, alone, by a configuration that came later
        if flow in config.flows and not (again := plan_flow(candidate.event, config, flow)).failed:
            yield candidate.event, again, flow


def _new(
    event_id: UUID, version: int, effect: PlannedEffect, services: Services, *, claim: bool
) -> plans_sql.NewEffect:
    return plans_sql.NewEffect(
        id=effect.id,
        event_id=event_id,
        version=version,
        flow=effect.flow,
        step=effect.step,
        account=effect.account,
        action=effect.action,
        contact=contact_key(services.contact_secret, effect.target) if effect.mails else None,
        after=effect.after,
        dependents=effect.dependents,
        due_at=effect.due_at,
        claim=claim,
    )


def _claimed(event: Event, version: int, effect: PlannedEffect, row: Row, newest: int, services: Services) -> Claimed:
    """Return an effect that was claimed at birth, as `effects.claim` would."""
    return Claimed(
        id=effect.id,
        event=event,
        version=version,
        flow=effect.flow,
        step=effect.step,
        account=effect.account,
        action=effect.action,
        contact=contact_key(services.contact_secret, effect.target) if effect.mails else None,
        status=Status.CLAIMED,
        fence=1,
        generation=1,
        tries=0,
        crashes=0,
        looks=0,
        slot=None,
        base_due_at=effect.due_at,
        dependents=effect.dependents,
        now=row["now"],
        newest_version=newest,
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
    )

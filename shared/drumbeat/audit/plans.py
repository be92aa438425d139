"""Planning again: the same event and version must give what was recorded, on any machine and at any time."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from drumbeat.audit.verification_sql import PlannedEvent, RecordedEffect
from drumbeat.audit.violations import Violation, violation
from drumbeat.core import ids
from drumbeat.core.address import contact_key
from drumbeat.core.errors import NotUnderstood
from drumbeat.core.status import FINAL
from drumbeat.planning.plan import NEVER_ENDS, PlannedEffect, plan, plan_flow, without_planning
from drumbeat.services import Services


def compare(recorded: PlannedEvent, effects: Sequence[RecordedEffect], services: Services) -> Iterator[Violation]:
    """Compare an event with its id, and what was planned of it with what its versions plan now, by the same rules.

    An event that was erased says so by its key. Another one without a body is a delivery that was pruned: that is in
    order once it is planned and all its effects are final. Neither can be planned again, so its effects are only
    compared with each other.
    """
    event = recorded.event
    erased = event.key == ids.erased_key(event.id)
    if event.id != ids.event_id(event.source, event.key) and not erased:
        yield violation("event-id", event.id)
    if recorded.forgotten is not None:
        yield violation("unplanned", event.id, late=recorded.forgotten)
    if event.body is None:
        if not erased and (recorded.version is None or any(effect.status not in FINAL for effect in effects)):
            yield violation("body-missing", event.id)
        yield from _one_sided(effects)
    elif recorded.version is not None:
        try:
            yield from list(_differences(recorded, effects, services))
        except NotUnderstood as error:
            yield violation("plan-unread", event.id, why=str(error))


def _differences(recorded: PlannedEvent, effects: Sequence[RecordedEffect], services: Services) -> Iterator[Violation]:
    event = recorded.event
    assert recorded.version is not None and recorded.semantics is not None
    config = services.configuration(recorded.version).by(recorded.semantics)
    again = without_planning(event, config, NEVER_ENDS) if recorded.given_up else plan(event, config)
    if again.hash != recorded.hash:
        yield violation("plan-hash", event.id, version=again.version)
    if again.failed.keys() != recorded.failed:
        yield violation("plan-failed", event.id, recorded=_names(recorded.failed), now=_names(again.failed))
    wanted = {effect.id: (again.version, effect) for effect in again.effects}
    split = again
    for replan in recorded.replans:
        if replan.flow not in recorded.failed:
            yield violation("replan-unasked", event.id, flow=replan.flow)
        config = services.configuration(replan.version).by(replan.semantics)
        later = plan_flow(event, config, replan.flow) if config.flow(replan.flow) else None
        if later is None or later.hash != replan.hash:
            yield violation("replan-hash", event.id, version=replan.version, flow=replan.flow)
        wanted |= {effect.id: (replan.version, effect) for effect in (later.effects if later else ())}
        split = later if later and later.facts else split
    if {fact.id for fact in split.facts} != recorded.facts:
        yield violation("facts-other", event.id, version=split.version)
    yield from _effects(event.id, wanted, effects, services.contact_secret)


def _effects(
    event: UUID, wanted: Mapping[UUID, tuple[int, PlannedEffect]], effects: Sequence[RecordedEffect], secret: bytes
) -> Iterator[Violation]:
    found = {effect.id: effect for effect in effects}
    for id, (version, planned) in wanted.items():
        if id not in found:
            yield violation("effect-missing", id, flow=planned.flow, step=planned.step, event=event)
        elif fields := _unlike(found[id], version, planned, secret):
            yield violation("effect-other", id, fields=f"{' and '.join(fields)} {'are' if fields[1:] else 'is'}")
    for id in found.keys() - wanted.keys():
        yield violation("effect-unplanned", id, flow=found[id].flow, step=found[id].step, event=event)


def _unlike(effect: RecordedEffect, version: int, planned: PlannedEffect, secret: bytes) -> list[str]:
    """Name the fields in which an effect differs from its plan."""
    contact = contact_key(secret, planned.target) if planned.needs_consent else None
    pairs = {
        "version": (effect.version, version),
        "flow": (effect.flow, planned.flow),
        "step": (effect.step, planned.step),
        "account": (effect.account, planned.account),
        "action": (effect.action, planned.action),
        "contact": (effect.contact, contact),
        "list": ((effect.list, effect.confirms), (planned.list, planned.confirms)),
        "time": (effect.base_due_at, planned.due_at),
        "predecessor": (effect.after, planned.after),
        "dependents": (set(effect.dependents), set(planned.dependents)),
    }
    return [name for name, (there, wanted) in pairs.items() if there != wanted]


def _one_sided(effects: Sequence[RecordedEffect]) -> Iterator[Violation]:
    """Find effects that wait for one that does not know them, or the other way round."""
    waits = {(effect.after, effect.id) for effect in effects if effect.after is not None}
    waited_for = {(effect.id, dependent) for effect in effects for dependent in effect.dependents}
    for earlier, later in waits ^ waited_for:
        yield violation("one-sided", later, other=earlier)


def _names(flows: Mapping[str, object] | frozenset[str]) -> str:
    return ", ".join(sorted(flows)) or "none"

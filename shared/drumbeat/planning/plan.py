"""The planner: which effects one configuration version makes of one event. Pure, the same on every machine."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from drumbeat.core import ids
from drumbeat.core.check_mails import previewed
from drumbeat.core.configuration import Config, Flow, Source, Step, confirm_flow, confirmed_list
from drumbeat.core.consent import ConsentKind
from drumbeat.core.events import Event, EventType, Reported
from drumbeat.planning import actions
from drumbeat.planning.arguments import Unusable
from drumbeat.planning.check_mails import NOT_THERE, lead_in, sends_mail, wanted_flow
from drumbeat.planning.conditions import Undecidable, holds
from drumbeat.planning.context import Variables, facts, of_run, variables
from drumbeat.planning.facts import Fact, facts_of
from drumbeat.planning.payload import Payload, Unmappable, read, read_body
from drumbeat.planning.people import NO_PEOPLE, PeopleFacts, named, people_facts
from drumbeat.planning.reports import UNREAD, report_of, speaks

IMPORTED = "drumbeat:import"  # the source of the rows of imported files
ASKED_SINCE = 4  # the rules by which people are asked to confirm; a release of earlier ones misses nothing
# Why no mail asks the person of a sign-up to confirm it.
LIST_GONE = "a person signed up and has to confirm it, and no mail asks: version {} has no list of this name"
ASKS_NO_MORE = "a person signed up and has to confirm it, and no mail asks: the list has no `confirm` in version {}"
# Of each flow, when an event was given up. `verify` plans such an event no more either: it may end its process.
NEVER_ENDS = "its planning began three times and did not end; a later configuration may plan it"


@dataclass(frozen=True, slots=True)
class PlannedEffect:
    """One intended action."""

    id: UUID
    flow: str
    step: str
    account: str
    action: str
    target: str  # an address, `METHOD path`, a channel: the only personal part of a plan, not stored
    needs_consent: bool  # of the person it is for
    due_at: datetime  # UTC; for one that waits for another: no earlier than this
    after: UUID | None  # the effect whose acceptance it waits for
    dependents: tuple[UUID, ...]  # those that wait for it
    list: str | None = None  # that the person must have agreed to, or is asked to confirm
    confirms: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a version makes of an event. `failed` names each flow that could not be planned, and why."""

    event_id: UUID
    version: int
    effects: tuple[PlannedEffect, ...]
    failed: Mapping[str, str]
    hash: bytes  # SHA-256 of the effects
    semantics: int  # the rules by which it was made
    people: PeopleFacts = NO_PEOPLE  # not part of the hash: a view
    reported: Reported | None = None  # what a provider tells by it; not part of the hash either
    facts: tuple[Fact, ...] = ()  # of a delivery that is split: events of their own, so it has no effects itself


def plan(event: Event, config: Config) -> Plan:
    """Plan every flow that acts on this event, and a mail for each list that its person has to confirm.

    The same event, version and semantics give the same plan and hash, whatever order a mapping has. A flow that cannot
    be planned is listed in `failed`, with a reason that holds nothing of the payload, and has no effects; the others go
    on.
    """
    if speaks(source := config.sources.get(event.source), event):
        assert source is not None
        return _report(event, source, config)
    acting = [config.flows[name] for name in sorted(config.flows) if _acts_on(config.flows[name], event)]
    try:
        if split := facts_of(event, config):
            return replace(_made(event, config, [], {}), facts=split)
        body = read_body(event, config)
    except Unmappable as error:
        return _made(event, config, [], dict.fromkeys((flow.name for flow in acting), str(error)))
    people = people_facts(event, body, config)
    if (name := wanted_flow(event, body, config.semantics)) is not None:
        return replace(_check(event, config, name, body.payload), people=people)
    asking, unasked = _asking(people, config)
    made = _plan(event, config, [*acting, *asking], body.payload)
    return replace(made, failed={**made.failed, **unasked}, people=people)


def _report(event: Event, source: Source, config: Config) -> Plan:
    """Return the plan of what a provider reports: no effects. One that cannot be read says so, and needs attention."""
    if event.body is None:  # of a person who was erased
        return _made(event, config, [], {})
    try:
        report = report_of(event, source)
    except Unmappable as error:
        return _made(event, config, [], {UNREAD: str(error)})
    told = Reported(source.speaks_for or "", report)
    return replace(_made(event, config, [], {}), people=named(report.address, config.semantics), reported=told)


def plan_flow(event: Event, config: Config, flow_name: str) -> Plan:
    """Plan one flow alone, as `plan` would. Raises KeyError for a flow that the version does not have."""
    flow = config.flow(flow_name)
    if flow is None:
        raise KeyError(flow_name)
    if confirmed_list(flow_name) is None and not _acts_on(flow, event):
        return _made(event, config, [], {})
    try:
        if split := facts_of(event, config):
            return replace(_made(event, config, [], {}), facts=split)
        return _plan(event, config, [flow], read(event, config))
    except Unmappable as error:
        return _made(event, config, [], {flow_name: str(error)})


def without_planning(event: Event, config: Config, why: str) -> Plan:
    """Return the plan of an event whose body must not be read: every flow that acts on its type failed.

    So did the mail that asks about what a form signs up for.
    """
    acting = [name for name in sorted(config.flows) if _acts_on(config.flows[name], event)]
    source = config.sources.get(event.source)
    signs_up = event.type == EventType.CONSENT and event.door == "form" and config.semantics >= ASKED_SINCE
    asking = [confirm_flow(source.list)] if signs_up and source and source.list else []
    return _made(event, config, [], dict.fromkeys([*acting, *asking], why))


def _acts_on(flow: Flow, event: Event) -> bool:
    """Return whether a flow looks at an event. At rows of an import only one that names their source in its condition.

    A flow that welcomes every lead would otherwise mail a whole list on the day that it is imported.
    """
    return flow.on == event.type and (event.door != "import" or IMPORTED in (flow.when or ""))


def _asking(people: PeopleFacts, config: Config) -> tuple[list[Flow], dict[str, str]]:
    """Return the flows that ask a person to confirm what they signed up for, and why others cannot.

    A form may know a configuration that is a minute old, and a sign-up may have waited in the buffer: its list was
    renamed, or asks no more. It fails like a flow, so that it is seen, and asks once the list does again.
    """
    pending = sorted({said.list for said in people.consents if said.kind is ConsentKind.PENDING})
    flows = {name: config.flow(confirm_flow(name)) for name in pending}
    unasked = {
        confirm_flow(name): (ASKS_NO_MORE if name in config.lists else LIST_GONE).format(config.version)
        for name, flow in flows.items()
        if flow is None and config.semantics >= ASKED_SINCE
    }
    return [flow for flow in flows.values() if flow], unasked


def plans(event: Event, config: Config, effect: UUID, flow_name: str, by: tuple[str, str, str | None]) -> bool:
    """Return whether a version plans an effect of this flow for the same recipient `by` account, action and list."""
    if config.flow(flow_name) is None:
        return False
    return any(
        (planned.id, (planned.account, planned.action, planned.list)) == (effect, by)
        for planned in plan_flow(event, config, flow_name).effects
    )


def has_step(config: Config, flow_name: str, step_id: str, by: tuple[str, str, str | None]) -> bool:
    """Return whether a version has a step of this flow that acts `by` the same account, action and list."""
    flow = config.flow(flow_name)
    step = next((one for one in flow.steps if one.id == step_id), None) if flow else None
    return step is not None and (step.account, step.action, actions.list_of(flow_name, step, config.semantics)) == by


def _check(event: Event, config: Config, name: str, payload: Payload) -> Plan:
    flow = config.flow(name)
    if flow is None or not sends_mail(config.accounts[flow.steps[0].account]):
        return _made(event, config, [], {name: NOT_THERE})
    return _plan(event, config, [flow], payload)


def _plan(event: Event, config: Config, acting: Iterable[Flow], payload: Payload) -> Plan:
    effects: list[PlannedEffect] = []
    failed: dict[str, str] = {}
    known, seen = facts(event, payload), variables(event, payload, config.semantics)
    for flow in acting:
        try:
            if flow.when is None or holds(flow.when, known):
                effects += _effects(event, flow, config, known, _preview(event, payload, flow, config) or seen)
        except (Undecidable, Unusable) as error:
            failed[flow.name] = str(error)
        except OverflowError:
            failed[flow.name] = "scheduledAt with its delay lies beyond the calendar"
    return _made(event, config, effects, failed)


def _preview(event: Event, payload: Payload, flow: Flow, config: Config) -> Variables | None:
    """Return what the mails of a campaign see that one address is to have; None: this flow has no such mails."""
    campaign = previewed(flow.name)
    return None if campaign is None else of_run(event, payload, campaign, lead_in(payload), config.semantics)


def _effects(
    event: Event, flow: Flow, config: Config, known: Mapping[str, object], seen: Variables
) -> Iterable[PlannedEffect]:
    steps = _wanted(flow, known)
    targets = {step.id: _target(step, config, seen) for step in steps}
    effects = {name: ids.effect_id(event.id, flow.name, name, whom) for name, whom in targets.items()}
    base = (event.scheduled_at or event.received_at).astimezone(UTC)
    return [
        PlannedEffect(
            id=effects[step.id],
            flow=flow.name,
            step=step.id,
            account=step.account,
            action=step.action,
            target=targets[step.id],
            needs_consent=actions.get(step.action).needs_consent,
            due_at=base + timedelta(seconds=step.delay),
            after=effects[step.after] if step.after else None,
            dependents=tuple(effects[other.id] for other in steps if other.after == step.id),
            list=actions.list_of(flow.name, step, config.semantics),
            confirms=confirmed_list(flow.name) is not None,
        )
        for step in steps
    ]


def _wanted(flow: Flow, known: Mapping[str, object]) -> list[Step]:
    """Return the steps whose conditions this event meets; what waits for a step that is left out is left out too."""
    left_out = {
        step.id
        for step in flow.steps
        if (step.when is not None and not holds(step.when, known))
        or (step.unless is not None and holds(step.unless, known))
    }
    while more := {step.id for step in flow.steps if step.after in left_out} - left_out:
        left_out |= more
    return [step for step in flow.steps if step.id not in left_out]


def _target(step: Step, config: Config, seen: Variables) -> str:
    try:
        return actions.get(step.action).target(step, config, seen)
    except Unusable as error:
        raise Unusable(f"step {step.id}: {error}") from None


def _made(event: Event, config: Config, effects: list[PlannedEffect], failed: Mapping[str, str]) -> Plan:
    return Plan(event.id, config.version, tuple(effects), failed, _hash(effects), config.semantics)


def _hash(effects: Iterable[PlannedEffect]) -> bytes:
    """Hash what was planned. Targets take part through the ids alone, so that the hash gives no address away."""
    canonical = json.dumps(
        [
            [
                str(effect.id),
                effect.flow,
                effect.step,
                effect.account,
                effect.action,
                effect.needs_consent,
                effect.due_at.isoformat(),
                effect.after and str(effect.after),
                *([effect.list, effect.confirms] if effect.list else []),
            ]
            for effect in effects
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return hashlib.sha256(canonical.encode()).digest()

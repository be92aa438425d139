"""A person asks for a run: for a plan to look at, for one that starts, or for a plan to be started."""

from dataclasses import dataclass
from uuid import UUID

from drumbeat.campaigns import firing
from drumbeat.core.campaigns import Campaign
from drumbeat.core.configuration import Config
from drumbeat.core.errors import Forbidden, Invalid, KeyReused, NotFound, Stale
from drumbeat.core.runs import RunState
from drumbeat.core.suggestions import instead
from drumbeat.ingest import recording
from drumbeat.ingest.door import Door
from drumbeat.ledger import configs
from drumbeat.runs import control, sql
from drumbeat.runs.begin import begin
from drumbeat.services import Services

_NOTHING = "Nothing was recorded."


@dataclass(frozen=True, slots=True)
class Asked:
    """The run, and whether it was asked for before."""

    run: UUID
    replayed: bool


def ask(name: str, key: str, *, actor: str, plans: bool, approves: bool, services: Services) -> Asked:
    """Record a run of a campaign and take it as far as fits into a request; a worker takes it further.

    The same key again is the same run. One that is only planned sends nothing until a person starts it, and one that is
    asked for without `approves` waits for a person who may approve it.

    Raises:
        NotFound: no such campaign is in force. Invalid: it has no audience.
        KeyReused: the key belongs to another wish.
        psycopg.OperationalError: the ledger is unreachable; whether it was recorded is then unknown, so repeat it.
    """
    config, campaign = _configured(name, services)
    arrival = firing.run_by_hand(
        campaign, key, actor=actor, now=services.clock.now(), plan=plans, proposed=not plans and not approves
    )
    recorded = recording.record(arrival, Door(services))
    if recorded.fingerprint != arrival.fingerprint:
        raise KeyReused(f"This idempotency key belongs to another wish, run {arrival.id}. {_NOTHING}", arrival.id)
    if not sql.get(services.db, [arrival.id]):
        begin(sql.event(services.db, arrival.id), config, services)
        control.go_on(arrival.id, services)
    return Asked(arrival.id, replayed=not recorded.inserted)


def start(name: str, plan: UUID, *, actor: str, approves: bool, services: Services) -> Asked:
    """Start a run of a campaign that was only planned; one that was started already stays as it is.

    Raises:
        NotFound: the campaign has no such run. Forbidden: it is approved, so it would be sent, and without `approves`
            that is not the caller's to do.
        Stale, ConfigurationChanged: it cannot be started any more.
    """
    run = control.find(plan, services)
    if run.campaign != name:
        raise NotFound(f"run {plan} is one of campaign {run.campaign}, not of {name[:64]}. Nothing was changed.")
    if run.state is RunState.CANCELLED:
        raise Stale("this run is cancelled and cannot be started. Nothing was changed; plan it anew.")
    if run.starts:
        return Asked(plan, replayed=True)
    if run.approved is not None and not approves:
        raise Forbidden(
            "This plan is approved, so starting it would send it: that takes a key with the scope `operate`."
            " Nothing was changed."
        )
    control.start(plan, actor=actor, approves=approves, services=services)
    return Asked(plan, replayed=False)


def _configured(name: str, services: Services) -> tuple[Config, Campaign]:
    config = configs.newest(services.db)
    known = config.campaigns if config else {}
    if config is None or name not in known:
        which = instead(name[:64], known) if known else "`drumbeat apply` configures one"
        raise NotFound(f"no campaign is called {name[:64]}; {which}. {_NOTHING}")
    if known[name].audience is None:
        raise Invalid(
            f"campaign {name} has no audience: it fires an event for flows, and has no runs. {_NOTHING} Fire it with"
            f" POST /v1/campaigns/{name}/trigger."
        )
    return config, known[name]

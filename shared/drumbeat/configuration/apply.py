"""Make a configuration the one in force: checked, stored as an immutable version, and waiting events planned by it."""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import starmap
from uuid import UUID

from drumbeat.audiences import known_sql
from drumbeat.campaigns import fires, next_checks
from drumbeat.campaigns.schedules import Aligned, align
from drumbeat.core.configuration import Config
from drumbeat.core.errors import Mistake, Stale
from drumbeat.ingest.catalog import announce
from drumbeat.ledger import configs
from drumbeat.providers.login import login
from drumbeat.services import Services
from drumbeat.wakeups.notifier import OVERDUE_SECONDS
from drumbeat.wakeups.queue import MAX_DELAY_SECONDS, QueueError

# Events that one request notifies of; the caller asks for the rest with the cursor.
EVENTS_A_REQUEST = 1000
START = UUID(int=0)
STORE_TRIES = 3

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` made of a document. `notified` events are planned again now; `next` is where to go on."""

    version: int
    changed: bool
    accounts: list[str]
    lists: list[str]
    audiences: list[str]
    sources: list[str]
    flows: list[str]
    campaigns: list[str]
    templates: list[str]
    warnings: list[Mistake]  # what was taken, and should be written otherwise
    schedules: Aligned  # what was done to the schedules that wake the campaigns
    notified: int
    next: UUID | None


def apply(
    document: str, templates: Mapping[str, str], *, actor: str, services: Services, after: UUID | None = None
) -> Applied:
    """Check a document with its templates and put it in force; the same document again changes nothing.

    (Once after an upgrade that reads documents by other rules it does: it makes a version that is read by them.)

    Bring the schedules that wake campaigns in line; what fails of that is in the answer, and costs minutes only. Then
    notify of up to `EVENTS_A_REQUEST` events that no version could plan so far: repeat with `after` set to `next` while
    that is given.

    Raises:
        ConfigError: the document has mistakes, all of them listed; the version in force stays.
        Stale: an account would become another login while outcomes under the old one are open.
    """
    # YAML and validators, for this one request of the console.
    from drumbeat.configuration.check_secrets import Use
    from drumbeat.configuration.document import compile_document

    warnings: list[Mistake] = []
    sandbox = services.settings.sandbox_url is not None
    compiled = compile_document(
        document,
        templates,
        sandbox=sandbox,
        warn=warnings.append,
        now=services.clock.now(),
        fires=partial(fires, db=services.db),
        earlier=lambda: starmap(Use, configs.uses_of_secrets(services.db)),
        attributes=lambda: known_sql.attributes(services.db),
    )
    if compiled["campaigns"]:
        next_checks.set_soon(services.clock.now(), services.due_index)
    version, changed = _store(document, templates, compiled, actor, services)
    announce(services)
    events = configs.unplanned(services.db, after=after or START, limit=EVENTS_A_REQUEST)
    _notify(events, services)
    config = Config.load(version, compiled)
    schedules = align(config.campaigns.values(), services) if after is None else Aligned()
    return Applied(
        version=version,
        changed=changed,
        accounts=sorted(config.accounts),
        lists=sorted(config.lists),
        audiences=sorted(config.audiences),
        sources=sorted(config.sources),
        flows=sorted(config.flows),
        campaigns=sorted(config.campaigns),
        templates=sorted(config.templates),
        warnings=warnings,
        schedules=schedules,
        notified=len(events),
        next=events[-1] if len(events) == EVENTS_A_REQUEST else None,
    )


def _notify(events: Sequence[UUID], services: Services) -> None:
    """Ask for the events to be planned: now, or by the relay's next round where the message is lost."""
    overdue = services.clock.now().timestamp() + OVERDUE_SECONDS
    marked = services.due_index.set({f"event:{event}": overdue for event in events})
    try:
        services.queue.notify(events=events)
        if not marked:
            services.queue.notify(events=events, delay=MAX_DELAY_SECONDS)
    except QueueError as error:
        _LOG.warning("events could not be notified of after apply: %s", error)


def _store(
    document: str, templates: Mapping[str, str], compiled: Mapping[str, object], actor: str, services: Services
) -> tuple[int, bool]:
    """Return the version in force afterwards and whether it is a new one."""
    hash = _hash(document, templates)
    identities = {
        account.name: login(account, services.settings.sandbox_url).identity
        for account in Config.load(0, compiled).accounts.values()
    }
    for _ in range(STORE_TRIES):
        version = configs.insert(
            services.db,
            hash=hash,
            document=document,
            templates=templates,
            compiled=compiled,
            identities=identities,
            actor=actor,
        )
        if version is not None:
            return version, True
        newest = configs.newest_stored(services.db)
        if newest is not None and newest.hash == hash and newest.is_read_like(compiled):
            return newest.version, False
        _refuse_another_login(identities, services)
    raise Stale("others apply at the same time; the version in force is theirs; look at it and apply again")


def _refuse_another_login(identities: Mapping[str, str], services: Services) -> None:
    for account, identity, effects in configs.open_identities(services.db):
        if identities.get(account, identity) != identity:
            raise Stale(
                f"account {account} is {identity} and would become {identities[account]}, while it is not known yet how"
                f" {effects} of its effects ended. Nothing was changed. Give the new login a name of its own, or apply"
                f" again once `drumbeat effects --account {account} --status unknown` lists none"
            )


def _hash(document: str, templates: Mapping[str, str]) -> bytes:
    everything = json.dumps([document, dict(sorted(templates.items()))], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(everything.encode()).digest()

"""One deployment with a list, people who agreed to it, and a campaign that is sent to them."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from typing import Any, override
from uuid import UUID

from drumbeat.campaigns import firing
from drumbeat.campaigns.run_story import story
from drumbeat.configuration.document import compile_document
from drumbeat.core.address import contact_key
from drumbeat.core.clock import SystemClock
from drumbeat.core.events import Arrival
from drumbeat.core.outcomes import Accepted, LookupResult, Outcome
from drumbeat.delivery import claims_sql
from drumbeat.delivery.batch import carry_out
from drumbeat.delivery.deliver import Delivered, deliver
from drumbeat.delivery.effects import Claimed
from drumbeat.infrastructure.http import Caller
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.infrastructure.settings import Settings
from drumbeat.ingest import sql as ingest_sql
from drumbeat.ledger import configs
from drumbeat.local.servers import Valkey
from drumbeat.providers.calls import Calls, Job, Send
from drumbeat.relay.sweep import sweep
from drumbeat.runs import sql
from drumbeat.runs.advance import advance
from drumbeat.runs.sql import Run
from drumbeat.services import Services
from drumbeat.views.run_totals import StepTotals, run_totals
from drumbeat.wakeups import due_index
from drumbeat.wakeups.queue import Queue, WakeUp
from tests.conftest import TestDatabase

DOCUMENT = """
version: 1
defaults: {{public_url: "https://hooks.example.com", postal_address: "Fernwood GmbH, Am Wald 1, 10115 Berlin"}}
accounts:
  mail: {{provider: resend, settings: {{from: "Ada <ada@example.com>"}}, secrets: {{api_key: "env:MAIL_KEY"}}{limits}}}
lists:
  news: {{title: Monday notes}}
audiences:
  readers: {audience}
campaigns:
  digest:
    audience: readers
    {more}
    steps:
      - id: mail
        account: mail
        action: send_email
        with: {{to: "{{{{ lead.email }}}}", list: news, subject: "{subject}", text: "{text}"}}
"""
TEXT = "Hello {{ lead.name | default('you') }} {{ unsubscribe_url }} {{ postal_address }}"
GIVEN = """
    INSERT INTO contacts (key, consents)
    SELECT key, consent_fact('news', 'given', true, drumbeat_now() - interval '1 day', gen_random_uuid())
      FROM unnest(%(keys)s::bytea[]) AS key
        ON CONFLICT (key) DO UPDATE SET consents = consents_merged(contacts.consents, excluded.consents)
"""
LEADS = """
    INSERT INTO leads (contact, address, attributes, refused, since, changed)
    SELECT key, jsonb_build_object('v', address, 't', 1, 'e', 'x'), attributes, '{}', drumbeat_now(), drumbeat_now()
      FROM unnest(%(keys)s::bytea[], %(addresses)s::text[], %(attributes)s::jsonb[]) AS l (key, address, attributes)
        ON CONFLICT (contact) DO UPDATE SET attributes = excluded.attributes
"""


class Provider(Calls):
    """Answers as it is told, and keeps whom it was asked to mail."""

    def __init__(self) -> None:
        super().__init__(Caller(SystemClock()), SystemClock())
        self.sent: list[str] = []
        self.senders: list[str] = []  # of what was sent, in the same order
        self.asked: list[str] = []  # of the calls at hand, whose attempts are open
        self.links: dict[str, str] = {}  # of each address, the newest to leave by
        self.taken: Outcome = Accepted("taken")
        self.answer: Callable[[str], Outcome] = lambda _: Accepted("taken")
        self.meanwhile: Callable[[], None] = lambda: None

    @override
    def run(self, jobs: Sequence[Job], deadline: float) -> list[Outcome | LookupResult]:
        self.asked = [_mail(job)["to"][0] for job in jobs]
        self.meanwhile()
        return [self._answered(_mail(job)) for job in jobs]

    def _answered(self, mail: dict[str, Any]) -> Outcome:
        address: str = mail["to"][0]
        self.sent.append(address)
        self.senders.append(mail["from"])
        if link := mail.get("headers", {}).get("List-Unsubscribe"):
            self.links[address] = link.strip("<>")
        return self.answer(address)


def _mail(job: Job) -> dict[str, Any]:
    assert isinstance(job, Send)
    mail: dict[str, Any] = json.loads(job.request.body)
    return mail


class Messages(Queue):
    """Keeps what is sent, in order, until it is taken; a delay is over when it is taken."""

    def __init__(self) -> None:
        self.left: list[WakeUp] = []

    @override
    def _send(self, messages: Sequence[tuple[str, int]]) -> None:
        self.left += [WakeUp.loads(body) for body, _ in messages]


class Stage(Services):
    """A deployment of which a test takes each step."""

    calls: Provider
    queue: Messages

    @classmethod
    @contextmanager
    def on(cls, database: TestDatabase, valkey: Valkey) -> Iterator["Stage"]:
        environment = {"DRUMBEAT_LOCAL": "1", "DATABASE_URL": database.url, "DRUMBEAT_SECRET": "for tests"}
        stage = cls(Settings.from_env(environment))
        stage.redis = LeanRedis.at(valkey.url, stage.redis_prefix)
        stage.queue, stage.calls = Messages(), Provider()
        yield stage
        stage.db.close()
        stage.redis.close()

    def apply(
        self,
        more: str = "",
        *,
        audience: str = "{list: news}",
        subject: str = "News",
        text: str = TEXT,
        limits: str = "",
    ) -> int:
        document = DOCUMENT.format(more=more, audience=audience, subject=subject, text=text, limits=limits)
        return Stage.configure(self, document)  # of other services, too

    def configure(self, document: str, templates: Mapping[str, str] | None = None) -> int:
        """Put a whole document in force, with the texts of its templates by their files' names."""
        compiled = compile_document(document, templates or {})
        version = configs.insert(
            self.db,
            hash=document.encode(),
            document=document,
            templates=templates or {},
            compiled=compiled,
            identities={},
            actor="t",
        )
        assert version is not None
        return version

    def people(self, *names: str, agreed: bool = True, **attributes: Any) -> list[bytes]:
        """Make leads of these names, who agreed to the list."""
        addresses = [f"{name}@example.com" for name in names]
        keys = [contact_key(self.contact_secret, address) for address in addresses]
        if agreed:
            self.db.run(GIVEN, {"keys": keys})
        else:
            self.db.run("INSERT INTO contacts (key) SELECT unnest(%s::bytea[]) ON CONFLICT DO NOTHING", (keys,))
        entries = json.dumps({name: {"v": value, "t": 1, "e": "x"} for name, value in attributes.items()})
        self.db.run(LEADS, {"keys": keys, "addresses": addresses, "attributes": [entries] * len(keys)})
        return keys

    def fire(self, key: str = "one", **said: Any) -> UUID:
        """Record that a person asked for a run, and return its id."""
        config = configs.newest(self.db)
        assert config is not None
        arrival: Arrival = firing.run_by_hand(
            config.campaigns["digest"], key, actor="person:test", now=self.clock.now(), **said
        )
        ingest_sql.record(self.db, arrival)
        self.queue.notify(events=[arrival.id])
        return arrival.id

    def fire_scheduled(self, at: datetime) -> UUID:
        """Record the firing of the campaign's schedule at an instant of its calendar, and return the run's id."""
        config = configs.newest(self.db)
        assert config is not None
        arrival = firing.scheduled(config.campaigns["digest"], at, now=self.now())
        ingest_sql.record(self.db, arrival)
        self.queue.notify(events=[arrival.id])
        return arrival.id

    def now(self) -> datetime:
        """Return the ledger's now."""
        found: datetime = self.db.run("SELECT drumbeat_now() AS now")[0]["now"]
        return found

    def due(self, id: UUID) -> dict[str, datetime]:
        """Return when each recipient of a run is due."""
        rows = self.db.run(
            "SELECT split_part(leads.address ->> 'v', '@', 1) AS name, due_at FROM recipients"
            " JOIN leads ON leads.contact = recipients.contact WHERE run_id = %s",
            (id,),
        )
        return {row["name"]: row["due_at"] for row in rows}

    def work(self, *wake_ups: WakeUp, left: float = 900.0, passing: float = 0.0) -> Delivered:
        """Let a worker take messages; so many seconds are left, and each time that is asked some have passed."""
        remaining = count(left, -passing)
        return deliver(list(wake_ups), self, lambda: next(remaining))

    def settle(self, most: int = 200) -> Counter[str]:
        """Take messages until none is left but a turn that waits; return what was reached."""
        counts: Counter[str] = Counter()
        for _ in range(most):
            if not self.queue.left:
                return counts
            counts += self.work(self.queue.left.pop(0)).counts
        return counts

    def run(self, id: UUID) -> Run:
        return sql.get(self.db, [id])[id]

    def warnings_of(self, id: UUID) -> list[str]:
        """Return what the plan of a run warns of."""
        plan = story(id, self).plan
        assert plan is not None
        return list(plan.warnings)

    def step(self, id: UUID) -> None:
        """Take one step of a run."""
        steps = iter([True])
        advance(id, self, lambda: next(steps, False))

    def restart_turns(self, id: UUID) -> WakeUp:
        """Start a run's turn anew, as the relay does, and return its message."""
        self.queue.left.clear()
        self.turns.start(id, [0])
        return self.queue.left.pop()

    def forget_due_entries(self) -> None:
        """Lose what Redis knows of when runs are looked at."""
        self.redis.run("DEL", due_index.KEY)

    def lose_redis(self) -> None:
        """Be without Redis from now on."""
        self.redis.close()
        self.use_redis("redis://127.0.0.1:1/0")

    def use_redis(self, url: str) -> None:
        """Use the Redis at this address from now on."""
        for name in ("due_index", "notifier", "turns", "throttle", "ledger_rest", "wishes_flag", "run_pace"):
            self.__dict__.pop(name, None)
        self.redis = LeanRedis.at(url, self.redis_prefix)

    def sweep(self) -> None:
        sweep(self)

    def claim(self, id: UUID) -> list[Claimed]:
        return claims_sql.claim_of_run(self.db, id, lease=self.settings.times.lease, limit=100)

    def carry_out(self, claimed: list[Claimed]) -> Counter[str]:
        return carry_out(claimed, self.clock.elapsed(), self)

    def came_later(self, id: UUID) -> int:
        found: int = self.db.run("SELECT came_later AS n FROM run_progress WHERE run_id = %s", (id,))[0]["n"]
        return found

    def run_exists(self, id: UUID) -> bool:
        return bool(sql.get(self.db, [id]))

    def totals(self, id: UUID) -> StepTotals:
        (only,) = run_totals(self.db, id)
        assert only.unaccounted == 0, only
        return only

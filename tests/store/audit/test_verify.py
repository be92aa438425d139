"""Verify: a ledger left by normal work breaks no promise; each way to corrupt one is named, and nothing else.

Long, because it is one list of corruptions; a test sees that no kind is missing.
"""

import hashlib
import uuid
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest

from drumbeat.audit import verify
from drumbeat.audit.spans_sql import START, span
from drumbeat.audit.violations import KINDS, Violation
from drumbeat.configuration.document import compile_document
from drumbeat.core import ids
from drumbeat.core.call_times import LEASE
from drumbeat.core.clock import SystemClock
from drumbeat.core.configuration import Limit
from drumbeat.core.events import Arrival
from drumbeat.core.outcomes import Absent, Accepted, Found, LookupResult, NotSent, Outcome, Refused, Throttled, Unknown
from drumbeat.core.request import Request
from drumbeat.delivery.attempts_sql import open_attempts
from drumbeat.delivery.deliver import deliver
from drumbeat.delivery.effects import Claimed, Opening
from drumbeat.delivery.planning import plan_events
from drumbeat.delivery.requests import freeze
from drumbeat.infrastructure.http import Caller
from drumbeat.ingest import sql as ingest_sql
from drumbeat.ledger import account_states, configs, leases
from drumbeat.ledger.account_states import Report
from drumbeat.ledger.database import Database
from drumbeat.operations import decisions, decisions_sql
from drumbeat.operations.decisions import Decision
from drumbeat.people.suppressions import lift, suppress
from drumbeat.providers.calls import Calls, Job, Send
from drumbeat.services import Services
from drumbeat.wakeups.queue import WakeUp
from tests.store.audit import test_corrupted_runs
from tests.store.reports import report, tell
from tests.store.rows import as_json, opening, outcomes, pass_time, status

DOCUMENT = """
version: 1
defaults:
  retry: {{for: 7d, base: 1s, cap: 1m}}
  public_url: "https://hooks.example.com"
  postal_address: "1 Main Street"
lists: {{news: {{title: News, description: Each Monday.}}}}
accounts:
  mail:
    provider: mailgun
    settings: {{domain: mg.example.com, from: "Ada <ada@example.com>"}}
    secrets: {{api_key: env:MAIL_KEY}}
    limits: ["1000/s burst 1000"]
  receipts:
    provider: resend
    settings: {{from: "Ada <ada@example.com>"}}
    secrets: {{api_key: env:RECEIPTS_KEY}}
  erp: {{provider: http, settings: {{base_url: "https://erp.example.com"}}, secrets: {{signing_key: env:ERP_KEY}}}}
flows:
  welcome:
    on: LEAD_CAPTURE
    when: "source == 'shop'"
    steps:
      - {{id: hello, account: mail, action: send_email, with: {{to: "{{{{ payload.email }}}}", subject: Hi, text: Hi}}}}
      - {{id: told, account: erp, action: call, after: hello, with: {{method: POST, path: /told, body: {{}}}}}}
  receipt:
    on: LEAD_CAPTURE
    when: "source == 'till'"
    steps:
      - {{id: mail, account: receipts, action: send_email, with: {{to: "{{{{ payload.email }}}}", subject: Hi, text: Hi}}}}
  letter:
    on: LEAD_CAPTURE
    when: "source == 'letters'"
    steps:
      - {{id: mail, account: receipts, action: send_email, with: {{to: "{{{{ payload.email }}}}", list: news, subject: Hi, text: "{{{{ unsubscribe_url }}}} {{{{ postal_address }}}}"}}}}
  failing:
    on: CONTENT_PUBLISH
    steps:
      - {{id: news, account: erp, action: call, with: {{method: POST, path: "{path}", body: {{}}}}}}
"""  # noqa: E501 - one step a line
LOST = Unknown("no answer")
LOGIN = "mailgun https://api.mailgun.net mg.example.com"


class Answers(Calls):
    """Ends each call as given, in order; the last answer goes on."""

    def __init__(self, *answers: Outcome | LookupResult) -> None:
        super().__init__(Caller(SystemClock(), allow_private=True), SystemClock())
        self.answers = list(answers)

    def run(self, jobs: Sequence[Job], deadline: float) -> list[Outcome | LookupResult]:
        return [self._next(isinstance(job, Send)) for job in jobs]

    def _next(self, send: bool) -> Outcome | LookupResult:
        fitting = [each for each in self.answers if isinstance(each, Found | Absent) is not send]
        answer = fitting[0] if fitting else Accepted("m-1") if send else Absent()
        if len(fitting) > 1:
            self.answers.remove(answer)
        return answer


@pytest.fixture
def ledger(services: Services) -> Database:
    """A ledger with a configuration."""
    apply(services, "{{ payload.missing }}")
    return services.db


def apply(services: Services, path: str) -> None:
    compiled = compile_document(DOCUMENT.format(path=path), {})
    configs.insert(
        services.db, hash=path.encode(), document="", templates={}, compiled=compiled, identities={}, actor="test"
    )


def arrival(source: str = "shop", type: str = "LEAD_CAPTURE", **payload: object) -> Arrival:
    key = uuid.uuid4().hex
    agreed = [{"list": "news", "text": "Send me news."}]
    said = {"type": type, "source": source, "payload": {"email": f"{key}@example.com", **payload}, "consent": agreed}
    body = as_json(said)
    now = datetime.now(UTC)
    return Arrival(ids.event_id(source, key), source, key, type, "api", b"f", None, now, body)


def arrived(services: Services, source: str = "shop", type: str = "LEAD_CAPTURE") -> UUID:
    event = arrival(source, type)
    ingest_sql.record(services.db, event)
    return event.id


def worked(services: Services, *answers: Outcome | LookupResult, source: str = "shop") -> UUID:
    """Deliver an event of its own, each call ending as given; returns its first effect."""
    event = arrived(services, source)
    run_worker(services, *answers, events=(event,))
    return first_effect(services.db, event)


def run_worker(
    services: Services, *answers: Outcome | LookupResult, events: tuple[UUID, ...] = (), effects: tuple[UUID, ...] = ()
) -> None:
    services.calls = Answers(*answers)
    deliver([WakeUp(events, effects)], services, lambda: 900.0)


def first_effect(db: Database, event: UUID) -> UUID:
    (row,) = db.run("SELECT id FROM effects WHERE event_id = %s AND after IS NULL", (event,))
    return UUID(str(row["id"]))


def found(services: Services) -> list[Violation]:
    """Verify the whole ledger."""
    violations: list[Violation] = []
    after: UUID | None = START
    while after is not None:
        chunk = verify(services, after=after)
        violations += chunk.items
        after = chunk.next
    return violations


def kinds(services: Services) -> list[str]:
    return [violation.kind for violation in found(services)]


def corrupt(owner: Database, sql: LiteralString, *parameters: object) -> None:
    """Change what the rules of the schema forbid to change."""
    with psycopg.connect(owner.url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        assert connection.execute(sql, parameters).rowcount > 0


# ---------------------------------------------------------------- normal work


def test_an_empty_ledger_breaks_no_promise(services: Services) -> None:
    verified = verify(services)

    assert (verified.items, verified.checked.events, verified.next) == ([], 0, None)


def test_what_normal_work_leaves_breaks_no_promise(services: Services, ledger: Database, owner: Database) -> None:
    accepted = worked(services)
    worked(services, Refused("no such address"))
    worked(services, NotSent("no route"))
    worked(services, Throttled("slow down", 60.0))
    account_states.resume(ledger, "mail")
    worked(services, LOST, source="till")
    worked(services, LOST)
    arrived(services)  # not planned yet
    run_worker(services, events=(arrived(services, type="CONTENT_PUBLISH"),))

    verified = verify(services)

    assert verified.items == []
    assert (verified.checked.events, verified.checked.effects, verified.checked.attempts) == (8, 11, 6)
    assert status(ledger, accepted) == "accepted"


@pytest.mark.point(37)
@pytest.mark.point(49)
def test_the_whole_way_through_the_unknown_breaks_no_promise(
    services: Services, ledger: Database, owner: Database
) -> None:
    found_at_provider = worked(services, LOST)
    proven_absent = worked(services, LOST)
    repeated = worked(services, LOST, source="till")
    dead = died_while_calling(services, ledger, owner)
    pass_time(owner, minutes=31)
    worked(services)
    pass_time(owner, minutes=31)

    run_worker(services, Found("m-1"), effects=(found_at_provider,))
    run_worker(services, Absent(), Found("the control"), effects=(proven_absent,))
    proven = outcomes(ledger, proven_absent)
    for _ in range(3):  # one is repeated safely, one sent again after its absence, others follow their predecessors
        pass_time(owner, minutes=1)
        run_worker(services, Accepted("m-2"), Found("m-2"), effects=everything(ledger))

    assert ("look", "not_sent") in proven
    statuses = {status(ledger, effect) for effect in (found_at_provider, proven_absent, repeated, dead)}
    assert statuses == {"accepted"}
    assert found(services) == []


def died_while_calling(services: Services, db: Database, owner: Database) -> UUID:
    """Return an effect whose worker died in the middle of its call."""
    event = arrived(services)
    planned = plan_events([event], services).claimed[0]
    open_attempts(db, [frozen_opening(planned)])
    pass_time(owner, seconds=LEASE.total_seconds() + 1)
    leases.recover(db, limit=10)
    return planned.id


def frozen_opening(effect: Claimed) -> Opening:
    frozen, hash = freeze(Request("POST", "https://api.mailgun.net", {}, b"to=ada"))
    return opening(effect, identity=LOGIN, frozen=frozen, request_hash=hash)


def everything(db: Database) -> tuple[UUID, ...]:
    return tuple(row["id"] for row in db.run("SELECT id FROM effects"))


def test_a_persons_decisions_and_a_later_configuration_break_no_promise(services: Services, ledger: Database) -> None:
    event = arrived(services, type="CONTENT_PUBLISH")
    run_worker(services, events=(event,))
    held = held_effect(services, ledger)
    other = held_effect(services, ledger)
    apply(services, "/news")

    run_worker(services, events=(event,))
    decide(services, held, Decision.RESEND)
    decide(services, other, Decision.ACCEPTED)
    run_worker(services, effects=(held,))

    assert status(ledger, held) == "accepted"
    assert ledger.run("SELECT flow FROM replans") == [{"flow": "failing"}]
    assert found(services) == []


def test_what_is_redriven_and_cancelled_breaks_no_promise(services: Services, ledger: Database) -> None:
    refused = worked(services, Refused("no such address"))
    decide(services, refused, Decision.REDRIVE)
    between = found(services)  # what comes after it waits again
    run_worker(services, effects=(refused,))
    run_worker(services, effects=everything(ledger))
    waiting = worked(services, Throttled("slow down", 60.0))
    account_states.resume(ledger, "mail")
    decide(services, waiting, Decision.CANCEL)
    run_worker(services, effects=everything(ledger))

    assert between == found(services) == []
    assert [row["status"] for row in ledger.run("SELECT status FROM effects ORDER BY status")] == [
        *["accepted"] * 2,
        *["cancelled"] * 2,
    ]


def held_effect(services: Services, db: Database) -> UUID:
    """Return an effect at a provider without keys and without a search, whose answer was lost."""
    event = arrived(services)
    run_worker(services, events=(event,))
    (row,) = db.run("SELECT id FROM effects WHERE event_id = %s AND after IS NOT NULL", (event,))
    run_worker(services, LOST, effects=(row["id"],))
    run_worker(services, effects=(row["id"],))
    assert status(db, row["id"]) == "held"
    return UUID(str(row["id"]))


def decide(services: Services, effect: UUID, decision: Decision) -> None:
    decidable = decisions_sql.decidable(services.db, effect)
    assert decidable is not None
    decisions.decide(
        effect, decision, reason="I looked", version=decidable.version, actor="person:ada", services=services
    )


@pytest.mark.point(54)
def test_consent_in_order_breaks_no_promise(services: Services, ledger: Database) -> None:
    first, second, third = (
        arrival(email="ada@example.com"),
        arrival(email="ada@example.com"),
        arrival(email="ada@example.com"),
    )
    for event, change in ((first, suppress), (second, lift), (third, suppress)):
        ingest_sql.record(ledger, event)
        run_worker(services, events=(event.id,))
        change("ada@example.com", reason="asked", actor="person:ada", services=services)

    assert [status(ledger, first_effect(ledger, event.id)) for event in (first, second, third)] == [
        "accepted",
        "cancelled",
        "accepted",
    ]
    assert found(services) == []


def test_an_erased_event_is_in_order_once_all_of_it_is_final(
    services: Services, ledger: Database, owner: Database
) -> None:
    effect = worked(services, Refused("no"))
    (row,) = ledger.run("SELECT id FROM effects WHERE after = %s", (effect,))
    run_worker(services, effects=(row["id"],))

    owner.run("DELETE FROM payloads")

    assert status(ledger, row["id"]) == "cancelled"
    assert found(services) == []


def test_requests_pruned_after_the_end_are_not_missed(services: Services, ledger: Database, owner: Database) -> None:
    worked(services)

    owner.run("DELETE FROM requests")

    assert found(services) == []


# ---------------------------------------------------------------- corruptions

type Corruption = Callable[[Services, Database], object]

ATTEMPT = "INSERT INTO attempts (effect_id, n, generation, identity, request_hash)"


def _journal_row(owner: Database, effect: UUID, seq: int, before: str | None, after: str, fence: int) -> None:
    corrupt(
        owner,
        "INSERT INTO journal (effect_id, seq, from_status, to_status, fence, actor) VALUES (%s, %s, %s, %s, %s, 'x')",
        effect, seq, before, after, fence,
    )  # fmt: skip


def accepted_by_two_names(services: Services, owner: Database) -> None:
    effect = worked(services, Accepted("m-1"), source="till")
    corrupt(
        owner,
        "INSERT INTO outcomes (effect_id, n, generation, identity, origin, kind, reference)"
        " SELECT effect_id, n, generation, identity, 'late', kind, 'm-2' FROM outcomes WHERE effect_id = %s",
        effect,
    )


def accepted_in_two_attempts(services: Services, owner: Database) -> None:
    """Both attempts are in order, but the provider has no keys: it took both."""
    effect = worked(services, NotSent("no route"))
    pass_time(owner, minutes=2)
    run_worker(services, effects=(effect,))
    corrupt(
        owner,
        "INSERT INTO outcomes (effect_id, n, generation, identity, origin, kind, reference)"
        " SELECT effect_id, 1, generation, identity, 'late', kind, reference FROM outcomes"
        " WHERE effect_id = %s AND kind = 'accepted'",
        effect,
    )


def found_twice(services: Services, owner: Database) -> None:
    effect = worked(services, LOST)
    pass_time(owner, minutes=2)
    run_worker(services, Found("m-1", count=2), effects=(effect,))


def found_twice_before(services: Services, owner: Database) -> None:
    """By the release before, which wrote no codes."""
    found_twice(services, owner)
    corrupt(owner, "UPDATE journal SET reason_code = 'legacy', reason_detail = reason WHERE reason IS NOT NULL")


def another_key(services: Services, owner: Database) -> None:
    worked(services)
    corrupt(owner, "UPDATE events SET key = key || 'x'")


def body_gone(services: Services, owner: Database) -> None:
    worked(services, LOST)
    corrupt(owner, "DELETE FROM payloads")


def body_gone_before_planning(services: Services, owner: Database) -> None:
    arrived(services)
    corrupt(owner, "DELETE FROM payloads")


def split_into_others(services: Services, owner: Database) -> None:
    worked(services)
    corrupt(
        owner, "INSERT INTO deliveries (event_id, facts, received_at) SELECT id, ARRAY[id], received_at FROM events"
    )


def never_planned(services: Services, owner: Database) -> None:
    arrived(services)
    pass_time(owner, minutes=3)


def never_taken(services: Services, owner: Database) -> None:
    worked(services, NotSent("no route"), source="till")
    pass_time(owner, minutes=4)


def lease_never_ended(services: Services, owner: Database) -> None:
    plan_events([arrived(services)], services)
    pass_time(owner, minutes=4)


def no_time_set(services: Services, owner: Database) -> None:
    effect = worked(services, LOST)
    corrupt(owner, "UPDATE effects SET due_at = 'infinity' WHERE id = %s", effect)


def released_by_nobody(services: Services, owner: Database) -> None:
    effect = worked(services)
    corrupt(owner, "UPDATE effects SET due_at = 'infinity' WHERE after = %s", effect)


def held_for_nothing(services: Services, owner: Database) -> None:
    held_effect(services, services.db)
    corrupt(owner, "UPDATE effects SET reason = ' ' WHERE status = 'held'")


def attempt_out_of_nothing(services: Services, owner: Database) -> None:
    effect = worked(services)
    corrupt(
        owner,
        "INSERT INTO attempts SELECT effect_id, 9, generation, identity, request_hash FROM attempts"
        " WHERE effect_id = %s",
        effect,
    )


def call_without_attempt(services: Services, owner: Database) -> None:
    effect = worked(services, LOST)
    corrupt(owner, "DELETE FROM outcomes WHERE effect_id = %s", effect)
    corrupt(owner, "DELETE FROM attempts WHERE effect_id = %s", effect)


def other_bytes_sent(services: Services, owner: Database) -> None:
    worked(services)
    corrupt(owner, "UPDATE attempts SET request_hash = %s", hashlib.sha256(b"other").digest())


def bytes_gone(services: Services, owner: Database) -> None:
    worked(services, LOST)
    corrupt(owner, "DELETE FROM requests")


def bytes_altered(services: Services, owner: Database) -> None:
    worked(services)
    corrupt(owner, "UPDATE requests SET frozen = %s", zlib.compress(b'{"method": "POST"}\nother'))


def bytes_garbled(services: Services, owner: Database) -> None:
    worked(services)
    corrupt(owner, "UPDATE requests SET frozen = 'garbage'")


def outcome_of_no_attempt(services: Services, owner: Database) -> None:
    effect = worked(services, NotSent("no route"))
    corrupt(owner, "UPDATE outcomes SET n = 7 WHERE effect_id = %s", effect)


def accepted_by_nobody(services: Services, owner: Database) -> None:
    effect = worked(services)
    corrupt(owner, "DELETE FROM outcomes WHERE effect_id = %s", effect)


def two_open_at_once(services: Services, owner: Database) -> None:
    planned = plan_events([arrived(services)], services).claimed[0]
    open_attempts(services.db, [frozen_opening(planned)])
    corrupt(
        owner,
        "INSERT INTO attempts SELECT effect_id, 2, generation, identity, request_hash FROM attempts"
        " WHERE effect_id = %s",
        planned.id,
    )
    _journal_row(owner, planned.id, 4, "claimed", "sending", 2)
    corrupt(owner, "UPDATE effects SET seq = 4, fence = 2 WHERE id = %s", planned.id)


def sent_after_unsubscribing(services: Services, owner: Database) -> None:
    worked(services)
    corrupt(
        owner,
        "INSERT INTO suppressions (contact, seq, reason, actor, created_at)"
        " SELECT contact, 1, 'asked', 'x', opened_at - interval '1 s'"
        "   FROM attempts JOIN effects ON effects.id = effect_id WHERE contact IS NOT NULL",
    )
    corrupt(owner, "UPDATE contacts SET suppressed_at = drumbeat_now(), suppression_reason = 'asked'")


def sent_while_stopped(services: Services, owner: Database) -> None:
    worked(services)
    for stopped, at in ((True, "min(opened_at) - interval '1 s'"), (False, "min(opened_at) + interval '1 us'")):
        corrupt(
            owner,
            f"INSERT INTO stop_journal (stopped, actor, at) SELECT %s, 'x', {at} FROM attempts",
            stopped,
        )


def sent_after_leaving(services: Services, owner: Database) -> None:
    _left(services, owner, "opened_at - interval '1 s'")


def _left(services: Services, owner: Database, at: LiteralString) -> None:
    """Let the person of a mail to a list have left it at some time around its attempt."""
    worked(services, source="letters")
    corrupt(
        owner,
        "INSERT INTO consents (contact, list, event_id, kind, by_person, at, recorded_at)"
        f" SELECT contact, '*', event_id, 'withdrawn', true, drumbeat_now(), {at}"
        "   FROM attempts JOIN effects ON effects.id = effect_id WHERE list IS NOT NULL",
    )
    corrupt(
        owner,
        "UPDATE contacts SET consents = folded.consents"
        "  FROM (SELECT contact, consents_merge(consent_fact(list, kind, by_person, at, event_id)) AS consents"
        "          FROM consents GROUP BY contact) AS folded"
        " WHERE folded.contact = contacts.key",
    )


def contact_gone(services: Services, owner: Database) -> None:
    worked(services)
    corrupt(owner, "DELETE FROM contacts")


def consent_forgotten(services: Services, owner: Database) -> None:
    suppress("ada@example.com", reason="asked", actor="x", services=services)
    corrupt(owner, "UPDATE contacts SET suppressed_at = NULL, suppression_reason = NULL")


def consent_of_nothing(services: Services, owner: Database) -> None:
    made_up = "consent_fact('news', 'given', true, drumbeat_now(), gen_random_uuid())"
    corrupt(owner, f"INSERT INTO contacts (key, consents) VALUES ('eve', {made_up})")


def bounce_of_nothing(services: Services, owner: Database) -> None:
    made_up = "reported_fact('bounced', drumbeat_now(), gen_random_uuid())"
    corrupt(owner, f"INSERT INTO contacts (key, reported) VALUES ('eve', {made_up})")


def bounce_without_an_end(services: Services, owner: Database) -> None:
    effect = worked(services)
    account = owner.run("SELECT account FROM effects WHERE id = %s", (effect,))[0]["account"]
    tell(services.db, report("bounced", effect), account=account)
    corrupt(owner, "UPDATE contacts SET suppressed_at = NULL, suppression_kind = NULL WHERE reported <> '{}'")


def journal_gone(services: Services, owner: Database) -> None:
    effect = worked(services)
    corrupt(owner, "DELETE FROM journal WHERE effect_id IN (SELECT id FROM effects WHERE after = %s)", effect)


def journal_of_nobody(services: Services, owner: Database) -> None:
    _journal_row(owner, uuid.uuid4(), 1, None, "waiting", 0)


def move_lost(services: Services, owner: Database) -> None:
    effect = worked(services)
    corrupt(owner, "DELETE FROM journal WHERE effect_id = %s AND seq = 2", effect)


def started_elsewhere(services: Services, owner: Database) -> None:
    effect = worked(services)
    corrupt(owner, "UPDATE journal SET from_status = 'claimed' WHERE effect_id = %s AND seq = 1", effect)


def chain_broken(services: Services, owner: Database) -> None:
    effect = worked(services)
    corrupt(owner, "UPDATE journal SET from_status = 'held' WHERE effect_id = %s AND seq = 4", effect)


def forbidden_move(services: Services, owner: Database) -> None:
    effect = worked(services)
    owner.run("ALTER TABLE journal DROP CONSTRAINT journal_moves")
    _journal_row(owner, effect, 5, "accepted", "waiting", 1)
    corrupt(owner, "UPDATE effects SET status = 'waiting', seq = 5, due_at = drumbeat_now() WHERE id = %s", effect)


def fence_lowered(services: Services, owner: Database) -> None:
    effect = worked(services)
    corrupt(owner, "UPDATE journal SET fence = 0 WHERE effect_id = %s AND seq = 4", effect)


def status_without_a_move(services: Services, owner: Database) -> None:
    effect = worked(services)
    corrupt(owner, "UPDATE effects SET status = 'refused' WHERE id = %s", effect)


def generation_without_a_person(services: Services, owner: Database) -> None:
    effect = worked(services, Refused("no"))
    corrupt(owner, "UPDATE effects SET generation = 2 WHERE id = %s", effect)


def sent_when_stale(services: Services, owner: Database) -> None:
    effect = worked(services)
    corrupt(owner, "UPDATE attempts SET opened_at = opened_at + interval '8 days' WHERE effect_id = %s", effect)


def another_plan(services: Services, owner: Database) -> None:
    worked(services)
    corrupt(owner, "UPDATE plans SET hash = 'other'")


def failure_forgotten(services: Services, owner: Database) -> None:
    run_worker(services, events=(arrived(services, type="CONTENT_PUBLISH"),))
    corrupt(owner, "UPDATE plans SET failed = '{}'")


def replanned(services: Services) -> None:
    event = arrived(services, type="CONTENT_PUBLISH")
    run_worker(services, events=(event,))
    apply(services, "/news")
    run_worker(services, events=(event,))


def another_replan(services: Services, owner: Database) -> None:
    replanned(services)
    corrupt(owner, "UPDATE replans SET hash = 'other'")


def replan_that_nobody_needed(services: Services, owner: Database) -> None:
    apply(services, "/news")
    event = arrived(services)
    run_worker(services, events=(event,))
    empty = hashlib.sha256(b"[]").digest()
    corrupt(owner, "INSERT INTO replans (event_id, flow, version, hash) VALUES (%s, 'failing', 2, %s)", event, empty)


def effect_gone(services: Services, owner: Database) -> None:
    effect = worked(services)
    corrupt(owner, "DELETE FROM journal WHERE effect_id IN (SELECT id FROM effects WHERE after = %s)", effect)
    corrupt(owner, "DELETE FROM effects WHERE after = %s", effect)


def effect_too_many(services: Services, owner: Database) -> None:
    effect = worked(services)
    other = uuid.uuid4()
    corrupt(
        owner,
        "INSERT INTO effects (id, event_id, version, flow, step, account, action, base_due_at, status, seq, due_at)"
        " SELECT %s, event_id, version, flow, 'more', account, action, base_due_at, 'waiting', 1, drumbeat_now()"
        "   FROM effects WHERE id = %s",
        other, effect,
    )  # fmt: skip
    _journal_row(owner, other, 1, None, "waiting", 0)


def mailed_without_asking(services: Services, owner: Database) -> None:
    worked(services)
    corrupt(owner, "UPDATE effects SET contact = NULL WHERE contact IS NOT NULL")


def one_sided_after_erasure(services: Services, owner: Database) -> None:
    effect = worked(services, Refused("no"))
    (row,) = services.db.run("SELECT id FROM effects WHERE after = %s", (effect,))
    run_worker(services, effects=(row["id"],))
    corrupt(owner, "DELETE FROM payloads")
    corrupt(owner, "UPDATE effects SET dependents = '{}' WHERE id = %s", effect)


def planned_by_a_later_release(services: Services, owner: Database) -> None:
    worked(services)
    corrupt(owner, "UPDATE plans SET semantics = 99")


def sent_by_a_provider_of_a_later_release(services: Services, owner: Database) -> None:
    accepted_in_two_attempts(services, owner)
    corrupt(owner, "UPDATE configs SET compiled = jsonb_set(compiled, '{accounts,mail,provider}', '\"pigeon\"')")
    services._configurations.clear()


CORRUPTIONS: list[tuple[str, str, Corruption]] = [
    ("I1", "accepted-twice", accepted_by_two_names),
    ("I1", "accepted-twice", accepted_in_two_attempts),
    ("I1", "acceptances-unread", sent_by_a_provider_of_a_later_release),
    ("I1", "found-several", found_twice),
    ("I1", "found-several", found_twice_before),
    ("I2", "event-id", another_key),
    ("I2", "body-missing", body_gone),
    ("I2", "body-missing", body_gone_before_planning),
    ("I2", "facts-other", split_into_others),
    ("I3", "unplanned", never_planned),
    ("I3", "overdue", never_taken),
    ("I3", "lease-ended", lease_never_ended),
    ("I3", "never-due", no_time_set),
    ("I3", "never-due", released_by_nobody),
    ("I3", "held-unexplained", held_for_nothing),
    ("I4", "attempt-unjournaled", attempt_out_of_nothing),
    ("I4", "sending-unattempted", call_without_attempt),
    ("I4", "request-other", other_bytes_sent),
    ("I4", "request-missing", bytes_gone),
    ("I4", "request-altered", bytes_altered),
    ("I4", "request-altered", bytes_garbled),
    ("I4", "outcome-unattempted", outcome_of_no_attempt),
    ("I4", "accepted-unproven", accepted_by_nobody),
    ("I5", "two-open", two_open_at_once),
    ("I6", "after-suppression", sent_after_unsubscribing),
    ("I6", "after-withdrawal", sent_after_leaving),
    ("I6", "contact-missing", contact_gone),
    ("I6", "contact-other", consent_forgotten),
    ("I6", "consent-fold", consent_of_nothing),
    ("I6", "reports-fold", bounce_of_nothing),
    ("I6", "reports-fold", bounce_without_an_end),
    ("I7", "journal-missing", journal_gone),
    ("I7", "journal-stray", journal_of_nobody),
    ("I7", "journal-gap", move_lost),
    ("I7", "journal-start", started_elsewhere),
    ("I7", "journal-break", chain_broken),
    ("I7", "journal-fence", fence_lowered),
    ("I7", "move", forbidden_move),
    ("I7", "fold", status_without_a_move),
    ("I7", "fold", generation_without_a_person),
    ("I8", "too-old", sent_when_stale),
    ("I8", "while-stopped", sent_while_stopped),
    ("I9", "plan-unread", planned_by_a_later_release),
    ("I9", "plan-hash", another_plan),
    ("I9", "plan-failed", failure_forgotten),
    ("I9", "replan-hash", another_replan),
    ("I9", "replan-unasked", replan_that_nobody_needed),
    ("I9", "effect-missing", effect_gone),
    ("I9", "effect-unplanned", effect_too_many),
    ("I9", "effect-other", mailed_without_asking),
    ("I9", "one-sided", one_sided_after_erasure),
]


@pytest.mark.parametrize(("invariant", "kind", "spoil"), CORRUPTIONS, ids=[each[2].__name__ for each in CORRUPTIONS])
def test_one_corruption_is_named_and_nothing_else(
    services: Services, ledger: Database, owner: Database, invariant: str, kind: str, spoil: Corruption
) -> None:
    spoil(services, owner)
    worked(services, source="till")

    (violation,) = found(services)
    assert (violation.invariant, violation.kind) == (invariant, kind)
    assert "{" not in violation.sentence
    assert "example.com" not in violation.sentence


def test_every_kind_of_violation_has_a_corruption() -> None:
    of_runs = {kind for _, kind, _ in test_corrupted_runs.CORRUPTIONS} | {"cancelled-waiting"}
    of_monitors = {"run-unbalanced"}  # whole runs are counted by monitors, whose tests violate it

    assert {kind for _, kind, _ in CORRUPTIONS} | of_runs | of_monitors == set(KINDS)


@pytest.mark.parametrize("at", ["opened_at", "opened_at + interval '1 s'"])
def test_who_leaves_after_an_attempt_was_opened_was_rightly_mailed(
    services: Services, ledger: Database, owner: Database, at: LiteralString
) -> None:
    _left(services, owner, at)

    assert found(services) == []


# ---------------------------------------------------------------- what only looks late


def test_what_waits_for_a_paused_account_is_not_stuck(services: Services, ledger: Database, owner: Database) -> None:
    never_taken(services, owner)

    account_states.report(ledger, [Report("receipts", answered=False, at_once=True, pause=3600.0)])

    assert kinds(services) == []


def test_a_long_line_at_an_account_without_limits_has_the_time_over_which_it_is_spread(
    services: Services, ledger: Database, owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_taken(services, owner)
    assert kinds(services) == ["overdue"]  # one is not a line

    monkeypatch.setattr("drumbeat.audit.lateness.UNLIMITED", (Limit(1, 1, 0),))
    assert kinds(services) == []

    pass_time(owner, minutes=2)
    assert kinds(services) == ["overdue"]


def test_a_limited_account_has_the_time_over_which_the_relay_spreads_its_line(
    services: Services, ledger: Database, owner: Database
) -> None:
    worked(services, NotSent("no route"))
    pass_time(owner, minutes=4)
    in_time = kinds(services)

    pass_time(owner, minutes=2)

    assert (in_time, kinds(services)) == ([], ["overdue"])


# ---------------------------------------------------------------- chunks


def test_chunks_cover_the_ledger_once(services: Services, ledger: Database, owner: Database) -> None:
    for _ in range(5):
        worked(services)
    journal_of_nobody(services, owner)
    corrupt(owner, "UPDATE plans SET hash = 'other'")

    chunks = []
    after: UUID | None = START
    while after is not None:
        chunks.append(verify(services, after=after, limit=2))
        after = chunks[-1].next

    assert [chunk.checked.events for chunk in chunks] == [2, 2, 1]
    assert sum(chunk.checked.effects for chunk in chunks) == 10
    named = [violation.id for chunk in chunks for violation in chunk.items if violation.kind == "plan-hash"]
    assert named == sorted(set(named)) and len(named) == 5
    assert [v.kind for chunk in chunks for v in chunk.items].count("journal-stray") == 1


def test_a_chunk_ends_where_bodies_would_fill_the_memory(services: Services, ledger: Database) -> None:
    for _ in range(3):
        arrived(services)

    one = span(ledger, START, limit=500, bytes=1)

    assert verify(services, after=one.last).checked.events == 2


def test_verifying_changes_nothing_and_needs_no_right_to_write(services: Services, ledger: Database) -> None:
    worked(services)
    with psycopg.connect(ledger.url) as other:
        other.execute("SELECT FROM effects FOR UPDATE")  # in the middle of a worker's statement

        verified = verify(services)

    assert verified.items == []

"""Plans of both rules in one ledger: each is verified, claimed and rendered by the rules that made it."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from drumbeat.configuration.apply import apply
from drumbeat.configuration.document import compile_document
from drumbeat.core import ids
from drumbeat.core.address import contact_key
from drumbeat.core.call_times import LEASE
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.events import Arrival
from drumbeat.core.status import Status
from drumbeat.delivery import candidates_sql, claims_sql
from drumbeat.delivery.deliver import deliver
from drumbeat.delivery.planning import plan_events
from drumbeat.ingest import sql as ingest_sql
from drumbeat.ledger import configs
from drumbeat.operations.doctor import doctor
from drumbeat.planning.plan import plan
from drumbeat.planning.render import render
from drumbeat.services import Services
from drumbeat.wakeups.queue import WakeUp
from tests.conftest import TestDatabase
from tests.store.audit.test_verify import found
from tests.store.rows import as_json

DOCUMENT = """
version: 1
accounts:
  mail: {provider: resend, settings: {from: "Ada <ada@example.com>"}, secrets: {api_key: env:MAIL_KEY}}
flows:
  welcome:
    on: LEAD_CAPTURE
    steps:
      - id: hello
        account: mail
        action: send_email
        delay: 1h
        with: {to: "{{ payload.email }}", subject: Hi, text: Hi, headers: {Reply-To: "{{ payload.answer }}"}}
"""
ADDRESS = "user@faß.de"
FIRST, TODAY = "user@fass.de", "user@xn--fa-hia.de"


def apply_as_before(db: TestDatabase, **more: object) -> int:
    """Store the document as a release without numbers did."""
    compiled = compile_document(DOCUMENT, {}) | more
    if not more:
        del compiled["semantics"], compiled["must_understand"]
    hash = hashlib.sha256(as_json([DOCUMENT, {}]).replace(b", ", b",")).digest()
    version = configs.insert(
        db, hash=hash, document=DOCUMENT, templates={}, compiled=compiled, identities={}, actor="before"
    )
    assert version is not None
    return version


def arrived(services: Services, key: str, **payload: object) -> UUID:
    event = ids.event_id("shop", key)
    body = as_json({"type": "LEAD_CAPTURE", "source": "shop", "payload": {"email": ADDRESS, "answer": "", **payload}})
    now = datetime.now(UTC)
    ingest_sql.record(services.db, Arrival(event, "shop", key, "LEAD_CAPTURE", "api", b"f", None, now, body))
    return event


def plan_as_before(services: Services, event: UUID, version: int) -> None:
    """Plan and record as a release of rules 1 does, whatever the configuration says: it writes no number."""
    (candidate,) = candidates_sql.read(services.db, [event], late=timedelta(hours=1), lease=LEASE, most_bytes=1 << 20)
    made = plan(candidate.event, services.configuration(version).by(1))
    (effect,) = made.effects
    services.db.run("INSERT INTO plans (event_id, version, hash) VALUES (%s, %s, %s)", (event, version, made.hash))
    services.db.run(
        "WITH c AS (INSERT INTO contacts (key) VALUES (%(contact)s) ON CONFLICT DO NOTHING)"
        ", e AS (INSERT INTO effects (id, event_id, version, flow, step, account, action, contact, base_due_at, status,"
        " seq, due_at) VALUES (%(id)s, %(event)s, %(version)s, 'welcome', 'hello', 'mail', 'send_email', %(contact)s,"
        " %(due)s, 'waiting', 1, drumbeat_now()))"
        " INSERT INTO journal (effect_id, seq, to_status, fence, actor) VALUES (%(id)s, 1, 'waiting', 0, 'planner')",
        {
            "id": effect.id,
            "event": event,
            "version": version,
            "contact": contact_key(services.contact_secret, effect.target),
            "due": effect.due_at,
        },
    )


@pytest.fixture
def both(services: Services, database: TestDatabase) -> tuple[UUID, UUID]:
    """Two events of the same words, planned by the release before and by this one under one version."""
    apply(DOCUMENT, {}, actor="test", services=services)
    before, today = arrived(services, "before"), arrived(services, "today")
    plan_as_before(services, before, 1)
    plan_events([today], services)
    return before, today


def test_verify_agrees_with_the_plans_of_both_rules(services: Services, both: tuple[UUID, UUID]) -> None:
    rows = services.db.run("SELECT event_id, semantics FROM plans")

    assert {row["event_id"]: row["semantics"] for row in rows} == dict(zip(both, (1, SEMANTICS), strict=True))
    assert found(services) == []


def test_each_effect_goes_to_the_address_that_was_planned(
    services: Services, both: tuple[UUID, UUID], owner: TestDatabase
) -> None:
    owner.run("UPDATE effects SET due_at = drumbeat_now()")
    effects = [row["id"] for row in services.db.run("SELECT id FROM effects")]

    claimed = claims_sql.claim(services.db, effects, lease=LEASE, limit=10)

    sent = {
        effect.event.id: render(
            effect.event,
            services.configuration(effect.version).by(effect.semantics),
            effect.flow,
            effect.step,
            effect_id=effect.id,
        )
        for effect in claimed
    }
    assert [getattr(sent[event], "to", None) for event in both] == [FIRST, TODAY]


def test_a_flow_that_was_planned_again_has_the_rules_of_that(services: Services, owner: TestDatabase) -> None:
    apply(DOCUMENT.replace("payload.email", "payload.mail"), {}, actor="test", services=services)
    event = arrived(services, "failed")
    plan_events([event], services)
    services.db.run("SELECT 1")
    owner.run("UPDATE plans SET semantics = 1")  # as if the release before had failed first

    apply(DOCUMENT, {}, actor="test", services=services)
    plan_events([event], services)

    owner.run("UPDATE effects SET due_at = drumbeat_now()")
    effects = [row["id"] for row in services.db.run("SELECT id FROM effects")]
    (claimed,) = claims_sql.claim(services.db, effects, lease=LEASE, limit=10)
    assert claimed.semantics == SEMANTICS
    assert found(services) == []


# ---------------------------------------------------------------- upgrade


def test_the_same_document_is_applied_once_more_after_the_upgrade(services: Services, database: TestDatabase) -> None:
    assert apply_as_before(database) == 1
    event = arrived(services, "between")
    plan_events([event], services)

    again = apply(DOCUMENT, {}, actor="test", services=services)
    unchanged = apply(DOCUMENT, {}, actor="test", services=services)

    assert (again.version, again.changed) == (2, True)
    assert (unchanged.version, unchanged.changed) == (2, False)
    assert database.run("SELECT semantics FROM plans") == [{"semantics": 1}]
    assert found(services) == []


def test_doctor_says_that_the_rules_are_old_until_then(services: Services, database: TestDatabase) -> None:
    apply_as_before(database)
    before = [check for check in doctor(services) if check.name == "rules of the configuration"]

    apply(DOCUMENT, {}, actor="test", services=services)

    assert [(check.ok, "drumbeat apply" in (check.fix or "")) for check in before] == [(True, True)]
    assert "rules of the configuration" not in [check.name for check in doctor(services)]


# ---------------------------------------------------------------- a configuration of a later release


def test_what_only_a_later_release_understands_is_left_for_it(
    services: Services, both: tuple[UUID, UUID], database: TestDatabase, owner: TestDatabase
) -> None:
    """Events stay without a plan, effects wait with a reason; nothing is refused, and nothing ends the batch."""
    apply_as_before(database, semantics=SEMANTICS + 1, must_understand=["moon phases"])
    event = arrived(services, "later")
    owner.run("UPDATE effects SET due_at = drumbeat_now()")
    effects = tuple(row["id"] for row in database.run("SELECT id FROM effects"))

    deliver([WakeUp((event,), effects)], services, lambda: 900.0)

    assert database.run("SELECT 1 FROM plans WHERE event_id = %s", (event,)) == []
    assert database.run("SELECT DISTINCT status, reason_code FROM effects") == [
        {"status": Status.WAITING.value, "reason_code": "not_understood"}
    ]
    (check,) = [check for check in doctor(services) if check.name == "configuration"]
    assert not check.ok and "moon phases" in check.detail


def test_this_release_applies_the_document_and_goes_on(
    services: Services, both: tuple[UUID, UUID], database: TestDatabase
) -> None:
    apply_as_before(database, semantics=SEMANTICS + 1, must_understand=["moon phases"])
    event = arrived(services, "later")

    applied = apply(DOCUMENT, {}, actor="test", services=services)
    plan_events([event], services)

    assert (applied.version, applied.changed) == (3, True)
    assert database.run("SELECT semantics FROM plans WHERE event_id = %s", (event,)) == [{"semantics": SEMANTICS}]
    assert found(services) == []


def test_rules_that_are_not_known_yet_are_planned_by_the_newest_that_are(
    services: Services, database: TestDatabase
) -> None:
    """A release after this one that must not be planned so says it in `must_understand`."""
    apply_as_before(database, semantics=SEMANTICS + 1)
    event = arrived(services, "later")

    plan_events([event], services)

    assert database.run("SELECT semantics FROM plans") == [{"semantics": SEMANTICS}]
    assert found(services) == []


def test_an_effect_that_a_later_release_planned_waits_for_it(
    services: Services, both: tuple[UUID, UUID], database: TestDatabase, owner: TestDatabase
) -> None:
    owner.run("UPDATE plans SET semantics = %s", (SEMANTICS + 1,))
    owner.run("UPDATE effects SET due_at = drumbeat_now()")
    effects = tuple(row["id"] for row in database.run("SELECT id FROM effects"))

    deliver([WakeUp((), effects)], services, lambda: 900.0)

    assert database.run("SELECT DISTINCT status, reason_code FROM effects") == [
        {"status": Status.WAITING.value, "reason_code": "not_understood"}
    ]

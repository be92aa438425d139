"""Redriving what has ended, and cancelling what waits, as a person does over HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis import Redis

from drumbeat.core.address import contact_key
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.delivery.effects import Claimed
from drumbeat.ledger.database import Database
from drumbeat.local.servers import Valkey
from drumbeat.people import suppressions
from drumbeat.wakeups.queue import WakeUp
from tests.conftest import TestDatabase
from tests.functions.api.test_api import held
from tests.functions.console import Console, build_services, close
from tests.store.rows import claimed, closing, journal, new_effect, opening, planned, recorded, sending, status, waiting


@pytest.fixture
def console(
    database: TestDatabase, redis: Redis, valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Console]:
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    yield Console(services)
    close(services)


def refused(db: Database, **changes: object) -> UUID:
    """Return an effect that its provider refused."""
    effect = sending(db, **changes)
    reason = Reason(ReasonCode.REFUSED_BY_PROVIDER, "HTTP 400")
    attempts_sql.close_attempts(db, [closing(effect, "refused", Status.REFUSED, reason=reason, learned=reason)])
    return effect.id


def dropped(db: Database) -> UUID:
    """Return an effect that was given up, although its attempt may have been carried out."""
    effect = sending(db)
    attempts_sql.close_attempts(db, [closing(effect, "unknown", Status.UNKNOWN)])
    reason = Reason(ReasonCode.DROPPED, maybe_sent=True)
    attempts_sql.close_attempts(
        db, [closing(claimed(db, effect.id), None, Status.CANCELLED, n=effect.fence, origin="look", reason=reason)]
    )
    return effect.id


def two_steps(db: Database) -> tuple[UUID, UUID]:
    """Return a due effect and one that comes after it."""
    event = recorded(db)
    later = new_effect(event, "nudge")
    first = new_effect(event, dependents=(later.id,))
    planned(db, first, new_effect(event, "nudge", after=first.id))
    return first.id, later.id


def end(db: Database, effect: UUID, kind: str) -> None:
    """Send it, and let its provider say so."""
    one = claimed(db, effect)
    attempts_sql.open_attempts(db, [opening(one)])
    reason = Reason(ReasonCode.REFUSED_BY_PROVIDER, "HTTP 400") if kind == "refused" else None
    attempts_sql.close_attempts(db, [closing(one, kind, Status(kind), reason=reason)])


def decide(console: Console, effect: UUID, verb: str, **fields: Any) -> tuple[int, Any]:
    """Decide about an effect as it stands."""
    (item,) = console.call("GET", "/v1/effects", id=str(effect))[1]["items"]
    asked = {"reason": "I looked", "version": item["version"], **fields}
    return console.call("POST", f"/v1/effects/{effect}/{verb}", asked)[:2]


def effect_row(db: Database, effect: UUID) -> dict[str, Any]:
    (row,) = db.run(
        "SELECT generation, tries, maybe_sent, reason, reason_code, due_at <= drumbeat_now() AS due,"
        " due_at = 'infinity' AS resting FROM effects WHERE id = %s",
        (effect,),
    )
    return row


# ---------------------------------------------------------------- redrive


def test_what_was_refused_is_sent_again_under_a_new_key_and_with_new_tries(
    console: Console, database: TestDatabase
) -> None:
    effect = refused(database)

    code, answer = decide(console, effect, "redrive", reason="the account was repaired")

    assert (code, answer["status"], answer["effectId"]) == (200, "waiting", str(effect))
    (entry,) = database.run("SELECT actor, reason, reason_code FROM journal ORDER BY seq DESC LIMIT 1")
    assert entry == {"actor": "person:ada", "reason": "the account was repaired", "reason_code": "decided"}
    assert journal(database, effect)[-1] == "refused>waiting"
    assert console.notified() == [WakeUp(effects=(effect,))]
    again = claimed(database, effect)
    assert (again.generation, again.tries, again.attempts, again.frozen) == (2, 0, 0, None)


def test_what_may_have_been_sent_is_sent_again_only_when_the_person_says_so(
    console: Console, database: TestDatabase
) -> None:
    effect = dropped(database)

    refusal = decide(console, effect, "redrive")
    agreed = decide(console, effect, "redrive", evenIfSent=True)

    assert refusal[0] == 409
    assert "would be done twice" in refusal[1]["detail"]
    assert (agreed[0], effect_row(database, effect)["generation"]) == (200, 2)


def test_a_refusal_beside_an_acceptance_counts_as_sent(console: Console, database: TestDatabase) -> None:
    effect = sending(database)
    reason = Reason(ReasonCode.REFUSED_BY_PROVIDER, "HTTP 400")
    attempts_sql.close_attempts(database, [closing(effect, "refused", Status.REFUSED, reason=reason, learned=reason)])
    late = closing(effect, "accepted", Status.ACCEPTED, origin="feedback")
    attempts_sql.close_attempts(database, [late], actor="feedback")

    assert decide(console, effect.id, "redrive")[0] == 409
    assert status(database, effect.id) == "refused"


def test_an_attempt_of_an_earlier_generation_counts_too(console: Console, database: TestDatabase) -> None:
    effect = dropped(database)
    decide(console, effect, "redrive", evenIfSent=True)
    decide(console, effect, "cancel")

    assert decide(console, effect, "redrive")[0] == 409
    assert status(database, effect) == "cancelled"


@pytest.mark.parametrize("verb", ["redrive", "cancel"])
def test_a_decision_on_an_older_version_changes_nothing(console: Console, database: TestDatabase, verb: str) -> None:
    effect = refused(database) if verb == "redrive" else waiting(database)
    before = status(database, effect)

    answers = [decide(console, effect, verb, version=version)[0] for version in (0, 99)]

    assert answers == [409, 409]
    assert status(database, effect) == before


@pytest.mark.parametrize("verb", ["redrive", "cancel"])
def test_a_decision_counts_once(console: Console, database: TestDatabase, verb: str) -> None:
    effect = refused(database) if verb == "redrive" else waiting(database)
    (item,) = console.call("GET", "/v1/effects", id=str(effect))[1]["items"]

    codes = [decide(console, effect, verb, version=item["version"])[0] for _ in range(2)]

    assert codes == [200, 409]


@pytest.mark.parametrize("verb", ["redrive", "cancel"])
def test_a_decision_needs_a_reason_and_an_effect(console: Console, database: TestDatabase, verb: str) -> None:
    effect = refused(database)

    assert decide(console, effect, verb, reason=" ")[0] == 400
    assert decide(console, effect, verb, burn=True)[0] == 400
    missing = console.call("POST", f"/v1/effects/{uuid4()}/{verb}", {"reason": "r", "version": 1})
    assert missing[0] == 404
    assert status(database, effect) == "refused"


def test_what_was_erased_cannot_be_sent_again(console: Console, database: TestDatabase, owner: Database) -> None:
    effect = refused(database)
    owner.run("DELETE FROM payloads")

    code, problem = decide(console, effect, "redrive")

    assert (code, "erased" in problem["detail"]) == (409, True)


def test_a_suppressed_person_is_named_at_once_and_still_not_mailed(console: Console, database: TestDatabase) -> None:
    key = contact_key(console.services.contact_secret, "ada@example.com")
    database.run("INSERT INTO contacts (key) VALUES (%s)", (key,))
    effect = refused(database, contact=key)
    suppressions.suppress("ada@example.com", reason="complained", actor="test", services=console.services)

    code, answer = decide(console, effect, "redrive")

    assert (code, answer["suppressed"]) == (200, "complained")
    again = claimed(database, effect)
    assert attempts_sql.open_attempts(database, [opening(again)])[effect].status is Status.CANCELLED


# ---------------------------------------------------------------- steps that come after


def test_what_came_after_a_redriven_step_is_named_and_waits_for_it(console: Console, database: TestDatabase) -> None:
    first, later = two_steps(database)
    end(database, first, "refused")
    predecessor = Reason(ReasonCode.PREDECESSOR_ENDED, "refused")
    attempts_sql.open_attempts(database, [opening(claimed(database, later), "cancelled", reason=predecessor)])

    too_early = decide(console, later, "redrive")
    _, answer = decide(console, first, "redrive")
    decide(console, later, "redrive")

    assert (too_early[0], str(first) in too_early[1]["detail"]) == (409, True)
    assert answer["cancelledDependents"] == [str(later)]
    assert (status(database, later), effect_row(database, later)["resting"]) == ("waiting", True)
    end(database, first, "accepted")
    assert effect_row(database, later)["due"]


def test_a_step_that_was_released_already_waits_again(console: Console, database: TestDatabase) -> None:
    first, later = two_steps(database)
    end(database, first, "refused")
    assert effect_row(database, later)["due"]

    decide(console, first, "redrive")

    assert effect_row(database, later)["resting"]
    end(database, first, "accepted")
    assert effect_row(database, later)["due"]


def test_a_cancelled_step_ends_what_comes_after_it(console: Console, database: TestDatabase) -> None:
    first, later = two_steps(database)

    decide(console, first, "cancel")

    assert effect_row(database, later)["due"]  # its worker finds that the step before it did not succeed
    assert console.notified() == [WakeUp(effects=(later,))]


# ---------------------------------------------------------------- cancel


def test_what_waits_or_is_held_is_not_sent_any_more(console: Console, database: TestDatabase) -> None:
    wait, unproven = waiting(database), held(database).id

    codes = [decide(console, effect, "cancel", reason="called off")[0] for effect in (wait, unproven)]

    assert codes == [200, 200]
    assert [journal(database, wait)[-1], journal(database, unproven)[-1]] == ["waiting>cancelled", "held>cancelled"]
    assert [effect_row(database, each)["reason"] for each in (wait, unproven)] == [
        "called off",
        "called off; may have been sent once",
    ]
    assert [effect_row(database, each)["maybe_sent"] for each in (wait, unproven)] == [False, True]


def in_hand(db: Database) -> Claimed:
    return claimed(db, waiting(db))


def looked_for(db: Database) -> Claimed:
    effect = sending(db)
    attempts_sql.close_attempts(db, [closing(effect, "unknown", Status.UNKNOWN)])
    return effect


def done(db: Database) -> Claimed:
    effect = sending(db)
    attempts_sql.close_attempts(db, [closing(effect, "accepted", Status.ACCEPTED)])
    return effect


@pytest.mark.parametrize(
    ("make", "stands", "why"),
    [
        (in_hand, "claimed", "may be sending it now"),
        (sending, "sending", "on its way"),
        (looked_for, "unknown", "may have been carried out"),
        (done, "accepted", "was carried out"),
    ],
)
@pytest.mark.parametrize("verb", ["redrive", "cancel"])
def test_what_is_under_way_or_done_is_left_alone_and_the_answer_says_why(
    console: Console, database: TestDatabase, make: Any, stands: str, why: str, verb: str
) -> None:
    effect = make(database)

    code, problem = decide(console, effect.id, verb)

    assert (code, status(database, effect.id)) == (409, stands)
    assert why in problem["detail"]


# ---------------------------------------------------------------- many


def many(console: Console, verb: str, **fields: Any) -> list[int]:
    """Decide about many, as they stand now, and return how many each request took."""
    where = {name: fields[name] for name in ("account", "event") if name in fields}
    _, seen, _ = console.call("GET", "/v1/effects/groups", status=fields.get("status", "waiting"), **where)
    return many_seen(console, verb, seen["at"], **fields)


def many_seen(console: Console, verb: str, at: str, **fields: Any) -> list[int]:
    answers: list[Any] = []
    while not answers or answers[-1]["left"]:
        code, answer, _ = console.call("POST", f"/v1/effects/{verb}", {"reason": "r", "seenAt": at, **fields})
        assert code == 200
        answers.append(answer)
    return [len(answer["effects"]) for answer in answers]


def test_many_refused_effects_are_redriven_in_chunks_and_what_may_have_been_sent_is_left(
    console: Console, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drumbeat.operations.decisions.EFFECTS_PER_REQUEST", 2)
    meant = [refused(database) for _ in range(3)]
    other = refused(database, account="crm")
    sent = dropped(database)

    first = many(console, "redrive", status="refused", account="mail", cause="refused_by_provider")
    second = many(console, "redrive", status="cancelled")

    assert (first, second) == ([2, 1], [0])
    assert [status(database, effect) for effect in (*meant, other, sent)] == [
        *["waiting"] * 3,
        "refused",
        "cancelled",
    ]
    assert many(console, "redrive", status="cancelled", evenIfSent=True) == [1]


def test_what_was_refused_before_an_instant_is_no_part_of_what_is_sent_again_since(
    console: Console, database: TestDatabase, owner: Database
) -> None:
    old, new = refused(database), refused(database)
    owner.run("UPDATE effects SET updated_at = updated_at - interval '2 days' WHERE id = %s", (old,))
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    _, seen, _ = console.call("GET", "/v1/effects/groups", status="refused", since=since)

    taken = many(console, "redrive", status="refused", since=since)

    assert ([each["effects"] for each in seen["groups"]], taken) == ([1], [1])
    assert [status(database, effect) for effect in (old, new)] == ["refused", "waiting"]


def test_a_chain_is_redriven_from_its_first_step_on(console: Console, database: TestDatabase) -> None:
    first, later = two_steps(database)
    many(console, "cancel")
    assert [status(database, effect) for effect in (first, later)] == ["cancelled"] * 2

    taken = many(console, "redrive", status="cancelled")

    assert sum(taken) == 2
    assert [effect_row(database, effect)["resting"] for effect in (first, later)] == [False, True]


def test_what_waits_of_one_event_is_cancelled_and_nothing_that_came_later(
    console: Console, database: TestDatabase
) -> None:
    first, later = two_steps(database)
    other, hand = waiting(database), in_hand(database).id
    (row,) = database.run("SELECT event_id FROM effects WHERE id = %s", (first,))

    taken = many(console, "cancel", event=str(row["event_id"]))
    _, seen, _ = console.call("GET", "/v1/effects/groups", status="waiting")
    newcomer = waiting(database)
    rest = many_seen(console, "cancel", seen["at"], account="mail")

    assert (taken, rest) == ([2], [1])
    assert [status(database, effect) for effect in (first, later, other, hand, newcomer)] == [
        *["cancelled"] * 3,
        "claimed",
        "waiting",
    ]


def test_a_reason_is_kept_with_each_of_many_without_addresses_and_with_one_as_it_was_written(
    console: Console, database: TestDatabase
) -> None:
    one, *rest = (waiting(database) for _ in range(3))
    reason = "ada@example.com asked for it"

    console.call("POST", f"/v1/effects/{one}/cancel", {"reason": reason, "version": 1})
    many(console, "cancel", reason=reason)

    assert [status(database, effect) for effect in (one, *rest)] == ["cancelled"] * 3
    kept = {row["id"]: row["reason_detail"] for row in database.run("SELECT id, reason_detail FROM effects")}
    assert [kept[effect] for effect in (one, *rest)] == [reason, *["[address] asked for it"] * 2]
    assert database.run("SELECT FROM journal WHERE reason_detail LIKE %s AND effect_id <> %s", ("%@%", one)) == []


def test_a_selection_names_a_status_from_which_the_decision_leads(console: Console) -> None:
    at = "2026-11-22T09:00:00Z"

    assert console.call("POST", "/v1/effects/redrive", {"reason": "r", "seenAt": at, "status": "waiting"})[0] == 400
    assert console.call("POST", "/v1/effects/redrive", {"reason": "r", "seenAt": at})[0] == 400
    assert console.call("POST", "/v1/effects/cancel", {"reason": "r", "seenAt": at, "cause": "lost"})[0] == 400
    assert console.call("GET", "/v1/effects/groups")[0] == 400
    assert console.call("GET", "/v1/effects/groups", status="lost")[0] == 400


def test_an_event_is_dismissed_with_a_reason(console: Console, database: TestDatabase) -> None:
    refused(database)
    (event,) = [item["eventId"] for item in console.call("GET", "/v1/events", status="attention")[1]["items"]]
    path = f"/v1/events/{event}/dismiss"
    assert console.call("POST", path, {"reason": " "})[0] == 400

    status_code, answer = console.call("POST", path, {"reason": "known to sales"})[:2]

    assert (status_code, answer) == (200, {"eventId": event, "conflicts": 0, "flows": [], "refused": 1})
    assert console.call("GET", "/v1/events", status="attention")[1]["items"] == []
    (dismissal,) = console.call("GET", f"/v1/events/{event}")[1]["dismissals"]
    assert dismissal["reason"] == "known to sales"
    again = console.call("POST", path, {"reason": "once more"})
    assert (again[0], "nothing of it needs attention" in again[1]["detail"]) == (409, True)


def test_what_is_held_is_decided_and_not_dismissed(console: Console, database: TestDatabase) -> None:
    held(database)
    (event,) = [item["eventId"] for item in console.call("GET", "/v1/events", status="attention")[1]["items"]]

    answer = console.call("POST", f"/v1/events/{event}/dismiss", {"reason": "enough"})

    assert (answer[0], "drumbeat resolve" in answer[1]["detail"]) == (409, True)
    assert console.call("POST", f"/v1/events/{uuid4()}/dismiss", {"reason": "enough"})[0] == 404

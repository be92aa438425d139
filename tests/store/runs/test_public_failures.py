"""The failures that senders of newsletters are known for, each a test; its docstring names the class."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from redis import Redis

from drumbeat.audiences.matching_sql import matching
from drumbeat.core.outcomes import Accepted, Denied, Outcome, Refused
from drumbeat.core.runs import RunState
from drumbeat.ledger import account_states, configs
from drumbeat.ledger.database import Database
from drumbeat.operations.stops import resume
from drumbeat.relay.sweep import sweep
from drumbeat.views.totals import totals
from tests.store.runs.stage import DOCUMENT, Stage
from tests.store.runs.test_control import at_call, some
from tests.store.runs.visits import Visits

NOTICE = DOCUMENT.replace("list: news, ", "").replace("send_email\n", 'send_email\n        transactional: "terms"\n')
CLICKED = "{happened: clicked, campaign: digest, step: mail}"

CLICK = """
    WITH event AS (
        INSERT INTO events (id, source, key, type, door, fingerprint, received_at)
        VALUES (%(event)s, 'mails', %(event)s::text, 'FEEDBACK', 'webhook', '', drumbeat_now())
     RETURNING id
    ), about AS (
        INSERT INTO event_contacts (contact, event_id, received_at) SELECT %(contact)s, id, drumbeat_now() FROM event
    )
    INSERT INTO feedback (account, name, event_id, kind, word, said, at, effect_id, generation, machine)
    SELECT 'mail', %(event)s::text, event.id, 'clicked', 'email.clicked', '', drumbeat_now(), effects.id, 1, false
      FROM event, effects
     WHERE effects.event_id = %(run)s AND effects.contact = %(contact)s
"""


@pytest.fixture
def visits(stage: Stage) -> Visits:
    return Visits(stage)


@pytest.fixture
def later(stage: Stage, owner: Database, redis: "Redis") -> Callable[..., None]:
    """Let time pass and all of Redis be lost; then the relay looks at everything, and workers do what it finds."""

    def pass_(**by: float) -> None:
        owner.run("UPDATE clock SET shift = shift + %s", (timedelta(**by),))
        redis.flushall()
        sweep(stage)
        stage.settle()

    return pass_


def counted(stage: Stage) -> int:
    """Return how many people an audience counts now."""
    config = configs.newest(stage.db)
    assert config is not None
    found = matching(config, "readers", at=stage.now())
    rows = stage.db.run(found.statement, {**found.parameters, "low": None, "high": None})
    return len(rows)


def test_who_is_counted_is_who_is_sent_to_or_shown_with_the_reason(stage: Stage) -> None:
    """A screen counts thousands, and a condition that it does not show sends a notice to five."""
    anyone = "{field: plan, exists: false}"
    stage.apply(audience=anyone)
    everyone = some(stage, 5)
    stage.people("nia", "nil", agreed=False)

    news = stage.fire("news")
    stage.settle()
    mailed = len(stage.calls.sent)
    stage.configure(NOTICE.format(audience=anyone, more="", subject="Terms", text="They change.", limits=""))
    notice = stage.fire("notice")
    stage.settle()

    assert (counted(stage), stage.totals(news).matched, stage.totals(notice).matched) == (7, 7, 7)
    assert stage.totals(news).left_out == {"no_consent": 7 - mailed}
    assert stage.totals(notice).accepted == 7
    assert sorted(stage.calls.sent[mailed:]) == [*("nia@example.com", "nil@example.com"), *everyone]


def test_a_run_ends_for_whom_it_began_while_they_leave_its_audience(stage: Stage) -> None:
    """An audience is read again for each batch: people leave it meanwhile, and the campaign is sending for ever."""
    stage.apply(audience="{field: plan, is: trial}")
    names = [f"p{place:03}" for place in range(200)]
    stage.people(*names, plan="trial")
    stage.calls.meanwhile = at_call(2, lambda: stage.people(*names, plan="paid"))

    run = stage.fire()
    stage.settle()

    assert counted(stage) == 0
    assert stage.run(run).state is RunState.FINISHED
    assert Counter(stage.calls.sent) == Counter(f"{name}@example.com" for name in names)


def test_an_address_that_is_refused_has_its_own_outcome_and_sends_to_no_one_again(
    stage: Stage, later: Callable[..., None]
) -> None:
    """One refused address fails its whole batch, which is then sent again to everyone in it, every half hour."""

    def answer(address: str) -> Outcome:
        return Refused("no such address") if address.startswith("p017") else Accepted("taken")

    stage.apply()
    everyone = some(stage, 60)
    stage.calls.answer = answer

    run = stage.fire()
    stage.settle()
    for _ in range(3):
        later(minutes=30)

    assert sorted(stage.calls.sent) == everyone
    assert (stage.totals(run).accepted, stage.totals(run).refused) == (59, 1)


def test_what_is_applied_again_starts_nothing_again(stage: Stage, later: Callable[..., None]) -> None:
    """A campaign that is published once more begins anew, and mails everyone at each run of a schedule."""
    stage.apply()
    everyone = some(stage, 3)
    run = stage.fire()
    stage.settle()

    for subject in ("Other news", "News"):
        stage.apply(subject=subject)
        stage.queue.notify(events=[run])
        stage.settle()
        later(days=1)

    assert sorted(stage.calls.sent) == everyone
    assert stage.run(run).state is RunState.FINISHED


def test_counts_agree_in_every_place_at_every_moment(stage: Stage) -> None:
    """The number sent is another on each page, ends as 0 of all, and part of the list was never mailed."""

    def look() -> None:
        if not stage.calls.sent:
            return
        now = stage.totals(run)  # which adds up, or fails
        by_status = Counter(totals(stage.db).effects)
        assert now.accepted == by_status["accepted"]
        assert now.waiting + now.in_flight == sum(by_status[name] for name in ("waiting", "claimed", "sending"))
        assert now.matched == stage.run(run).matched == counted(stage) == 150

    stage.apply()
    some(stage, 150)
    run = stage.fire()
    stage.calls.meanwhile = look

    stage.settle()
    look()

    assert stage.totals(run).accepted == len(stage.calls.sent) == len(set(stage.calls.sent)) == 150


def test_who_leaves_after_the_effects_are_recorded_is_not_mailed(stage: Stage, visits: Visits) -> None:
    """Consent is looked at once, when a campaign is spread out; batches that follow mail people who have left."""
    stage.apply()
    everyone = some(stage, 200)
    stage.fire("first")
    stage.settle()
    links = dict(stage.calls.links)
    stage.apply(subject="Other news")
    second = stage.fire("second")
    left: list[str] = []

    def leave() -> None:
        left.extend(sorted(set(everyone) - {*stage.calls.sent[200:], *stage.calls.asked})[:50])
        assert {visits.unsubscribe(links[address]) for address in left} == {200}

    stage.calls.meanwhile = at_call(3, leave)
    stage.settle()

    assert len(left) == 50
    assert sorted(stage.calls.sent[200:]) == sorted(set(everyone) - set(left))
    assert stage.totals(second).cancelled == {"no_consent": 50}


def test_a_run_whose_message_is_lost_is_begun_by_the_relay(stage: Stage, later: Callable[..., None]) -> None:
    """What is asked for by the API is recorded and never sent, unless something outside pokes it."""
    stage.apply()
    everyone = some(stage, 3)
    run = stage.fire()
    stage.queue.left.clear()

    later(minutes=10)

    assert sorted(stage.calls.sent) == everyone
    assert stage.run(run).state is RunState.FINISHED


def test_those_who_clicked_are_an_audience(stage: Stage) -> None:
    """No record says who got a mail or clicked in it, so they cannot be written to."""
    stage.apply()
    (_, bob, _) = stage.people("ada", "bob", "cyd")
    first = stage.fire("first")
    stage.settle()
    stage.db.run(CLICK, {"event": uuid4(), "run": first, "contact": bob})

    stage.apply(audience=CLICKED, subject="For you")
    stage.fire("second")
    stage.settle()

    assert stage.calls.sent[3:] == ["bob@example.com"]
    assert outcomes(stage, first) == {"ada": "accepted", "bob": "accepted", "cyd": "accepted"}


def outcomes(stage: Stage, run: UUID) -> dict[str, str]:
    """Return what became of each person of a run."""
    rows = stage.db.run(
        "SELECT split_part(leads.address ->> 'v', '@', 1) AS name, status FROM effects"
        " JOIN leads ON leads.contact = effects.contact WHERE event_id = %s",
        (run,),
    )
    return {row["name"]: row["status"] for row in rows}


def test_a_contact_that_cannot_be_written_to_halts_nothing(stage: Stage) -> None:
    """One contact that a text or a provider cannot take halts the campaign for all who come after."""
    stage.apply(text="Hello {{ lead.name }} {{ unsubscribe_url }} {{ postal_address }}")
    stage.people(*(f"p{place:03}" for place in range(0, 120, 2)), name="x")
    stage.people(*(f"p{place:03}" for place in range(1, 120, 2)), name={"given": "x"})
    stage.people("p060", name="x\r\nBcc: all@example.com")

    run = stage.fire()
    stage.settle()

    assert stage.run(run).state is RunState.FINISHED
    assert stage.totals(run).accepted + stage.totals(run).refused == 120
    assert stage.totals(run).accepted >= 59


def test_a_link_that_is_only_looked_at_takes_no_one_from_the_list(stage: Stage, visits: Visits) -> None:
    """A scanner follows each link of a mail, and its person has unsubscribed without knowing."""
    stage.apply()
    everyone = some(stage, 5)
    stage.fire("first")
    stage.settle()

    assert {visits.follow(url) for url in stage.calls.links.values()} == {200}
    stage.apply(subject="Other news")
    stage.fire("second")
    stage.settle()

    assert sorted(stage.calls.sent[5:]) == everyone


def test_one_person_who_leaves_ends_nothing_for_the_others(stage: Stage, visits: Visits) -> None:
    """One person unsubscribes, and the campaign ends for all."""
    stage.apply()
    everyone = some(stage, 200)
    run = stage.fire()
    stage.calls.meanwhile = at_call(3, lambda: leave_by(stage, visits, stage.calls.sent[0]))

    stage.settle()
    stage.apply(subject="Other news")
    stage.fire("second")
    stage.settle()

    assert stage.run(run).state is RunState.FINISHED
    assert sorted(stage.calls.sent[:200]) == everyone
    assert sorted(stage.calls.sent[200:]) == sorted(set(everyone) - {stage.calls.sent[0]})


def leave_by(stage: Stage, visits: Visits, address: str) -> None:
    assert visits.unsubscribe(stage.calls.links[address]) == 200


def test_a_provider_that_closed_overnight_is_shown_and_costs_no_one_their_mail(
    stage: Stage, later: Callable[..., None]
) -> None:
    """A provider ends its API over night, and the schedule fails in silence."""
    stage.apply()
    everyone = some(stage, 100)
    stage.calls.answer = lambda _: Denied("HTTP 403: this API is closed")
    run = stage.fire()

    stage.settle(20)
    shown = account_states.states(stage.db)["mail"]
    closed = stage.totals(run)
    stage.calls.answer = lambda _: Accepted("taken")
    stage.calls.sent.clear()
    resume("mail", reason=None, actor="person:test", services=stage)
    for _ in range(10):
        later(minutes=10)

    assert shown.reason is not None
    assert shown.reason.code == "credentials_refused"
    assert shown.paused_until is not None
    assert closed.waiting == 100
    assert sorted(stage.calls.sent) == everyone
    assert stage.run(run).state is RunState.FINISHED

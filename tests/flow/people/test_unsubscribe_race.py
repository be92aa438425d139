"""People leave a list while five thousand mails to it are sent by two workers, and while Postgres is away.

Judged by the ledger's own records: Postgres keeps the time of each commit, so that an attempt's opening and a
withdrawal have an order that no clock of ours decides.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from drumbeat.local.frames import Json
from drumbeat.local.servers import Postgres
from tests.flow.callers import Callers
from tests.flow.people.ledger import People
from tests.flow.people.person import one_click, unsubscribe_url
from tests.flow.stacks import Stack, eventually

EVENTS, LEAVERS = 5_000, 40  # every one of them gets fifty mails, unless they leave
LEFT_MEANWHILE = 10  # of them, while Postgres is away
AWAY_SECONDS = 60.0
RELAY_EVERY = "15"  # seconds: workers are back at work before the relay records the wishes that wait
CONFIG = """
version: 1
defaults:
  retry: {base: 1s, cap: 5s}
  public_url: "https://hooks.example.com"
  postal_address: "Fernwood GmbH, Am Wald 1, 10115 Berlin"
accounts:
  mail:
    provider: mailgun
    settings: {domain: mg.example.com, from: "Ada <ada@example.com>"}
    secrets: {api_key: "env:FLOW_SECRET"}
    lookup: {looks: [1s, 3s], retention: 3d}
lists: {offers: {title: Offers}}
flows:
  offer:
    on: LEAD_CAPTURE
    steps:
      - id: offer
        account: mail
        action: send_email
        with:
          to: "{{ payload.email }}"
          list: offers
          subject: An offer
          text: "Ferns. {{ unsubscribe_url }} {{ postal_address }}"
"""
# Openings of marketing attempts, and what their person had committed before.
OPENINGS = """
    SELECT count(*) FILTER (WHERE opened < left_list), count(*) FILTER (WHERE opened >= left_list)
      FROM (SELECT pg_xact_commit_timestamp(j.xmin) AS opened, pg_xact_commit_timestamp(c.xmin) AS left_list
              FROM journal j
              JOIN effects e ON e.id = j.effect_id
              JOIN consents c ON c.contact = e.contact AND c.kind = 'withdrawn'
             WHERE j.to_status = 'sending' AND e.list = 'offers') AS each
"""
TO_THE_OTHERS = """
    SELECT count(*)
      FROM effects
     WHERE status = 'accepted' AND contact NOT IN (SELECT contact FROM consents WHERE kind = 'withdrawn')
"""

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1200)]


def leaver(number: int) -> str:
    return f"leaver{number}@example.com"


def event(number: int) -> Json:
    """Two of five are about those who leave. A program says each time that they agreed, which gives nothing back."""
    turn, place = divmod(number, 5)
    address = leaver((turn * 2 + place) % LEAVERS) if place < 2 else f"stays{number}@example.com"
    return {
        "type": "LEAD_CAPTURE",
        "source": "shop",
        "payload": {"email": address},
        "idempotencyKey": f"offer-{number}",
        "consent": [{"list": "offers", "text": "Write to me."}],
    }


@dataclass
class Race:
    """What was recorded."""

    people: People
    back_at: float  # when Postgres was started again
    left_meanwhile: list[str]  # whose wish had to wait for it


@pytest.fixture(scope="module")
def race(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Race]:
    """Send everything; twenty leave in the middle, ten while Postgres is away for a minute, ten right after it."""
    folder = tmp_path_factory.mktemp("race")
    config = folder / "drumbeat.yaml"
    config.write_text(CONFIG)
    with dated_commits(folder / "postgres") as postgres:
        servers = {
            "DATABASE_URL": postgres.url("drumbeat", user="drumbeat_app"),
            "ADMIN_DATABASE_URL": postgres.url("drumbeat"),
        }
        stack = Stack(folder / "home", config, servers).start("--workers", "2", "--relay-every", RELAY_EVERY)
        assert stack.process is not None
        assert stack.process.stdout is not None
        try:
            lie = {"provider": "*", "on": "writes", "lie": "latency", "ms": 5}
            stack.call("POST", "/_sandbox/lies", lie, stack.ready["sandbox_url"])
            yield run(People(stack, postgres))
        finally:
            stack.end()
            stack.process.stdout.close()


def test_no_marketing_attempt_is_opened_after_the_commit_of_a_withdrawal(race: Race) -> None:
    [(before, after)] = race.people.rows(OPENINGS)
    [(stopped,)] = race.people.rows("SELECT count(*) FROM effects WHERE reason_code = 'no_consent'")

    assert after == 0
    assert before > 0  # they had been written to
    assert stopped > 0  # and there was more to come
    assert [race.people.state(leaver(number), "offers") for number in range(LEAVERS)] == ["withdrawn"] * LEAVERS


def test_nothing_leaves_for_a_person_who_left_while_postgres_was_away(race: Race) -> None:
    late = [
        mail
        for address in race.left_meanwhile
        for mail in race.people.stack.mails(address)
        if mail["at"] >= race.back_at
    ]

    assert late == []
    assert [race.people.said(address)["withdrawn"] for address in race.left_meanwhile] == [1] * len(race.left_meanwhile)


def test_all_others_are_mailed_once(race: Race) -> None:
    counts = race.people.stack.call("GET", "/_sandbox/counts?effects=0", url=race.people.stack.ready["sandbox_url"])[2]

    assert counts["twice"] == []
    assert race.people.rows(TO_THE_OTHERS) == [(EVENTS * 3 // 5,)]
    assert race.people.rows("SELECT count(*) FROM effects WHERE status = 'accepted'") == [(counts["done_once"],)]


def dated_commits(folder: Path) -> Postgres:
    """Return a Postgres that keeps the time of each commit."""
    postgres = Postgres(folder)
    with postgres, psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    return postgres


def run(people: People) -> Race:
    """Send and leave, and wait until nothing is under way."""
    stack = people.stack
    callers = Callers(stack.ready["url"], stack.ready["api_key"], EVENTS, event)
    sending = threading.Thread(target=callers.run)
    sending.start()
    links = {address: link_of(stack, address) for address in map(leaver, range(LEAVERS))}
    racing, meanwhile, after = list(links)[:20], list(links)[20:-10], list(links)[-10:]
    leave(links, racing)
    eventually(lambda: len(callers.receipts) > EVENTS / 3, within=240)

    people.postgres.stop()
    until = time.monotonic() + AWAY_SECONDS
    leave(links, meanwhile)
    time.sleep(max(0.0, until - time.monotonic()))
    back_at = time.time()
    people.postgres.start()

    for address in meanwhile:  # the next mail is asked for while their wishes still wait
        assert stack.send(f"next-{address}", address)[0] == 202
    leave(links, after)
    sending.join()
    eventually(lambda: is_at_rest(people), within=600)
    return Race(people, back_at, meanwhile)


def link_of(stack: Stack, address: str) -> str:
    """Wait for a person's first mail, and return its link."""
    eventually(lambda: stack.mails(address), within=240)
    return unsubscribe_url(stack.mails(address)[0])


def leave(links: dict[str, str], people: list[str]) -> None:
    for address in people:
        assert one_click(links[address]).status_code == 200


def is_at_rest(people: People) -> bool:
    """Whether every event is planned, and every effect has ended."""
    return people.rows(
        "SELECT (SELECT count(*) FROM plans),"
        " (SELECT count(*) FROM effects WHERE status IN ('waiting', 'claimed', 'sending', 'unknown'))"
    ) == [(EVENTS + LEAVERS + LEFT_MEANWHILE, 0)]

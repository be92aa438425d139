"""Everything that relay and views ask the ledger, as they ask it, with what each may read of a large one."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString, override
from uuid import UUID

from psycopg.sql import Composed

from drumbeat import views
from drumbeat.core.campaigns import Cap
from drumbeat.core.reasons import ReasonCode
from drumbeat.core.status import Status
from drumbeat.ledger import leases
from drumbeat.ledger.database import Database, Parameters, Row
from drumbeat.ledger.legacy import Cause
from drumbeat.observability.traces import traces_sql
from drumbeat.observability.traces.export import ROWS_PER_PAGE
from drumbeat.observability.traces.streams import STREAMS, upcoming
from drumbeat.relay import deliveries_sql
from drumbeat.relay import sql as relay
from drumbeat.relay.open_runs_sql import open_runs
from drumbeat.runs import endings_sql, work_sql
from drumbeat.runs import sql as runs
from drumbeat.views import (
    consent_receipt,
    effect_stories,
    effect_waits,
    hours,
    person_lead,
    reports,
    run_pages,
    run_totals,
    selections,
)
from drumbeat.views.beginnings import STATEMENTS, Kind, beginning
from drumbeat.views.derived import EVENT_STATUSES
from drumbeat.views.effect_chain import chain
from drumbeat.views.last_events import last_events
from drumbeat.views.person_named import is_erased, keys_of, named
from drumbeat.views.refusals import refused_lately
from drumbeat.views.run_cap import people_over_cap
from drumbeat.views.run_people import PeopleFilter, people_of_run
from drumbeat.views.run_story import run_head, run_journal, zones_of_run
from drumbeat.views.run_totals import countable, open_by_state
from drumbeat.views.run_waits import next_mail
from drumbeat.views.violations import listed_violations, open_violations
from tests.store.history.seeded import RUN

START = UUID(int=0)
ALLOWANCES = {"mail": 1_000, "crm": 1_000, "sms": 1_000}
AHEAD = timedelta(minutes=1)
MARGIN = timedelta(minutes=5)
FULL_PAGE = 5_000


class Recording(Database):
    """A connection that remembers what it was asked."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: list[tuple[LiteralString | Composed, Parameters | None]] = []

    @override
    def run(self, sql: LiteralString | Composed, parameters: Parameters | None = None) -> list[Row]:
        self.asked.append((sql, parameters))
        return super().run(sql, parameters)


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing that is asked. `pages`: of 8 KB, that it may touch of a ledger of 300,000 events with 15,000 due."""

    ask: Callable[[Database], object]
    pages: int = 1_000
    reads_history: str | None = None  # why it may


def _forgotten(db: Database, back: timedelta | None) -> object:
    return relay.forgotten_events(db, grace=AHEAD, named=[START], back=back, limit=FULL_PAGE)


def _traces(stream: str) -> Callable[[Database], object]:
    """Ask for a page from the beginning, as when a collector is named for the first time."""
    return lambda db: upcoming(db, stream, traces_sql.progress(db), ROWS_PER_PAGE)


def _before(db: Database, *, of_run: bool) -> object:
    effect = {"of_run": of_run, "event_id": RUN, "account": "mail", "campaign": False, "due_at": datetime.now(UTC)}
    return effect_waits._before(db, effect)


OFFERED = (Status.HELD, Status.REFUSED, Status.CANCELLED, Status.WAITING)  # of which many may be decided at once
RELAY: Mapping[str, Reading] = {
    "recover": Reading(lambda db: leases.recover(db, limit=500)),
    "recover named": Reading(lambda db: leases.recover_named(db, [START])),
    "limits": Reading(relay.limits),
    "due": Reading(lambda db: relay.due_effects(db, ahead=AHEAD, allowances=ALLOWANCES, otherwise=1_000, limit=50_000)),
    "forgotten": Reading(lambda db: _forgotten(db, None)),
    "advance": Reading(lambda db: relay.advance(db, margin=MARGIN, back=None)),
    "replannable": Reading(
        lambda db: relay.replannable_events(db, fresh=MARGIN, full=True, limit=FULL_PAGE, after=START)
    ),
    "next": Reading(lambda db: relay.next_due(db, ahead=AHEAD)),
    "prune": Reading(deliveries_sql.prune),
    "runs that go on": Reading(lambda db: open_runs(db, plans_kept=timedelta(days=7))),
    "how far traces are exported": Reading(traces_sql.progress),
    **{f"traces of {stream}": Reading(_traces(stream), 20_000) for stream in STREAMS},
    "what led to an end": Reading(lambda db: traces_sql.moves(db, [{"id": START, "n": 9, "before": None}])),
    "attempts of an end": Reading(lambda db: traces_sql.attempts(db, [(START, 1)])),
    "advance traces": Reading(lambda db: traces_sql.advance(db, {"ends": traces_sql.Position("1", START, 1)})),
    "leave a collector alone": Reading(lambda db: traces_sql.rest(db, 60.0)),
    # Every six hours a sweep looks through what was recorded within a day: 10,000 events here.
    "forgotten of a day": Reading(lambda db: _forgotten(db, timedelta(days=1)), 50_000),
    "advance over a day": Reading(lambda db: relay.advance(db, margin=MARGIN, back=timedelta(days=1)), 50_000),
}


def _events(**filter: Any) -> Callable[[Database], object]:
    return lambda db: views.events(db, views.EventFilter(**filter))


def _effects(**filter: Any) -> Callable[[Database], object]:
    return lambda db: views.effects(db, views.EffectFilter(**filter))


def _selected(status: Status) -> Callable[[Database], object]:
    return lambda db: selections.selected(db, status)


def _newest(**filter: Any) -> Callable[[Database], object]:
    return lambda db: views.newest_effects(db, views.EffectFilter(order="newest", **filter))


def _journal(since: timedelta | None, **filter: Any) -> Callable[[Database], object]:
    at = None if since is None else datetime.now(UTC) - since
    return lambda db: views.journal(db, views.JournalFilter(**filter), since=at)


def _followed(db: Database) -> object:
    return views.journal(db, views.JournalFilter(), after=views.journal(db, views.JournalFilter()).next)


def _beginning(kind: Kind) -> Callable[[Database], object]:
    return lambda db: beginning(db, kind, "7777")


def _leads(where: str | None = None, cursor: str | None = None) -> Callable[[Database], object]:
    return lambda db: views.leads(db, views.LeadFilter.read(where), cursor=cursor)


def _person(number: int) -> Callable[[Database], object]:
    """Ask for a person by key: of number 0 there are a thousand events, of the others ten."""
    return lambda db: views.person(db, keys=_keys_of(number), reading=lambda *_: None)


def _receipt(db: Database, number: int) -> object:
    return consent_receipt.receipt(db, keys=_keys_of(number), reading=lambda *_: None)


def _keys_of(number: int) -> tuple[bytes, ...]:
    return (hashlib.sha256(str(number).encode()).digest(),)


def _people(db: Database, **filter: Any) -> object:
    head = run_head(db, RUN)
    return people_of_run(db, head, PeopleFilter(**filter)) if head is not None else None


def _days_ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def _story(db: Database) -> object:
    newest = [each.event_id for each in views.events(db, views.EventFilter()).items]
    return views.event(db, next(id for id in newest if id != RUN))


# A page of events judges each that it shows. What is under way is counted and sorted: 20,000 effects here.
PAGE, UNDER_WAY = 10_000, 80_000
LOOK = 60_000  # for each of 10,000: its row in an index, and its own
VIEWS: Mapping[str, Reading] = {
    "totals": Reading(views.totals, UNDER_WAY),
    "usage": Reading(views.usage, 2_000),
    "story": Reading(_story, PAGE),
    "story of a run": Reading(lambda db: views.event(db, RUN), PAGE),
    "event of an effect": Reading(lambda db: views.event_of_effect(db, START)),
    "events": Reading(_events(), PAGE),
    "events since": Reading(_events(since=datetime.now(UTC) - timedelta(days=3)), PAGE),
    **{f"events {status}": Reading(_events(status=status), UNDER_WAY) for status in EVENT_STATUSES},
    "events of a rare type": Reading(_events(type="FEEDBACK"), PAGE),
    "events of a rare source": Reading(_events(source="fair"), PAGE),
    "events of no source": Reading(_events(source="none"), PAGE),
    "events of a rare source that are done": Reading(_events(source="fair", status="done"), PAGE),
    "events by key": Reading(_events(q="key-77"), PAGE),
    "events by the beginning of an id": Reading(_events(q="0" * 8), PAGE),
    "events of a person": Reading(_events(contacts=(hashlib.sha256(b"7").digest(),)), PAGE),
    "events of a person with many": Reading(_events(contacts=(hashlib.sha256(b"0").digest(),)), PAGE),
    # With a filter 2,000 leads are looked up for a page, whatever it finds.
    "leads": Reading(_leads()),
    "leads after": Reading(_leads(cursor=f"{10**15}-00")),
    "leads of a list": Reading(_leads("list:news=withdrawn"), 3 * PAGE),
    "leads with a value that none has": Reading(_leads("n=none"), 3 * PAGE),
    "leads that are suppressed": Reading(_leads("suppressed"), 3 * PAGE),
    "receipt of a person": Reading(lambda db: _receipt(db, 7)),
    "receipt of a person who said much": Reading(lambda db: _receipt(db, 0), PAGE),
    "counts by hour": Reading(lambda db: hours.hours(db, hours.HourFilter())),
    "counts by hour of a run": Reading(lambda db: hours.hours(db, hours.HourFilter(run=RUN))),
    "counts by hour of 10 days": Reading(lambda db: hours.hourly(db, _days_ago(20), _days_ago(10))),
    "counts by hour of 30 days": Reading(lambda db: hours.hourly(db, _days_ago(30), _days_ago(0))),
    # Of the index alone: 25,000 entries of a week here.
    "reports of a week": Reading(reports.recent, 3_000),
    "complaints of the week before": Reading(reports.complaints_before),
    "reports of effects": Reading(lambda db: reports.of_effects(db, [START], 10)),
    "reports of events": Reading(lambda db: reports.of_events(db, [START])),
    "runs": Reading(lambda db: views.runs(db, views.RunFilter())),
    "newest runs": Reading(lambda db: run_pages.newest(db, ["digest"])),
    "journal of a run": Reading(lambda db: run_journal(db, RUN)),
    "runs of a campaign": Reading(lambda db: views.runs(db, views.RunFilter(campaign="digest", state="open"))),
    "run": Reading(lambda db: run_head(db, RUN)),
    "runs that are counted": Reading(countable),
    "open runs by state": Reading(open_by_state),
    "person": Reading(_person(7), PAGE),
    "person with many events": Reading(_person(0), PAGE),
    "whom an address names": Reading(lambda db: named(db, [hashlib.sha256(b"0").digest()]), 20),
    "whether a person was erased": Reading(lambda db: is_erased(db, START), 20),
    "last events of sources": Reading(lambda db: last_events(db, ["fair", "site", "silent"]), 200),
    "lead of a person": Reading(lambda db: person_lead.lead(db, keys=[hashlib.sha256(b"7").digest()])),
    "lead by id": Reading(lambda db: person_lead.lead(db, id=START)),
    "request": Reading(lambda db: views.request(db, START)),
    "person by id": Reading(lambda db: views.person(db, id=START, reading=lambda *_: None)),
    "effects": Reading(_effects()),
    "effect": Reading(_effects(id=START)),
    "effects of an event": Reading(_effects(event=START)),
    "effects of a run": Reading(_effects(event=RUN), 30_000),
    "effects of a rare account": Reading(_effects(account="sms")),
    "effects of no account": Reading(_effects(account="none")),
    **{f"effects {status}": Reading(_effects(status=status.value), 1_200) for status in Status},
    "effects of a rare account and status": Reading(_effects(status="cancelled", account="sms")),
    # Of few effects all are looked up; of many 10,000 changes.
    "newest effects": Reading(_newest(), 2_000),
    "newest effects since": Reading(_newest(since=datetime.now(UTC) - timedelta(days=3)), 2_000),
    "newest effects of an event": Reading(_newest(event=START)),
    "newest effects of a run": Reading(_newest(event=RUN), 30_000),
    "newest effects of an account": Reading(_newest(account="mail"), LOOK),
    "newest effects of a rare account": Reading(_newest(account="sms"), LOOK),
    **{f"newest effects {status}": Reading(_newest(status=status.value), LOOK) for status in Status},
    "newest effects of a rare account and status": Reading(_newest(status="cancelled", account="sms"), LOOK),
    "journal from now on": Reading(_journal(None)),
    "journal after": Reading(_followed),
    "journal of a day": Reading(_journal(timedelta(days=1)), 2_000),
    "journal of a rare account": Reading(_journal(timedelta(days=1), account="sms"), LOOK),
    "journal of no event": Reading(_journal(timedelta(days=1), event=START), LOOK),
    **{f"beginning of an id, {kind}": Reading(_beginning(kind), 200) for kind in STATEMENTS},
    "newest effects of a cause": Reading(_newest(status="refused", cause="refused_by_provider"), LOOK),
    "refused in a day": Reading(refused_lately, 25_000),
    "violations by invariant": Reading(open_violations),
    "violations": Reading(listed_violations),
    "one effect": Reading(lambda db: effect_stories.effect(db, START)),
    "steps beside an effect": Reading(lambda db: chain(db, START)),
    "why an effect waits": Reading(lambda db: effect_waits.waits(db, START)),
    "how many are due before an effect": Reading(lambda db: _before(db, of_run=False), 2_000),
    "how many are due before a mail of a run": Reading(lambda db: _before(db, of_run=True), 2_000),
    **{f"selection of {status}": Reading(_selected(status), 25_000) for status in OFFERED},
    "selection of an account, a cause": Reading(
        lambda db: selections.selected(db, Status.REFUSED, account="mail", cause=Cause(ReasonCode.REFUSED_BY_PROVIDER)),
        25_000,
    ),
    "selection of an event": Reading(lambda db: selections.selected(db, Status.WAITING, event=START)),
    "groups of held": Reading(lambda db: views.groups(db, Status.HELD)),
    "groups of refused": Reading(lambda db: views.groups(db, Status.REFUSED), 2_000),
    "groups of what was refused in a day": Reading(
        lambda db: views.groups(db, Status.REFUSED, since=_days_ago(1)), 2_000
    ),
    "what could not be planned": Reading(views.unplannable),
    "groups of cancelled": Reading(lambda db: views.groups(db, Status.CANCELLED), 20_000),
}
# Of a run of 30,000 people.
WHOLE_RUN = "that a run adds up is read from all of it"
RUNS: Mapping[str, Reading] = {
    "row of a run": Reading(lambda db: runs.get(db, [RUN])),
    "event of a run": Reading(lambda db: runs.event(db, RUN) if runs.get(db, [RUN]) else None),
    "next of a run": Reading(lambda db: work_sql.next_due(db, RUN, ["mail"], halted=False)),
    "next of a run that has a place": Reading(lambda db: work_sql.next_placed(db, RUN)),
    "whether a run is under way": Reading(lambda db: work_sql.is_under_way(db, RUN)),
    "next mail of a run, to show": Reading(lambda db: next_mail(db, RUN)),
    "expect a worker": Reading(lambda db: runs.expect(db, RUN, 1.0)),
    "finish a run": Reading(lambda db: runs.finish(db, RUN)),
    "cancel effects of a run": Reading(lambda db: endings_sql.cancel_effects(db, RUN)),
    "recover of a run": Reading(lambda db: leases.recover_of_run(db, RUN, limit=500)),
    "totals of a run": Reading(lambda db: run_totals.run_totals(db, RUN), 20_000, WHOLE_RUN),
    "zones of a run": Reading(lambda db: zones_of_run(db, RUN), 2_000, "its recipients are nearly all there are"),
    "people of a run over its cap": Reading(
        lambda db: people_over_cap(db, RUN, Cap(2, 86_400), [1]), 2_000, "its recipients are nearly all there are"
    ),
    "reports of a run's mails": Reading(lambda db: reports.of_mails(db, RUN), 200_000, WHOLE_RUN),
    "people of a run": Reading(lambda db: _people(db), PAGE),
    "the keys of a person": Reading(lambda db: keys_of(db, START), PAGE),
    "one person of a run": Reading(lambda db: _people(db, keys=_keys_of(0)), PAGE),
    "people of a run who are refused": Reading(lambda db: _people(db, status="refused"), UNDER_WAY),
    "effects of a run that are refused": Reading(_effects(event=RUN, status="refused"), UNDER_WAY),
}
ALL: Mapping[str, Reading] = {**RELAY, **VIEWS, **RUNS}


def asked(url: str, reading: Reading) -> Iterator[tuple[LiteralString | Composed, Parameters | None]]:
    """Ask it, and give each statement that was sent for it."""
    db = Recording(url)
    try:
        reading.ask(db)
    finally:
        db.close()
    yield from db.asked

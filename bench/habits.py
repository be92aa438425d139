"""Who signs up, posts, reads and clicks in a simulated month, and when: invented, and stated here."""

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import override
from uuid import UUID

from drumbeat.operations.cost import HOURS
from drumbeat.sandbox.actions import ACCEPTED
from tests.faults.environment import Environment
from tests.faults.reports import Told
from tests.faults.resting import Resting
from tests.faults.sample_deployment import Lead

HOUR, DAY, WEEK = 3600.0, 86_400.0, 604_800.0
EVENTS = 15_000  # of a month
NEWSLETTER = 1_500  # mails, each Tuesday; the epoch of simulated time is one
POSTS = 150  # a week
REQUEST = 500  # events of a batch
FIRST_HOUR = 8  # UTC
SATURDAY, SUNDAY = 4, 5  # days after Tuesday
AS_MUCH_AT_WEEKENDS = 0.5
NIGHT = (23, 7)  # hours


@dataclass(frozen=True, slots=True)
class Habits:
    """Which part of the mails is reported how. Invented, of the size that senders commonly publish."""

    bounces: float = 0.01
    opens_by_machines: float = 0.3  # as Apple Mail's, around the clock
    opens: float = 0.3
    opens_again: float = 0.1
    clicks: float = 0.05
    complaints: float = 0.0005
    leaves: float = 0.003
    median_hours: float = 3.0  # until a person opens a mail; a quarter takes longer than eight hours
    spread: float = 1.4
    at_night: float = 0.1  # of what would be opened then; the others open it in the morning
    at_weekends: float = 0.6  # likewise, on Monday


class Month(Resting):
    """The deployment, with its people and its provider."""

    def __init__(self, environment: Environment, seed: int, *, waits: bool, hours: float, days: int) -> None:
        super().__init__(environment, seed, waits=waits)
        self._habits = Habits()
        self._chance = Random(seed + 1)
        self._hours, self.days = hours, days
        self._read = 0  # entries of the provider's record
        self.events = 0
        self.mails = 0
        self.reports: Counter[str] = Counter()
        self._plan()

    def _plan(self) -> None:
        """Put everything that comes from outside on the agenda."""
        a_week = EVENTS * WEEK / (HOURS * HOUR) - NEWSLETTER
        for day in range(self.days):
            if day % 7 == 0:
                for first in range(0, NEWSLETTER, REQUEST):
                    self.at(day * DAY + 9 * HOUR + first / REQUEST, partial(self._letter, day, first))
            share = (AS_MUCH_AT_WEEKENDS if day % 7 in (SATURDAY, SUNDAY) else 1.0) / (5 + 2 * AS_MUCH_AT_WEEKENDS)
            for type, number in (("LEAD_CAPTURE", a_week - POSTS), ("CONTENT_PUBLISH", POSTS)):
                for place in range(round(number * share)):
                    lead = Lead(f"{type[:4].lower()}-{day}-{place}", type)
                    start = FIRST_HOUR * HOUR if self._hours < 24 else 0.0
                    when = day * DAY + (start + self._chance.random() * self._hours * HOUR) % DAY
                    self.at(when, partial(self._single, lead))

    def _letter(self, day: int, first: int) -> None:
        self._came("ingest", REQUEST)
        self.ingest_all(*(Lead(f"reader-{day}-{first + i}", "CAMPAIGN_TRIGGER") for i in range(REQUEST)))

    def _single(self, lead: Lead) -> None:
        self._came("ingest", 1)
        self.ingest(lead)

    def _came(self, function: str, events: int) -> None:
        self.invocations[function] += 1
        self.events += events

    @override
    def worked(self) -> None:
        """Let the provider report on the mails that it took."""
        for number in range(self._read, len(self.vendors.sandbox.record)):
            entry = self.vendors.sandbox.record.entry(number)
            if entry["provider"] == "mailgun" and entry["did"] == ACCEPTED:
                self.mails += 1
                self._become(Told("mailgun", _effect(str(entry["effect"]))))
        self._read = len(self.vendors.sandbox.record)

    def _become(self, mail: Told) -> None:
        habits, chance, now = self._habits, self._chance.random, self.clock.gone
        self._comes(mail, "accepted", now + 1)
        taken = now + 2 + self._chance.expovariate(1 / 10)
        if chance() < habits.bounces:
            self._comes(mail, "bounced", taken)
            return
        self._comes(mail, "delivered", taken)
        if chance() < habits.opens_by_machines:
            self._comes(mail, "opened", taken + self._chance.expovariate(1 / (2 * HOUR)))
        opened = self._waking(taken + HOUR * habits.median_hours * self._chance.lognormvariate(0, habits.spread))
        for word, part, after in (
            ("opened", habits.opens, 0.0),
            ("opened", habits.opens_again, self._chance.expovariate(1 / DAY)),
            ("clicked", habits.clicks, 30.0),
            ("complained", habits.complaints, 60.0),
            ("left", habits.leaves, 60.0),
        ):
            if chance() < part:
                self._comes(mail, word, self._waking(opened + after) if after > HOUR else opened + after)

    def _waking(self, when: float) -> float:
        """Return when a person does what they would do at this moment."""
        day, hour = divmod(when, DAY)
        if not NIGHT[1] <= hour / HOUR < NIGHT[0] and self._chance.random() >= self._habits.at_night:
            morning = day * DAY + (DAY if hour / HOUR >= NIGHT[0] else 0.0)
            when = morning + (NIGHT[1] + 3 * self._chance.random()) * HOUR
        weekday = when // DAY % 7
        if weekday in (SATURDAY, SUNDAY) and self._chance.random() >= self._habits.at_weekends:
            when = when // DAY * DAY + (SUNDAY + 1 - weekday) * DAY + (NIGHT[1] + 5 * self._chance.random()) * HOUR
        return when

    def _comes(self, mail: Told, word: str, when: float) -> None:
        self.at(when, partial(self._told, replace(mail, word=word)))

    def _told(self, told: Told) -> None:
        self.reports[told.word] += 1
        self.invocations["ingest"] += 1
        self.report(replace(told, at=self.clock.timestamp()), who="ingest")


def _effect(key: str) -> UUID:
    return UUID(key.rpartition("-")[0])

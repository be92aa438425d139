"""What happened to an effect reads in one order, and nothing is told twice."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from drumbeat.console.stories import happened
from drumbeat.views.effect_stories import Attempt, EffectStory, JournalEntry, OutcomeItem
from drumbeat.views.reports import ReportItem

START = datetime(2026, 11, 30, 9, tzinfo=UTC)
ID = UUID(int=7)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def moved(seq: int, to: str, seconds: float, reason: str | None = None, actor: str = "worker") -> JournalEntry:
    before = None if seq == 1 else "waiting"
    return JournalEntry(seq, before, to, None, None, reason, None, actor, at(seconds))


def outcome(n: int, kind: str, seconds: float, detail: str | None = None, origin: str = "answer") -> OutcomeItem:
    return OutcomeItem(n, 1, origin, kind, None, None, detail, at(seconds))


def told(**parts: Any) -> list[tuple[str, str]]:
    story: dict[str, Any] = dict.fromkeys(EffectStory.__dataclass_fields__)
    story |= {"attempts": [], "outcomes": [], "journal": [], "requests": [], "feedback": []} | parts
    return [(entry.what, entry.word) for entry in happened(EffectStory(**story))]


def test_tries_and_a_decision_stand_in_the_order_they_happened() -> None:
    assert told(
        journal=[
            moved(1, "waiting", 0, actor="planner"),
            moved(2, "claimed", 1),
            moved(3, "sending", 1),
            moved(4, "unknown", 2, "HTTP 500"),
            moved(5, "held", 3, "nothing can prove it"),
            moved(6, "waiting", 9, "look again", "person:ada"),
        ],
        attempts=[Attempt(1, 1, "mailgun", b"", at(1))],
        outcomes=[outcome(1, "unknown", 2, "HTTP 500")],
    ) == [
        ("Planned", "waiting"),
        ("Attempt 1", "sending"),
        ("Attempt 1: answer", "unknown"),
        ("Became", "held"),
        ("Became", "waiting"),
    ]


def test_what_was_reported_stands_there_once() -> None:
    report = ReportItem(ID, "mail", "delivered", "delivered", "OK", at(5), ID, 1, None, None, machine=False)

    assert told(
        attempts=[Attempt(1, 1, "mailgun", b"", at(1))],
        outcomes=[outcome(1, "accepted", 2), outcome(1, "accepted", 5, origin="feedback")],
        journal=[moved(4, "accepted", 2)],
        feedback=[report],
    ) == [("Attempt 1", "sending"), ("Attempt 1: answer", "accepted"), ("Reported", "delivered")]

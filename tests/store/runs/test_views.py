"""Runs in the views of everything else: the story of a person, of an event, lists of events and effects."""

from collections.abc import Iterator

import pytest

from drumbeat import views
from drumbeat.core.outcomes import Accepted, Outcome, Refused
from drumbeat.runs import control
from drumbeat.views import effect_stories, timeline
from drumbeat.views.person_story import PersonStory
from tests.store.runs.stage import Stage

PERSON = "person:test"


def story(stage: Stage, key: bytes) -> PersonStory:
    told = views.person(stage.db, keys=[key], reading=lambda *_: "what was sent")
    assert told is not None
    return told


def test_a_persons_story_has_the_runs_that_meant_them_with_the_mail_or_why_there_was_none(stage: Stage) -> None:
    stage.apply(audience='{bucket: "100%"}')
    (ada, _) = stage.people("ada", "bob")
    (cyd,) = stage.people("cyd", agreed=False)
    run = stage.fire()
    stage.settle()

    mailed, left_out = story(stage, ada), story(stage, cyd)

    assert [(each.event_id, each.left_out) for each in mailed.events] == [(run, None)]
    assert [(each.event_id, each.status, each.request) for each in mailed.effects] == [
        (run, "accepted", "what was sent")
    ]
    assert [(each.event_id, each.left_out) for each in left_out.events] == [(run, {"mail": "no_consent"})]
    assert left_out.effects == []


def test_the_story_is_the_same_page_by_page(stage: Stage) -> None:
    (ada, _) = stage.people("ada", "bob")
    for subject in ("one", "two", "three"):
        stage.apply(subject=subject)
        stage.fire(subject)
        stage.settle()

    def pages() -> Iterator[PersonStory]:
        cursor = None
        while True:
            told = views.person(stage.db, keys=[ada], cursor=cursor, reading=lambda *_: None, fits=lambda _: False)
            assert told is not None
            yield told
            if (cursor := told.next) is None:
                return

    whole = story(stage, ada)
    parts = list(pages())
    assert len(parts) > 3
    assert [each.event_id for part in parts for each in part.events] == [each.event_id for each in whole.events]
    assert [each.effect_id for part in parts for each in part.effects] == [each.effect_id for each in whole.effects]
    assert len(whole.effects) == 3


def test_the_event_that_a_run_is_stays_a_page_and_says_where_the_rest_is(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effect_stories, "EFFECTS_OF_RUN", 5)
    monkeypatch.setattr(timeline, "COUNTED_REPORTS", 5)
    stage.apply()
    stage.people(*(f"p{place:02}" for place in range(30)))
    run = stage.fire()
    stage.settle()

    told = views.event(stage.db, run)

    assert told is not None
    assert (told.run, told.status, told.effects_total, len(told.effects)) == (run, "done", 30, 5)


def test_a_run_is_listed_among_events_as_far_as_it_has_come(stage: Stage) -> None:
    stage.apply("approve: true")
    stage.people("ada")

    def status() -> tuple[str, bool]:
        (item,) = views.events(stage.db, views.EventFilter()).items
        return item.status, bool(views.events(stage.db, views.EventFilter(status=item.status)).items)

    run = stage.fire()
    seen = [status()]
    stage.settle()
    seen.append(status())
    control.approve(run, stage.run(run).plan_hash or b"", actor=PERSON, services=stage)
    control.pause(run, actor=PERSON, reason="wait", services=stage)
    seen.append(status())
    control.resume(run, actor=PERSON, reason="go on", services=stage)
    stage.settle()
    seen.append(status())

    assert seen == [("recorded", True), ("planned", True), ("in_progress", True), ("done", True)]


def test_a_refused_mail_of_a_run_is_no_reason_for_attention(stage: Stage) -> None:
    stage.apply()
    stage.people("ada", "bob")

    def answer(address: str) -> Outcome:
        return Refused("no such address") if address.startswith("ada") else Accepted("taken")

    stage.calls.answer = answer
    stage.fire()
    stage.settle()

    (item,) = views.events(stage.db, views.EventFilter()).items
    assert (item.status, stage.totals(item.event_id).refused) == ("done", 1)


def test_the_effects_of_a_run_are_listed_page_by_page(stage: Stage) -> None:
    stage.apply()
    stage.people(*(f"p{place:02}" for place in range(25)))
    run = stage.fire()
    stage.settle()

    seen, cursor = [], None
    while True:
        page = views.effects(stage.db, views.EffectFilter(event=run), cursor=cursor, limit=10)
        seen += page.items
        if (cursor := page.next) is None:
            break

    assert len({each.effect_id for each in seen}) == len(seen) == 25
    assert {each.status for each in seen} == {"accepted"}
    assert views.effects(stage.db, views.EffectFilter(event=run, status="held")).items == []

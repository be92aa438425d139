"""What is approved is what is sent: whatever changes between, no one else is reached; who is missing has a reason.

Of each seed everything is drawn: who there is, which audience, what changes, and whether it is changed back.
"""

import json
from random import Random
from uuid import UUID

import pytest

from drumbeat.core.errors import ConfigurationChanged
from drumbeat.core.runs import RunState
from drumbeat.runs import control
from tests.store.runs.changed_configuration import DIFFERENT, THE_SAME, document
from tests.store.runs.changed_people import BY, PEOPLE, People, Standing
from tests.store.runs.stage import Stage

SEEDS_A_BATCH = 50
BATCHES = (0, *(pytest.param(number, marks=pytest.mark.proof) for number in range(1, 20)))
KINDS = 50

OUTCOMES = """
    SELECT recipients.contact, e.status,
           coalesce((left_since)[1], left_out[1],
                    CASE WHEN e.reason_code = 'no_consent' OR e.reason_detail = 'complaint' THEN e.reason_detail
                         ELSE e.reason_code::text END) AS reason
      FROM recipients
      LEFT JOIN effects e ON e.event_id = recipients.run_id AND e.contact = recipients.contact
     WHERE run_id = %(run)s
"""
# How an opening says why it sends nothing to someone, where the plan has a word for each.
STANDS = {
    "complained": "complaint",
    "no_consent": "news: none",
    "consent_pending": "news: pending",
    "withdrawn": "news: withdrawn",
}


def test_there_are_fifty_kinds_of_change() -> None:
    assert len(PEOPLE) + len(DIFFERENT) + len(THE_SAME) >= KINDS


def _someone(people: People, random: Random) -> None:
    people.add(
        consent=random.choice(["given", "given", "given", "pending", "withdrawn", None]),
        plan=random.choice(["pro", "pro", "team", "free", None]),
        away=random.choice([None, None, None, True, False]),
        seed=people.prefix,
    )


@pytest.mark.parametrize("batch", BATCHES)
def test_no_one_is_reached_who_was_not_approved_and_each_who_is_missing_has_their_reason(
    stage: Stage, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_KEY", "another")
    for seed in range(batch * SEEDS_A_BATCH, (batch + 1) * SEEDS_A_BATCH):
        _approve_change_and_run(stage, Random(seed), f"s{seed}")


def _approve_change_and_run(stage: Stage, random: Random, prefix: str) -> None:
    by_list = random.random() < 0.5
    original = document(prefix, by_list=by_list)
    stage.configure(in_force := json.dumps(original))
    people = People(stage, random, prefix)
    for _ in range(random.randint(3, 9)):
        _someone(people, random)
    for _ in range(random.randint(0, 2)):
        people.suppress(people.any())
    before = dict(people.standing)
    run = stage.fire(prefix, plan=True)
    stage.settle()
    plan = stage.run(run).plan_hash
    assert plan is not None
    control.approve(run, plan, actor=BY, services=stage)

    names = random.sample([*PEOPLE], random.randint(1, 5))
    for name in names:
        PEOPLE[name](people)
    changed = json.loads(json.dumps(original))
    for name in random.sample([*THE_SAME], random.randint(0, 2)):
        THE_SAME[name](changed)
        names.append(name)
    if random.random() < 0.4:
        name = random.choice([*DIFFERENT])
        change, paths = DIFFERENT[name]
        names.append(name)
        different = json.loads(json.dumps(changed))
        change(different)
        stage.configure(in_force := json.dumps(different))
        with pytest.raises(ConfigurationChanged) as stopped:
            control.start(run, actor=BY, approves=True, services=stage)
        assert set(stopped.value.differences) == paths, names
        stage.settle()
        assert (stage.run(run).state, stage.calls.sent) == (RunState.PLANNED, []), names
        if random.random() < 0.5:
            control.cancel(run, actor=BY, reason="it is another", services=stage)
            return
    if json.dumps(changed) != in_force:
        stage.configure(json.dumps(changed))
    control.start(run, actor=BY, approves=True, services=stage)
    stage.settle()
    _check(stage, run, before, people, by_list=by_list, names=names)


def _check(
    stage: Stage, run: UUID, before: dict[str, Standing], people: People, *, by_list: bool, names: list[str]
) -> None:
    planned = {name for name, standing in before.items() if standing.matches(by_list=by_list)}
    approved = {name for name in planned if before[name].kept_from is None}
    stay = {name for name in planned if people.standing[name].matches(by_list=by_list)}
    sent, stage.calls.sent = stage.calls.sent, []
    rows = {bytes(row["contact"]): row for row in stage.db.run(OUTCOMES, {"run": run})}
    found = {
        name: rows[people.key(name)]["reason"] for name in planned if rows[people.key(name)]["status"] != "accepted"
    }
    expected = {}
    for name in planned:
        if (first := before[name].kept_from) is not None:
            expected[name] = first
        elif name not in stay:
            expected[name] = "left_audience"
        elif (then := people.standing[name].kept_from) is not None:
            expected[name] = STANDS.get(then, then)

    assert set(sent) <= {people.address(name) for name in approved}, names
    assert sorted(sent) == sorted(people.address(name) for name in approved - expected.keys()), names
    assert found == expected, names
    assert len(rows) == len(planned)
    came = {name for name in people.standing if people.standing[name].matches(by_list=by_list)} - planned
    assert stage.came_later(run) == len(came), names
    assert stage.totals(run).matched == len(planned)
    assert stage.run(run).state is RunState.FINISHED

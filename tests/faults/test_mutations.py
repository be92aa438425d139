"""The proof can fail: each deliberate bug breaks it."""

import pytest

from drumbeat.wakeups.queue import Turn
from drumbeat.wakeups.turns import Turns
from tests.faults import processes
from tests.faults.campaign_interleaving import RUN
from tests.faults.environment import Environment
from tests.faults.interleaving import Interleaving
from tests.faults.mutations import MUTATIONS, Mutation
from tests.faults.oracle import check_promises
from tests.faults.proof import ALL_SCENARIOS, IN_MANY_ORDERS, prove
from tests.faults.runs import Simulate
from tests.faults.stories import STORIES, play_story

# What other tests run without a bug: every scenario, every story, and seeds.
RUN_ELSEWHERE = {*ALL_SCENARIOS, *STORIES, *IN_MANY_ORDERS}


def _noticed_soon(mutation: Mutation) -> object:
    """What only many orders notice takes as long as a proof."""
    marks = pytest.mark.proof if mutation.noticed_by in IN_MANY_ORDERS else ()
    return pytest.param(mutation, marks=marks, id=mutation.name)


@pytest.mark.parametrize("mutation", [_noticed_soon(mutation) for mutation in MUTATIONS])
def test_the_proof_notices_that(environment: Environment, simulate: Simulate, mutation: Mutation) -> None:
    try:
        with pytest.MonkeyPatch.context() as patch:
            mutation.make(patch)
            processes.statements.cache_clear()  # a changed statement keeps its name

            with pytest.raises(AssertionError):
                prove(mutation.noticed_by, environment, simulate)
    finally:
        processes.statements.cache_clear()


@pytest.mark.parametrize(
    "part", dict.fromkeys(one.noticed_by for one in MUTATIONS if one.noticed_by not in RUN_ELSEWHERE), ids=str
)
def test_without_a_bug_the_same_part_of_the_proof_holds(
    environment: Environment, simulate: Simulate, part: object
) -> None:
    prove(part, environment, simulate)  # type: ignore[arg-type]


def test_without_the_words_of_turns_a_copy_costs_time_and_mails_no_one_twice(
    environment: Environment, simulate: Simulate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words are no guard: what keeps a mail from being sent twice is its own fence."""
    monkeypatch.setattr(Turns, "take_up", lambda turns, turn: Turn(turn.run, turn.number, turns._word()))

    prove("turned", environment, simulate)
    for seed in range(4):
        Interleaving(environment, simulate, seed, theme=RUN).run()


def test_the_proof_notices_a_count_that_is_wrong(environment: Environment, simulate: Simulate) -> None:
    simulation = simulate()
    play_story("lead", simulation)
    check_promises(simulation)

    environment.owner.run("DELETE FROM uncounted WHERE id = (SELECT max(id) FROM uncounted) RETURNING id")

    with pytest.raises(AssertionError, match="are counted, and there are"):
        check_promises(simulation)


def test_the_proof_notices_consent_that_counts_over_a_withdrawal_of_the_same_instant(
    environment: Environment, simulate: Simulate
) -> None:
    (row,) = environment.owner.run("SELECT pg_get_functiondef('consents_merged'::regproc) AS right")
    wrong = row["right"].replace("= 'withdrawn'::text) DESC", "= 'withdrawn'::text)")
    assert wrong != row["right"]
    environment.owner.run(wrong)
    try:
        with pytest.raises(AssertionError):
            prove("a person withdraws at the instant of confirming", environment, simulate)
    finally:
        environment.owner.run(row["right"])

from drumbeat.core.runs import RunState
from tests.store.runs.stage import Stage


def test_each_person_of_the_audience_is_mailed_once_and_the_run_finishes(stage: Stage) -> None:
    stage.apply()
    stage.people("ada", "bob", "cyd")
    stage.people("dan", agreed=False)

    run = stage.fire()
    stage.settle()

    assert sorted(stage.calls.sent) == ["ada@example.com", "bob@example.com", "cyd@example.com"]
    assert stage.run(run).state is RunState.FINISHED
    assert stage.totals(run).accepted == 3

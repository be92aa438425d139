"""A pytest plugin that notes which failure points the tests provoke; where tests are only collected, it prints them."""

import json
from collections.abc import Iterable

import pytest

type Points = dict[int, list[str]]

POINTS = pytest.StashKey[Points]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Note the points before `-m` and `-k` leave tests out."""
    points: Points = {}
    for item in items:
        for mark in item.iter_markers("point"):
            points.setdefault(mark.args[0], []).append(item.nodeid)
    config.stash[POINTS] = points


def pytest_collection_finish(session: pytest.Session) -> None:
    """Print them for the test that asks another pytest."""
    if session.config.option.collectonly:
        print("POINTS " + json.dumps(session.config.stash[POINTS]))

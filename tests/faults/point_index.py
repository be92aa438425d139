"""A pytest plugin that prints which failure points the collected tests provoke."""

import json

import pytest


def pytest_collection_finish(session: pytest.Session) -> None:
    points: dict[int, list[str]] = {}
    for item in session.items:
        for mark in item.iter_markers("point"):
            points.setdefault(mark.args[0], []).append(item.nodeid)
    print("POINTS " + json.dumps(points))

"""Dashboards and alerts ask for metrics that there are, and for each of those that must be 0."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from drumbeat.core.invariants import Invariant
from drumbeat.observability.exposition import exposition
from tests.build.stack import ROOT
from tests.unit.observability.test_exposition import snapshot

FOLDER = ROOT / "docs" / "telemetry"
DASHBOARDS = sorted(FOLDER.glob("*.json"))
ALERTS = FOLDER / "alerts.yaml"
NAME = re.compile(r"drumbeat_\w+")
LABELS = re.compile(r"(drumbeat_\w+)\{(\w+)")


def queries(dashboard: Path) -> Iterator[tuple[str, str]]:
    """Yield (panel, query) of a dashboard."""
    for panel in json.loads(dashboard.read_text())["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def alerts() -> list[str]:
    said = yaml.safe_load(ALERTS.read_text())
    return [rule["expr"] for group in said["groups"] for rule in group["rules"]]


EVERYTHING = [*((f"{each.name}: {panel}", query) for each in DASHBOARDS for panel, query in queries(each))]
EVERYTHING += [(f"{ALERTS.name}: {query}", query) for query in alerts()]


def exported() -> dict[str, set[str]]:
    """Return the labels of each metric."""
    families = text_string_to_metric_families(exposition(snapshot(), now=1_000.0))
    return {family.name: {label for sample in family.samples for label in sample.labels} for family in families}


@pytest.mark.parametrize("query", [query for _, query in EVERYTHING], ids=[where for where, _ in EVERYTHING])
def test_a_query_names_metrics_and_labels_that_are_exported(query: str) -> None:
    there = exported()

    assert NAME.findall(query)
    assert set(NAME.findall(query)) <= there.keys()
    assert all(label in there[name] for name, label in LABELS.findall(query))


def test_each_invariant_is_on_the_first_dashboard_and_has_an_alert() -> None:
    shown = {name for _, query in queries(DASHBOARDS[0]) for name in NAME.findall(query)}
    alarmed = {name for query in alerts() for name in NAME.findall(query)}

    assert {f"drumbeat_{each}" for each in Invariant} <= shown & alarmed


def test_a_dashboard_leaves_the_choice_of_its_data_source_to_who_imports_it() -> None:
    for dashboard in DASHBOARDS:
        said = json.loads(dashboard.read_text())
        assert [each["type"] for each in said["templating"]["list"]] == ["datasource"]
        assert {panel["datasource"]["uid"] for panel in said["panels"]} == {"${datasource}"}
        assert len({panel["id"] for panel in said["panels"]}) == len(said["panels"])

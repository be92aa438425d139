"""What a run measured: every figure of every repeat, and their medians."""

import os
import platform
import statistics
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.phases import Figures, Size

REQUIREMENTS = Path(__file__).parent / "requirements.txt"


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of a figure's repeats, and how far apart they were."""

    median: float
    low: float
    high: float


@dataclass(slots=True)
class Results:
    """All figures of one run."""

    size: Size
    repeats: int = 0
    took: float = 0.0  # seconds
    runs: list[dict[str, Any]] = field(default_factory=list)
    date: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())

    def add(self, system: str, phase: str, repeat: int, figures: Figures) -> None:
        """Keep the figures of one phase."""
        self.runs.append({"system": system, "phase": phase, "repeat": repeat, "figures": figures})

    def all(self, system: str, phase: str, *path: str) -> list[Any]:
        """Return every repeat's value of a figure; a path leads into nested ones."""
        values = []
        for run in self.runs:
            if (run["system"], run["phase"]) == (system, phase):
                value: Any = run["figures"]
                for name in path:
                    value = value.get(name) if isinstance(value, dict) else None
                if value is not None:
                    values.append(value)
        return values

    def spread(self, system: str, phase: str, *path: str) -> Spread | None:
        """Return the median and range of a figure; None when it was not measured."""
        values = [float(value) for value in self.all(system, phase, *path)]
        return Spread(statistics.median(values), min(values), max(values)) if values else None

    def as_json(self) -> dict[str, Any]:
        """Return everything, fit for a file."""
        return {
            "date": self.date,
            "machine": machine(),
            "versions": versions(),
            "minutes": round(self.took / 60, 1),
            "size": asdict(self.size),
            "runs": self.runs,
        }


def machine() -> str:
    """Name the machine by what matters."""
    return f"{os.cpu_count()} cores, {platform.system()}"


def versions() -> dict[str, str]:
    """Return what was measured on what."""
    pinned = (line.split("==") for line in REQUIREMENTS.read_text().splitlines() if "==" in line)
    peers = {name.partition("[")[0]: version for name, version in pinned}
    return {
        "python": platform.python_version(),
        "drumbeat": metadata.version("drumbeat"),
        "celery": peers["celery"],
        "procrastinate": peers["procrastinate"],
    }

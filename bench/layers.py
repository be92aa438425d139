"""The layers as `sam build` makes them, for this machine, and what importing a handler from them costs."""

import json
import platform
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.servers import ROOT

# No site-packages, no environment: what is not in the layers cannot be imported.
IMPORT = """
import sys, time
sys.path[1:1] = {paths!r}
before = len(sys.modules)
begun = time.perf_counter()
import app
print((time.perf_counter() - begun) * 1000, len(sys.modules) - before)
"""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import cost: median of several fresh processes."""

    ms: float
    modules: int


def build(folder: Path, uv: Path) -> list[Path]:
    """Build both layers below the folder with their own makefiles; returns what goes on the path."""
    paths = []
    for layer, makefile in (("DependenciesLayer", ROOT / "layers/dependencies"), ("CodeLayer", ROOT / "shared")):
        target = folder / layer
        target.mkdir(parents=True)
        variables = [f"ARTIFACTS_DIR={target}", f"PLATFORM={platform.machine()}-manylinux_2_28", f"UV={uv}"]
        variables.append(f"PYTHON={sys.executable}")
        subprocess.run(["make", "--quiet", "-C", makefile, f"build-{layer}", *variables], check=True)
        paths.append(target / "python")
    return paths


def megabytes(paths: list[Path]) -> float:
    """Return the unzipped size of the layers."""
    return sum(file.stat().st_size for path in paths for file in path.rglob("*") if file.is_file()) / 2**20


def imported(function: Path, paths: list[Path], times: int = 9) -> Imported:
    """Import a function's handler in fresh processes with nothing but its folder and the layers on the path."""
    program = IMPORT.format(paths=[str(function), *map(str, paths)])
    results = []
    for _ in range(times):
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", program],
            check=True,
            capture_output=True,
            text=True,
            env={"POWERTOOLS_SERVICE_NAME": "bench", "POWERTOOLS_METRICS_NAMESPACE": "Bench"},
        )
        results.append(json.loads(f"[{done.stdout.replace(' ', ',')}]"))
    return Imported(statistics.median(ms for ms, _ in results), results[0][1])

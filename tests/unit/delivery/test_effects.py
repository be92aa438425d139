"""The values of the delivery room."""

import subprocess
import sys

PURE = ("effects", "transitions", "verdicts", "work")
LOADED = "import sys; print(*(name for name in sys.modules if name.startswith('psycopg') or name.endswith('sql')))"


def test_values_and_decisions_know_no_ledger() -> None:
    imports = "".join(f"import drumbeat.delivery.{name}; " for name in PURE)

    loaded = subprocess.run([sys.executable, "-c", imports + LOADED], capture_output=True, text=True, check=True)

    assert loaded.stdout.split() == []

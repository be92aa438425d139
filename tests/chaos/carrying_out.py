"""A trial in a process of its own, as a test carries it out."""

import signal
import subprocess
import sys

from tests.flow.stacks import ROOT

TIMEOUT_SECONDS = 540.0


def carry_out(module: str, *options: str) -> None:
    """Run a trial to its end, and print its report; fails when a promise was broken."""
    command = [sys.executable, "-u", "-m", module, *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as trial:
        try:
            output, _ = trial.communicate(timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            trial.send_signal(signal.SIGTERM)  # it ends its stack and its servers
            output, _ = trial.communicate()

    print(output)  # the seed, the tables, and where everything is kept when a promise was broken
    assert trial.returncode == 0

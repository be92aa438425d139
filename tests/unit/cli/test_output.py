"""What programs read from the command line."""

import io
import json
import sys

import pytest

from drumbeat.cli.output import print_json


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_json_is_printed_whatever_the_output_can_hold(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding))

    print_json({"note": "Gr\u00fc\u00dfe \U0001f600 \0"})
    sys.stdout.flush()

    assert json.loads(raw.getvalue().decode(encoding)) == {"note": "Gr\u00fc\u00dfe \U0001f600 \0"}

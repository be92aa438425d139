"""What a person sees of the children's logs."""

import json
from pathlib import Path

import pytest

from drumbeat.local.logs import Tail, readable


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
        ("", None),
        ('{"_aws": {}, "EventsRecorded": [1.0]}', None),
        ('{"level": "INFO", "message": "delivered"}', None),
        ('{"level": "WARNING", "message": "slow", "service": "x", "account": "mail"}', "WARNING: slow account=mail"),
        (
            '{"level": "ERROR", "message": "m", "exception_name": "KeyError", "exception": "..."}',
            "ERROR: m (KeyError; more in the log)",
        ),
        ('{"cut', '{"cut'),
    ],
)
def test_only_what_matters_is_shown(line: str, shown: str | None) -> None:
    assert readable(line) == shown


def test_each_new_line_is_printed_once_with_its_origin(tmp_path: Path) -> None:
    (tmp_path / "front.log").write_text("old\n")
    tail = Tail(tmp_path)
    with (tmp_path / "front.log").open("a") as log:
        log.write("one\nhal")
    (tmp_path / "relay.log").write_text(json.dumps({"level": "ERROR", "message": "no"}) + "\n")

    assert list(tail.lines()) == ["     front | one", "     relay | ERROR: no"]

    with (tmp_path / "front.log").open("a") as log:
        log.write("f\n")
    assert list(tail.lines()) == ["     front | half"]
    assert list(tail.lines()) == []

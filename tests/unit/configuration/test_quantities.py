import pytest

from drumbeat.configuration.quantities import duration, limit
from drumbeat.core.configuration import Limit


@pytest.mark.parametrize(("text", "seconds"), [("0s", 0), ("30s", 30), ("5m", 300), ("12h", 43_200), ("3d", 259_200)])
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "3", "3 d", "1.5h", "-1s", "3w", "1h30m", "9999d", "٣s"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"3650d|30s"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10/s burst 20", Limit(10, 1, 20)),
        ("10/s", Limit(10, 1, 10)),
        ("300/m", Limit(300, 60, 300)),
        ("100/h", Limit(100, 3600, None)),
        ("50000/d", Limit(50_000, 86_400, None)),
    ],
)
def test_limits(text: str, expected: Limit) -> None:
    assert limit(text) == expected


@pytest.mark.parametrize(
    "text", ["", "10", "10/w", "0/s", "10/s burst 0", "5/d burst 3", "10 / s", "1/s burst", "-1/s"]
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="limit"):
        limit(text)

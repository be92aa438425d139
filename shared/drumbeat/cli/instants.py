"""An instant as a person gives it: `2h`, `3d`, or ISO 8601."""

import re
from datetime import UTC, datetime, timedelta
from typing import override

import click

_AGO = re.compile("([0-9]{1,6})(s|m|min|h|d|w)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


class Instant(click.ParamType[str]):
    """An instant that is given as such, or as how long ago it was; it becomes ISO 8601, which the API reads."""

    name = "instant"

    @override
    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        try:
            if found := _AGO.fullmatch(text):
                ago = timedelta(seconds=int(found[1]) * _SECONDS[found[2]])
                return (datetime.now(UTC) - ago).isoformat()
            datetime.fromisoformat(text)
        except (ValueError, OverflowError):
            self.fail(
                f"{text!r} is neither how long ago, such as 30m, 2h or 3d, nor an instant of ISO 8601", param, ctx
            )
        return text


INSTANT = Instant()

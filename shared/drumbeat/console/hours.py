"""What came to an end hour by hour, as charts and the tables beside them show it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from drumbeat.views.hours import HourCount


def by_hour(counts: Iterable[HourCount], hours: Sequence[datetime], names: Sequence[str]) -> list[dict[str, object]]:
    """Add up the accounts of each of these hours; one in which nothing ended is there, too."""
    sums: dict[datetime, Counter[str]] = {hour: Counter() for hour in hours}
    for each in counts:
        if each.hour in sums:
            sums[each.hour].update({name: getattr(each, name) for name in names})
    return [{"hour": hour, "at": int(hour.timestamp()), **{name: sums[hour][name] for name in names}} for hour in hours]

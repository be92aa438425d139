"""The names that schedules have at EventBridge Scheduler."""

import re

from drumbeat.campaigns.schedules import name_of
from drumbeat.core.campaigns import Campaign


def named(name: str) -> str:
    return name_of(Campaign(name, "rate(1 day)", "UTC", "shift"))


def test_a_schedule_is_called_after_its_campaign() -> None:
    assert named("digest") == "campaign-digest"


def test_the_longest_names_are_cut_and_still_differ() -> None:
    one, other = named("a" * 63 + "x"), named("a" * 63 + "y")

    assert one != other
    assert all(re.fullmatch(r"campaign-[0-9a-zA-Z-_.]{1,55}", name) for name in (one, other))

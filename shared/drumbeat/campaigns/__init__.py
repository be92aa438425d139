"""Campaigns: instants of a calendar that become events, each exactly once.

EventBridge Scheduler only wakes us; the calendar that was in force at an instant is the truth. A firing that is lost,
doubled or late changes nothing but delay, and neither does an edit before it is recorded.
"""

from drumbeat.campaigns.catch_up import CaughtUp, Missed, catch_up, missed
from drumbeat.campaigns.fire import Fired, fire
from drumbeat.campaigns.in_force import CATCH_UP
from drumbeat.campaigns.trigger import trigger
from drumbeat.campaigns.upcoming import Upcoming, fires, upcoming

__all__ = [
    "CATCH_UP",
    "CaughtUp",
    "Fired",
    "Missed",
    "Upcoming",
    "catch_up",
    "fire",
    "fires",
    "missed",
    "trigger",
    "upcoming",
]

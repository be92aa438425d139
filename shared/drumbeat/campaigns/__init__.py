"""Campaigns: instants of a calendar that become events, each exactly once.

EventBridge Scheduler only wakes us; the calendar of the configuration in force is the truth. A firing that is lost,
doubled or late changes nothing but delay.
"""

from drumbeat.campaigns.catch_up import CaughtUp, Missed, catch_up, missed
from drumbeat.campaigns.fire import CATCH_UP, Fired, fire
from drumbeat.campaigns.trigger import trigger

__all__ = ["CATCH_UP", "CaughtUp", "Fired", "Missed", "catch_up", "fire", "missed", "trigger"]

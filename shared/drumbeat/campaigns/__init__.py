"""Campaigns: instants of a calendar that become events, each exactly once.

EventBridge Scheduler is the alarm clock, the calendar of the configuration in force is the truth: a firing that is
lost, doubled or late changes nothing but delay.
"""

from drumbeat.campaigns.fire import CATCH_UP, Fired, fire
from drumbeat.campaigns.mend import Mended, Missed, mend, missed
from drumbeat.campaigns.trigger import trigger

__all__ = ["CATCH_UP", "Fired", "Mended", "Missed", "fire", "mend", "missed", "trigger"]

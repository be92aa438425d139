"""Read-only views over the ledger, the same for API, console and command line."""

from drumbeat.views.accounts import AccountItem, accounts
from drumbeat.views.pages import EffectFilter, EventFilter, Page, effects, events
from drumbeat.views.pulse import Pulse, pulse
from drumbeat.views.timeline import event
from drumbeat.views.totals import HeldGroup, Totals, by_account, held, totals
from drumbeat.views.usage import Usage, usage

__all__ = [
    "AccountItem",
    "EffectFilter",
    "EventFilter",
    "HeldGroup",
    "Page",
    "Pulse",
    "Totals",
    "Usage",
    "accounts",
    "by_account",
    "effects",
    "event",
    "events",
    "held",
    "pulse",
    "totals",
    "usage",
]

"""Read-only views over the ledger, the same for API, console and command line."""

from drumbeat.views.accounts import AccountItem, accounts
from drumbeat.views.pages import EffectFilter, EventFilter, Page, effects, events
from drumbeat.views.timeline import event
from drumbeat.views.totals import HeldGroup, Totals, by_account, held, totals

__all__ = [
    "AccountItem",
    "EffectFilter",
    "EventFilter",
    "HeldGroup",
    "Page",
    "Totals",
    "accounts",
    "by_account",
    "effects",
    "event",
    "events",
    "held",
    "totals",
]

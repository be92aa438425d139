"""Read-only views over the ledger, the same for API, console and command line."""

from drumbeat.views.accounts import AccountItem, accounts
from drumbeat.views.effect_pages import EffectFilter, EffectItem, effects
from drumbeat.views.effects_newest import newest_effects
from drumbeat.views.event_pages import EventFilter, EventItem, events
from drumbeat.views.journal_pages import JournalFilter, journal
from drumbeat.views.lead_pages import LeadFilter, LeadItem, leads
from drumbeat.views.pages import Page
from drumbeat.views.person_story import PersonStory, person
from drumbeat.views.pulse import Pulse, pulse
from drumbeat.views.reports import recent as recent_reports
from drumbeat.views.requests import request
from drumbeat.views.run_pages import RunFilter, RunItem, runs
from drumbeat.views.timeline import event, event_of_effect
from drumbeat.views.totals import Totals, by_account, groups, totals
from drumbeat.views.unplannable import UnplannableFlow, unplannable
from drumbeat.views.usage import Usage, usage

__all__ = [
    "AccountItem",
    "EffectFilter",
    "EffectItem",
    "EventFilter",
    "EventItem",
    "JournalFilter",
    "LeadFilter",
    "LeadItem",
    "Page",
    "PersonStory",
    "Pulse",
    "RunFilter",
    "RunItem",
    "Totals",
    "UnplannableFlow",
    "Usage",
    "accounts",
    "by_account",
    "effects",
    "event",
    "event_of_effect",
    "events",
    "groups",
    "journal",
    "leads",
    "newest_effects",
    "person",
    "pulse",
    "recent_reports",
    "request",
    "runs",
    "totals",
    "unplannable",
    "usage",
]

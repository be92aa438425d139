"""All pages of the console: one noun a file, one line here."""

from drumbeat.console import accounts, assets, decisions, effects, events, live, now, sign_in

PAGES = (now, live, events, decisions, effects, accounts, sign_in, assets)

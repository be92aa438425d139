"""All pages of the console: one noun a file, one line here."""

from drumbeat.console import accounts, assets, live, now, sign_in

PAGES = (now, live, accounts, sign_in, assets)

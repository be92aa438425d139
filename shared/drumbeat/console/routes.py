"""All pages of the console: one noun a file, one line here."""

from drumbeat.console import accounts, assets, now, sign_in

PAGES = (now, accounts, sign_in, assets)

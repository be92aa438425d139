"""All pages of the console: one noun a file, one line here."""

from drumbeat.console import accounts, assets, audiences, erasure, live, now, people, person, sign_in, sources

PAGES = (now, live, people, person, erasure, audiences, accounts, sources, sign_in, assets)

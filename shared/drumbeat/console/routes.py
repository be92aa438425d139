"""All pages of the console: one noun a file, one line here."""

from drumbeat.console import (
    accounts,
    assets,
    audiences,
    decisions,
    effects,
    erasure,
    events,
    live,
    now,
    people,
    person,
    sign_in,
    sources,
)

PAGES = (
    now,
    live,
    people,
    person,
    erasure,
    events,
    decisions,
    effects,
    audiences,
    accounts,
    sources,
    sign_in,
    assets,
)

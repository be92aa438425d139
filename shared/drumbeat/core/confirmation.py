"""Confirmations, wherever they are spoken of: how long a sign-up waits, and what a doubtful press is called."""

from datetime import timedelta

CONFIRMED_WITHIN = timedelta(days=7)
UNVERIFIED_SOURCE = "drumbeat:unverified"  # of events that say: the button was pressed, perhaps by a program
